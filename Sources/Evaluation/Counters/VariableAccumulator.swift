import Calculators
import Expressions
import Telemetry

/// The counter `variable`: a value that goes from message to message of one interval.
///
/// An error, and a message that the counter does not see, keep the value; null is one.
struct VariableAccumulator: Accumulator {
    private let counter: VariableCounter
    private let validate: Program?
    private var memory: ProgramMemory
    private var value: Value?

    init(_ counter: VariableCounter, _ validate: Program?) {
        self.counter = counter
        self.validate = validate
        memory = ProgramMemory(for: counter.program)
    }

    var isIncomplete: Bool { false }

    /// The value at each row, for the counters after it to read.
    mutating func advance(
        _ rows: ExpressionBlock, validate validateMemory: inout ProgramMemory?, _ environment: ExpressionEnvironment
    ) -> ValueColumn {
        let readsItself = counter.readsItself || validate.map { $0.readsVariables } ?? false
        guard readsItself else { return wholeBlock(rows, &validateMemory, environment) }
        var result = ValueColumn()
        for row in 0..<rows.count {
            var one = rows.slice(row..<row + 1)
            one.columns[counter.slot] = ValueColumn(repeating: value, count: 1)
            if isSeen(one, &validateMemory, environment)[0] {
                let outcome = counter.program.evaluate(one, memory: &memory, environment: environment)
                if let next = outcome.storable(0) { value = next }
                memory.setPrevious(counter.name, to: value, of: counter.program)
            }
            if let validate { validateMemory?.setPrevious(counter.name, to: value, of: validate) }
            result.append(value)
        }
        return result
    }

    private mutating func wholeBlock(
        _ rows: ExpressionBlock, _ validateMemory: inout ProgramMemory?, _ environment: ExpressionEnvironment
    ) -> ValueColumn {
        let isSeen = isSeen(rows, &validateMemory, environment)
        let seen = isSeen.contains(false) ? rows.gather(isSeen.indices.filter { isSeen[$0] }) : rows
        let outcomes = counter.program.evaluate(seen, memory: &memory, environment: environment)
        var result = ValueColumn()
        var place = 0
        for row in 0..<rows.count {
            if isSeen[row] {
                if let next = outcomes.storable(place) { value = next }
                place += 1
            }
            result.append(value)
        }
        return result
    }

    private func isSeen(
        _ rows: ExpressionBlock, _ memory: inout ProgramMemory?, _ environment: ExpressionEnvironment
    ) -> [Bool] {
        guard let validate, var known = memory else { return [Bool](repeating: true, count: rows.count) }
        defer { memory = known }
        return validate.evaluate(rows, memory: &known, environment: environment).truth()
    }

    mutating func consume(_ view: CounterView) {
        preconditionFailure("a variable is advanced before the counters that read it")
    }

    func result() -> Value? { value == .null ? nil : value }

    func write(to writer: inout ByteWriter, withLists: Bool) {
        memory.write(to: &writer)
        writer.write(value)
    }

    mutating func read(from reader: inout ByteReader, withLists: Bool) throws(MalformedBytes) {
        memory = try ProgramMemory(for: counter.program, from: &reader)
        value = try reader.readValue()
    }
}
