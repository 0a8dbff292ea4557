import Testing

/// The pages for readers: their links lead somewhere, and what can be listed from the source is listed in them.
struct DocumentTests {
    static let pages =
        ["README.md"] + Project.entries(below: "docs").filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }

    @Test("links within the project lead to files that are there", arguments: pages)
    func links(_ page: String) {
        let folder = page.split(separator: "/").dropLast().map { $0 + "/" }.joined()
        for (index, line) in (Project.text(page) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            for link in Self.links(in: line) where !link.contains("://") && !link.hasPrefix("#") {
                let target = link.prefix { $0 != "#" }
                let path = target.hasPrefix("../") ? String(target.dropFirst(3)) : folder + target
                if !Project.exists(path) {
                    report([Violation(path: page, line: index + 1, reason: "there is no \(path)")])
                }
            }
        }
    }

    @Test("the page on expressions has every function")
    func functions() {
        let page = Project.text("docs/expressions.md") ?? ""
        let sources = Project.sources.filter { $0.path.hasPrefix("Sources/Expressions/Function+") }
        let text = sources.compactMap { Project.text($0.path) }.joined()
        let names = Self.names(in: text, after: "Function(") + Self.names(in: text, after: "component(")
        #expect(names.count > 40)
        for name in names where !page.contains("`\(name)(") {
            report([Violation(path: "docs/expressions.md", line: 1, reason: "the function \(name)() is missing")])
        }
    }

    @Test("the page on the API has every route")
    func routes() {
        let page = Project.text("docs/api.md") ?? ""
        let table = Project.text("Sources/HTTPAPI/Routes/Route+table.swift") ?? ""
        let paths = table.split(separator: "\"").filter { $0.hasPrefix("/") && !$0.contains(" ") && !$0.contains("\n") }
        #expect(paths.count > 10)
        for path in Set(paths) where !page.contains(path) {
            report([Violation(path: "docs/api.md", line: 1, reason: "the route \(path) is missing")])
        }
    }

    /// The targets of `[text](target)`.
    private static func links(in line: Substring) -> [Substring] {
        line.split(separator: "](").dropFirst().map { $0.prefix { $0 != ")" && $0 != " " } }
    }

    /// The words that stand in quotes right behind a call's bracket.
    private static func names(in text: String, after call: String) -> [String] {
        text.split(separator: call).dropFirst().compactMap { rest in
            let start = rest.drop { $0.isWhitespace }
            guard start.first == "\"" else { return nil }
            let name = start.dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            return name.isEmpty ? nil : String(name)
        }
    }
}
