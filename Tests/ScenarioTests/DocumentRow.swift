import Expressions
import Telemetry

/// A row of a table of expressions: an expression, the messages that it is tried on, and what it gives at the last.
struct DocumentRow: Sendable, CustomStringConvertible {
    let description: String
    /// What the page says, as JSON, or `error`.
    let gives: String
    private let expression: String
    private let messages: String

    init(page: String, _ line: Int, _ cells: [String]) {
        description = "docs/\(page):\(line)"
        expression = Self.code(cells[0])
        messages = Self.code(cells[1])
        gives = cells[2] == "an error" ? "error" : Self.code(cells[2])
    }

    private static func code(_ cell: String) -> String {
        cell.hasPrefix("`") && cell.hasSuffix("`") ? String(cell.dropFirst().dropLast()) : cell
    }

    /// What the engine gives, as JSON, or `error`.
    func result() throws -> String {
        let input = try JSONValue(parsing: messages.isEmpty ? "{}" : messages)
        let messages = input.arrayValue ?? [input]
        var layout = ColumnLayout()
        let program = try Program(expression, layout: &layout)
        let moments = messages.indices.map { Int64($0) * 1_000_000 }
        let columns = layout.names.map { name in
            var column = ValueColumn()
            for message in messages { column.append(message[name]?.value) }
            return column
        }
        var memory = ProgramMemory(for: program)
        let values = program.evaluate(
            ExpressionBlock(timestamps: moments, columns: columns), memory: &memory,
            environment: ExpressionEnvironment())
        return values[messages.count - 1].map { JSONValue($0).text } ?? "error"
    }
}
