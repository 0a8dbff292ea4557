import Expressions
import Telemetry

/// A message, or the fields of an interval, as an expression saw it.
public struct TracedMessage: Sendable, Equatable {
    /// When the message was made; nil for the fields of an interval.
    public var moment: Timestamp?
    /// Those that are read, as far as they are there.
    public var parameters: [JSONValue.Member]
    /// The text of the expression; nil where none decides.
    public var expression: String?
    /// The value of every part of the expression, the whole before its parts.
    public var values: [TracedValue] = []

    /// A message that no expression looks at.
    init(_ moment: Int64, parameters: [JSONValue.Member] = []) {
        self.moment = Timestamp(microseconds: moment)
        self.parameters = parameters
    }

    /// A block of one row through a program that remembers the rows before; the names are those of the layout.
    init(
        _ program: Program, _ block: ExpressionBlock, memory: ProgramMemory, names: [String],
        _ environment: ExpressionEnvironment, moment: Int64?
    ) {
        self.moment = moment.map { Timestamp(microseconds: $0) }
        parameters = Self.parameters(program.names, block, names: names)
        expression = program.source
        values = program.trace(block, rows: 0..<1, row: 0, memory: memory, environment: environment)
    }

    /// The values of some parameters in a block of one row, without those that are absent.
    static func parameters(_ wanted: [String], _ block: ExpressionBlock, names: [String]) -> [JSONValue.Member] {
        wanted.compactMap { name in
            guard let slot = names.firstIndex(of: name), slot < block.columns.count,
                let value = block.columns[slot][0]
            else { return nil }
            return JSONValue.Member(name, value.finiteJSON)
        }
    }

    /// What the whole expression came to; nil where it is an error or a literal.
    var whole: TracedValue? { values.first }
}

extension TracedMessage {
    /// `timestamp`, `parameters`, and of an expression its text and the values of its parts.
    public var json: JSONValue {
        var members: [JSONValue.Member] = []
        if let moment { members.append(.init("timestamp", JSONValue(exactly: moment))) }
        members.append(.init("parameters", .object(parameters)))
        if let expression {
            members += [.init("expression", .string(expression)), .init("values", .array(values.map(\.json)))]
        }
        return .object(members)
    }
}

extension TracedValue {
    /// The part as it is written, its column, and its value or why it has none.
    fileprivate var json: JSONValue {
        var members: [JSONValue.Member] = [
            .init("text", .string(text)), .init("column", JSONValue.number(Double(column))),
        ]
        if let error {
            members.append(.init("error", .string(error.reason)))
        } else {
            members.append(.init("value", value?.finiteJSON ?? .null))
        }
        return .object(members)
    }
}

extension Value {
    /// The value as JSON; a number that JSON does not have is null.
    var finiteJSON: JSONValue {
        if case .number(let number) = self, !number.isFinite { return .null }
        return JSONValue(self)
    }
}

extension JSONValue {
    /// A moment in seconds.
    init(exactly moment: Timestamp) { self = .number(moment.seconds) }

    /// A stretch of microseconds in seconds.
    init(seconds microseconds: Int64) { self = .number(Double(microseconds) / 1e6) }
}
