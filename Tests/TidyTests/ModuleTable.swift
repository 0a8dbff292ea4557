/// The tables of `docs/modules.md`.
struct ModuleTable: Sendable {
    struct Row: Sendable, Equatable {
        var module: String
        /// What it may import: modules of the project and products of packages.
        var imports: Set<String>
        /// The line of the page, from 1.
        var line: Int
    }

    /// The modules from the top of the table to its end.
    private(set) var rows: [Row] = []
    /// The files that may import the whole of Foundation.
    private(set) var foundationFiles: Set<String> = []

    static let path = "docs/modules.md"
    /// What the word `core` stands for in the table.
    static let core: Set = ["Telemetry", "Expressions", "Calculators", "Evaluation"]

    init(_ text: String) {
        var heading = ""
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("## ") { heading = String(line.dropFirst(3)) }
            let cells = Self.cells(line)
            guard cells.count >= 2, let first = cells.first, first.hasPrefix("`") else { continue }
            let name = first.filter { $0 != "`" }
            if heading == "The modules", cells.count == 3 {
                rows.append(Row(module: name, imports: Self.names(cells[2]), line: index + 1))
            } else if heading == "Full Foundation" {
                foundationFiles.insert(name)
            }
        }
    }

    private static func cells(_ line: Substring) -> [String] {
        guard line.hasPrefix("|") else { return [] }
        return line.split(separator: "|").map { cell in
            String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    private static func names(_ cell: String) -> Set<String> {
        let words = cell.split { $0 == "," || $0 == " " || $0 == "`" }.map(String.init).filter { $0 != "–" }
        return words.reduce(into: []) { names, word in
            if word == "core" { names.formUnion(core) } else { names.insert(word) }
        }
    }
}
