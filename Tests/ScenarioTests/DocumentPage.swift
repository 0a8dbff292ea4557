import FoundationEssentials

/// A page of the documentation, cut into what can be tried.
struct DocumentPage: Sendable {
    /// What stands between two lines of three backticks.
    struct Block: Sendable {
        var language: String
        /// The line of the opening backticks, counted from 1.
        var line: Int
        var text: String
    }

    let name: String
    let text: String
    let lines: [String]
    let blocks: [Block]

    /// The pages that are tried, by name.
    static let all: [DocumentPage] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".md") }.sorted().compactMap { name in
            FileManager.default.contents(atPath: "\(folder)/\(name)").map {
                DocumentPage(name: name, text: String(decoding: $0, as: UTF8.self))
            }
        }
    }()

    static func named(_ name: String) -> DocumentPage? { all.first { $0.name == name } }

    private static let folder = Folders.calculators + "/../docs"

    init(name: String, text: String) {
        self.name = name
        self.text = text
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        blocks = Self.blocks(lines)
    }

    private static func blocks(_ lines: [String]) -> [Block] {
        var blocks: [Block] = []
        var start: Int?
        for (index, line) in lines.enumerated() where line.hasPrefix("```") {
            guard let first = start else {
                start = index
                continue
            }
            let inner = lines[first + 1..<index].joined(separator: "\n")
            blocks.append(Block(language: String(lines[first].dropFirst(3)), line: first + 1, text: inner))
            start = nil
        }
        return blocks
    }

    /// The cells of every row of the tables whose head is the given one, with the line of each row.
    func rows(under head: [String]) -> [(line: Int, cells: [String])] {
        var rows: [(Int, [String])] = []
        var isInside = false
        for (index, line) in lines.enumerated() {
            guard line.hasPrefix("| ") || line.hasPrefix("|-") else {
                isInside = false
                continue
            }
            let cells = Self.cells(line)
            if cells == head {
                isInside = true
            } else if isInside, !line.hasPrefix("|-") {
                rows.append((index + 1, cells))
            }
        }
        return rows
    }

    /// The cells of a row; `\|` is a bar within a cell.
    private static func cells(_ line: String) -> [String] {
        let bar = "\u{1}"
        return line.replacing("\\|", with: bar).split(separator: "|", omittingEmptySubsequences: false)
            .dropFirst().dropLast().map { cell in
                String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()).replacing(bar, with: "|")
            }
    }
}
