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
    let plan: EvaluationPlan
    /// The values of the counter's program in every row of the block, where they do not depend on the run.
    var shared: ValueColumn?

    var environment: ExpressionEnvironment { plan.environment }

    /// The values of a program, and the rows of them that belong to the run.
    func values(_ program: Program, _ memory: inout ProgramMemory) -> (column: ValueColumn, rows: Range<Int>) {
        if let shared { return (shared, rows) }
        let column = program.evaluate(block, rows: rows, memory: &memory, environment: environment)
        return (column, 0..<rows.count)
    }

    func over(_ rows: Range<Int>) -> CounterView {
        var view = self
        view.rows = rows
        return view
    }
}

extension Counter {
    /// A fresh accumulator for a counter that keeps more than a few numbers.
    func accumulator() -> any Accumulator {
        switch kind {
        case .values(let program, .distinct): DistinctAccumulator(program)
        case .route(let columns): RouteAccumulator(columns)
        case .message(let message): MessageAccumulator(message)
        case .variable(let variable): VariableAccumulator(variable, validateMessage)
        case .values, .interval, .active, .datetime, .geofence, .source, .accumulator, .specified:
            preconditionFailure("only counters that read messages accumulate")
        }
    }
}

/// A hash that grows with a list, so that lists which are not saved can still be told apart: a polynomial of the items,
/// which an odd factor keeps from losing any of them.
struct ListDigest: Sendable, Equatable {
    private(set) var count: UInt64 = 0
    private(set) var hash: UInt64 = 0

    mutating func add(_ item: UInt64) {
        count += 1
        hash = hash &* 0x9e37_79b9_7f4a_7c15 &+ item
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
