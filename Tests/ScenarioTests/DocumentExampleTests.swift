import Expressions
import Telemetry
import TestSupport
import Testing

/// The pages say what is so: every example in them is tried.
@Suite struct DocumentExampleTests {
    static let examples = DocumentExample.all.compactMap { try? $0.get() }

    @Test("every example of the pages can be read, and there are many")
    func readable() throws {
        for example in DocumentExample.all { _ = try example.get() }
        #expect(Self.examples.count > 40)
    }

    @Test("an example gives the intervals that its page shows", arguments: examples)
    func intervals(_ example: DocumentExample) throws {
        let scenario = try example.scenario()
        let progress = try scenario.end()
        let found = try ScenarioEvaluation(scenario, progress).json().map(\.text)
        #expect(found.joined(separator: "\n") == scenario.expected.map(\.text).joined(separator: "\n"))
        let single = try ScenarioEvaluation(scenario, progress, cuts: Array(0..<progress.messages.count)).json()
        #expect(single.map(\.text) == found, "one message after another")
    }

    @Test("examples of one page have different names", arguments: DocumentPage.all.map(\.name))
    func names(_ page: String) throws {
        let page = try #require(DocumentPage.named(page))
        let names = DocumentExample.each(in: page).compactMap { try? $0.get().name }
        #expect(names.count == Set(names).count)
    }

    @Test("messages stand in pages only as part of an example")
    func messages() {
        let lists = DocumentPage.all.flatMap(\.blocks).filter { $0.language == "jsonl" }
        #expect(lists.count == DocumentExample.all.count)
    }

    @Test("a block of JSON in a page is JSON", arguments: DocumentPage.all.map(\.name))
    func blocks(_ page: String) throws {
        for block in try #require(DocumentPage.named(page)).blocks where block.language == "json" {
            #expect(throws: Never.self, "docs/\(page):\(block.line)") { try JSONValue(parsing: block.text) }
        }
    }

    static let tables = DocumentPage.all.flatMap { page in
        page.rows(under: ["expression", "message", "gives"]).map { DocumentRow(page: page.name, $0.line, $0.cells) }
    }

    @Test("a row of a table of expressions gives what it says", arguments: tables)
    func row(_ row: DocumentRow) throws {
        #expect(try row.result() == row.gives, "\(row)")
    }

    @Test("there are tables of expressions")
    func rows() { #expect(Self.tables.count > 20) }

    @Test("a function stands in the page with its usage and its first example", arguments: Function.all.map(\.name))
    func function(_ name: String) throws {
        let function = try #require(Function.all.first { $0.name == name })
        let example = try #require(function.examples.first)
        let page = try #require(DocumentPage.named("expressions.md"))
        let rows = page.rows(under: ["function", "gives", "example"]).filter { $0.cells[0] == "`\(function.usage)`" }
        let input = example.input.map { " with `\($0)`" } ?? ""
        let cell = "`\(example.expression)` → `\(example.result)`\(input)"
        let row = "| `\(function.usage)` | \(function.summary) | \(cell) |"
        #expect(rows.count == 1, "docs/expressions.md needs the row \(row)")
        for row in rows { #expect(row.cells[2] == cell, "docs/expressions.md:\(row.line)") }
    }

    @Test("a function in the page is one")
    func functions() throws {
        let page = try #require(DocumentPage.named("expressions.md"))
        let usages = Set(Function.all.map { "`\($0.usage)`" })
        for row in page.rows(under: ["function", "gives", "example"]) {
            #expect(usages.contains(row.cells[0]), "docs/expressions.md:\(row.line)")
        }
    }
}
