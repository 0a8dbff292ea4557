import Telemetry

/// Rows of text in aligned columns, for people; columns without any value are left out.
struct TableText {
    let header: [String]
    private var rows: [[String]] = []

    /// Longer cells are cut.
    static let cellLengthMax = 32

    init(header: [String]) { self.header = header }

    mutating func append(_ row: [String]) { rows.append(row) }

    /// The table with a line below its header; numbers stand at the right.
    var text: String {
        let shown = header.indices.filter { column in
            column < 4 || rows.contains { !$0[column].isEmpty }
        }
        let cells = ([header] + rows).map { row in shown.map { Self.cut(row[$0]) } }
        let widths = shown.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        let isRight = shown.map { column in rows.allSatisfy { Self.isNumber($0[column]) } }
        var lines = cells.map { Self.line($0, widths, isRight) }
        lines.insert(widths.map { String(repeating: "-", count: $0) }.joined(separator: "  "), at: 1)
        return lines.map { $0 + "\n" }.joined()
    }

    /// A value for people: numbers with at most five decimals.
    static func cell(_ value: Value?) -> String {
        switch value {
        case nil, .null: return ""
        case .string(let text), .json(let text):
            return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
        case .boolean(let flag): return flag ? "true" : "false"
        case .number(let number):
            var writer = JSONWriter()
            writer.write(number: abs(number) < 1e9 ? (number * 1e5).rounded() / 1e5 : number)
            return writer.text
        }
    }

    /// Seconds as hours, minutes and seconds: `1:02:03`.
    static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))"
    }

    private static func line(_ cells: [String], _ widths: [Int], _ isRight: [Bool]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: widths[index] - cell.count)
            line += (index > 0 ? "  " : "") + (isRight[index] ? padding + cell : cell + padding)
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    private static func cut(_ cell: String) -> String {
        cell.count <= cellLengthMax ? cell : cell.prefix(cellLengthMax - 1) + "…"
    }

    private static func isNumber(_ cell: String) -> Bool {
        cell.utf8.allSatisfy { (0x30...0x3a).contains($0) || $0 == 0x2d || $0 == 0x2e }
    }
}
