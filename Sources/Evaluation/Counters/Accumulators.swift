import Calculators
import Expressions
import Telemetry

/// Computes one counter over the messages of one interval, run of rows by run of rows.
///
/// Its result depends on the messages alone, not on how they were cut into runs of rows. What lists messages is not
/// saved with it (`write`), only a hash of it: a job that resumes behind such an interval's begin cannot finish it.
protocol Accumulator: Sendable {
    /// Takes the next messages that the counter sees.
    mutating func consume(_ view: CounterView, environment: ExpressionEnvironment)
    /// The value so far; nil if no message gave one.
    func result() -> Value?
    /// Whether a list that was not saved is missing.
    var isIncomplete: Bool { get }
    func write(to writer: inout ByteWriter)
    mutating func read(from reader: inout ByteReader) throws(MalformedBytes)
}

/// A run of rows of a block.
struct CounterView {
    var block: ExpressionBlock
    var rows: Range<Int>
}

/// All counters of one interval, at one message.
struct Accumulators: Sendable {
    /// The last message consumed; nil before the first.
    private(set) var position: Int64?
    private var states: [any Accumulator]
    private var validateMemories: [ProgramMemory?]

    init(_ calculator: Calculator) {
        states = calculator.messageCounters.map { $0.accumulator() }
        validateMemories = calculator.messageCounters.map { $0.validateMessage.map { ProgramMemory(for: $0) } }
    }

    /// Takes the rows of a range, which follow what was taken before.
    mutating func consume(
        _ block: ExpressionBlock, _ rows: Range<Int>, _ calculator: Calculator, _ environment: ExpressionEnvironment
    ) {
        guard let last = rows.last else { return }
        position = block.timestamps[last]
        for (index, counter) in calculator.messageCounters.enumerated() {
            let view = view(of: counter, index, block, rows, environment)
            if !view.rows.isEmpty { states[index].consume(view, environment: environment) }
        }
    }

    private mutating func view(
        of counter: Counter, _ index: Int, _ block: ExpressionBlock, _ rows: Range<Int>,
        _ environment: ExpressionEnvironment
    ) -> CounterView {
        guard let validate = counter.validateMessage, var memory = validateMemories[index] else {
            return CounterView(block: block, rows: rows)
        }
        let truth = validate.evaluate(block, rows: rows, memory: &memory, environment: environment).truth()
        validateMemories[index] = memory
        if !truth.contains(false) { return CounterView(block: block, rows: rows) }
        let seen = block.gather(truth.indices.filter { truth[$0] }.map { $0 + rows.lowerBound })
        return CounterView(block: seen, rows: 0..<seen.count)
    }

    /// The values in the order of the counters that read messages.
    func results() -> [Value?] { states.map { $0.result() } }

    var isIncomplete: Bool { states.contains { $0.isIncomplete } }

    func write(to writer: inout ByteWriter) {
        writer.write(position.map { Timestamp(microseconds: $0) })
        for state in states { state.write(to: &writer) }
        for memory in validateMemories { memory?.write(to: &writer) }
    }

    init(_ calculator: Calculator, from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(calculator)
        position = try reader.readTimestamp()?.microseconds
        for index in states.indices { try states[index].read(from: &reader) }
        for (index, counter) in calculator.messageCounters.enumerated() {
            guard let validate = counter.validateMessage else { continue }
            validateMemories[index] = try ProgramMemory(for: validate, from: &reader)
        }
    }
}

extension Calculator {
    /// The counters that read messages, in order.
    var messageCounters: [Counter] { counters.filter(\.readsMessages) }
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
        case .interval, .active, .datetime, .specified:
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
