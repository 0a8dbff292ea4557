/// A Swift file, as it stands and as code alone.
struct SourceFile: Sendable {
    /// The path from the top of the project.
    let path: String
    /// The lines as they stand.
    let lines: [Substring]
    /// The same lines without comments and the text of strings.
    let code: [Substring]

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        code = String(decoding: CodeMask.masked(text), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The folder below `Sources` or `Tests` that the file belongs to, which is the name of its module.
    var module: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    var isTest: Bool { path.hasPrefix("Tests/") }

    func violation(line index: Int, _ reason: String) -> Violation {
        Violation(path: path, line: index + 1, reason: reason)
    }

    /// The modules that the file imports, each with the index of its line.
    var imports: [(module: String, line: Int)] {
        code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ").map(String.init)
            guard let keyword = words.firstIndex(of: "import"), words.count > keyword + 1,
                words[..<keyword].allSatisfy({ $0.hasPrefix("@") || Self.accessWords.contains($0) })
            else { return nil }
            let isKind = Self.kindWords.contains(words[keyword + 1]) && words.count > keyword + 2
            let name = words[keyword + (isKind ? 2 : 1)]
            return (String(name.prefix { $0 != "." }), index)
        }
    }

    private static let accessWords: Set = ["public", "package", "internal", "fileprivate", "private"]
    private static let kindWords: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
}
