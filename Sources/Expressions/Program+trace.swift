import Telemetry

/// Where the value of a part of a source is found.
struct TracePoint: Sendable, Hashable {
    /// Its columns, counted from 1.
    var range: Range<Int>
    var register: Int
}

/// What a part of an expression came to in one message.
public struct TracedValue: Sendable, Hashable {
    /// The part as it stands in the source.
    public var text: String
    /// The column of its first character, counted from 1.
    public var column: Int
    /// Its value; nil where it is an error.
    public var value: Value?
    /// Why it is an error.
    public var error: ExpressionError?
}

extension Program {
    /// The value of every part of the expression in one row, in the order of the source, the whole before its parts.
    ///
    /// `rows` are those that are evaluated to get there and `memory` is that before the first of them: with the same
    /// of both the values are those that `evaluate` finds. Both branches of a condition are shown. Literals are not.
    public func trace(
        _ block: ExpressionBlock, rows: Range<Int>, row: Int, memory: ProgramMemory,
        environment: ExpressionEnvironment
    ) -> [TracedValue] {
        precondition(rows.contains(row), "the row to be traced must be one of those that are evaluated")
        var memory = memory
        let registers = registers(block, rows: rows, memory: &memory, environment: environment)
        let place = row - rows.lowerBound
        let characters = Array(source)
        return traced.compactMap { point in
            if case .constant = instructions[point.register] { return nil }
            let column = registers[point.register]
            let (start, end) = (point.range.lowerBound - 1, min(point.range.upperBound - 1, characters.count))
            return TracedValue(
                text: String(characters[min(start, end)..<end]), column: point.range.lowerBound, value: column[place],
                error: failure(column, place))
        }
    }
}
