import Calculators
import Expressions
import Telemetry

/// Computes one counter over the messages of one interval, run of rows by run of rows.
///
/// Its result depends on the messages alone, not on how they were cut into runs of rows. What lists messages is not
/// saved with it (`write`), only a hash of it: a job that resumes behind such an interval's begin cannot finish it. It
/// is saved where expressions over intervals read it, since what they make of it lives on in the intervals that follow.
protocol Accumulator: Sendable {
    /// Takes the next messages that the counter sees.
    mutating func consume(_ view: CounterView)
    /// The value so far; nil if no message gave one.
    func result() -> Value?
    /// Whether a list that was not saved is missing.
    var isIncomplete: Bool { get }
    func write(to writer: inout ByteWriter, withLists: Bool)
    mutating func read(from reader: inout ByteReader, withLists: Bool) throws(MalformedBytes)
}

/// A run of rows of a block, as a counter sees it.
struct CounterView {
    var block: ExpressionBlock
    var rows: Range<Int>
    var environment: ExpressionEnvironment
    /// The values of the counter's program in every row of the block, where they do not depend on the run.
    var shared: ValueColumn?

    /// The values of a program, and the rows of them that belong to the run.
    func values(_ program: Program, _ memory: inout ProgramMemory) -> (column: ValueColumn, rows: Range<Int>) {
        if let shared { return (shared, rows) }
        let column = program.evaluate(block, rows: rows, memory: &memory, environment: environment)
        return (column, 0..<rows.count)
    }
}

/// All counters of one interval, at one message.
struct Accumulators: Sendable {
    /// The last message consumed; nil before the first.
    private(set) var position: Int64?
    private var states: [any Accumulator]
    private var validateMemories: [ProgramMemory?]

    init(_ plan: EvaluationPlan) {
        states = plan.counters.map { $0.counter.accumulator() }
        validateMemories = plan.counters.map { $0.counter.validateMessage.map { ProgramMemory(for: $0) } }
    }

    /// Takes the rows of a range, which follow what was taken before.
    mutating func consume(_ block: StreamBlock, _ rows: Range<Int>, _ plan: EvaluationPlan) {
        guard let last = rows.last else { return }
        position = block.timestamps[last]
        // What reads variables runs over a copy of the rows in which they are filled in, one after the other.
        var completed = plan.hasVariables ? block.content.slice(rows) : nil
        for index in states.indices {
            let counter = plan.counters[index]
            if case .variable(let variable) = counter.counter.kind {
                let values = advance(index, completed, plan)
                completed?.columns[variable.slot] = values
            } else if counter.needsGathering {
                gather(index, counter, completed ?? block.content, completed.map { 0..<$0.count } ?? rows, plan)
            } else {
                look(index, counter, block, rows, plan)
            }
        }
    }

    /// Goes on with a variable; returns its value at each row.
    private mutating func advance(_ index: Int, _ rows: ExpressionBlock?, _ plan: EvaluationPlan) -> ValueColumn {
        guard let rows, var variable = states[index] as? VariableAccumulator else { return ValueColumn() }
        defer { states[index] = variable }
        return variable.advance(rows, validate: &validateMemories[index], plan.environment)
    }

    /// A counter none of whose programs looks back: it reads the block where it stands.
    private mutating func look(
        _ index: Int, _ counter: EvaluationPlan.CounterPlan, _ block: StreamBlock, _ rows: Range<Int>,
        _ plan: EvaluationPlan
    ) {
        var view = CounterView(
            block: block.content, rows: rows, environment: plan.environment, shared: counter.values.map(block.values))
        guard let validate = counter.validate else { return states[index].consume(view) }
        let truth = block.truth(validate)
        var start = rows.lowerBound
        while start < rows.upperBound {
            var end = start
            while end < rows.upperBound, truth[end] { end += 1 }
            if start < end {
                view.rows = start..<end
                states[index].consume(view)
            }
            start = end + 1
        }
    }

    /// A counter that looks back sees the messages that it may see as a stream of their own.
    private mutating func gather(
        _ index: Int, _ counter: EvaluationPlan.CounterPlan, _ block: ExpressionBlock, _ rows: Range<Int>,
        _ plan: EvaluationPlan
    ) {
        var view = CounterView(block: block, rows: rows, environment: plan.environment)
        if let validate = counter.counter.validateMessage, var memory = validateMemories[index] {
            let truth = validate.evaluate(
                block, rows: rows, memory: &memory, environment: plan.environment
            ).truth()
            validateMemories[index] = memory
            if truth.contains(false) {
                view.block = block.gather(truth.indices.filter { truth[$0] }.map { $0 + rows.lowerBound })
                view.rows = 0..<view.block.count
            }
        }
        if !view.rows.isEmpty { states[index].consume(view) }
    }

    /// The values in the order of the counters that read messages.
    func results() -> [Value?] { states.map { $0.result() } }

    var isIncomplete: Bool { states.contains { $0.isIncomplete } }

    func write(to writer: inout ByteWriter, withLists: Bool) {
        writer.write(position.map { Timestamp(microseconds: $0) })
        for state in states { state.write(to: &writer, withLists: withLists) }
        for memory in validateMemories { memory?.write(to: &writer) }
    }

    init(_ plan: EvaluationPlan, from reader: inout ByteReader, withLists: Bool) throws(MalformedBytes) {
        self.init(plan)
        position = try reader.readTimestamp()?.microseconds
        for index in states.indices {
            try states[index].read(from: &reader, withLists: withLists)
        }
        for (index, counter) in plan.counters.enumerated() {
            guard let validate = counter.counter.validateMessage else { continue }
            validateMemories[index] = try ProgramMemory(for: validate, from: &reader)
        }
    }
}

extension Counter {
    /// A fresh accumulator for a counter that reads messages.
    func accumulator() -> any Accumulator {
        switch kind {
        case .values(let program, .distinct): DistinctAccumulator(program)
        case .values(let program, .duration): DurationAccumulator(program)
        case .values(let program, let method): ValuesAccumulator(program, method)
        case .route(let columns): RouteAccumulator(columns)
        case .message(let message): MessageAccumulator(message)
        case .variable(let variable): VariableAccumulator(variable, validateMessage)
        case .interval, .active, .datetime, .geofence, .source, .accumulator, .specified:
            preconditionFailure("only counters that read messages accumulate")
        }
    }
}

/// A hash that grows with a list, so that lists which are not saved can still be told apart.
struct ListDigest: Sendable, Equatable {
    private(set) var count: UInt64 = 0
    private(set) var hash: UInt64 = 0

    mutating func add(_ item: UInt64) {
        count += 1
        hash = mix64(hash &* 0x9e37_79b9_7f4a_7c15 &+ item)
    }

    func write(to writer: inout ByteWriter) {
        writer.write(varint: count)
        writer.write(fixed: hash)
    }

    init() {}

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        count = try reader.readVarint()
        hash = try reader.readFixed(UInt64.self)
    }
}
