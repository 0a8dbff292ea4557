import Calculators
import Expressions
import Telemetry

/// What an evaluation knows before the first message: made once and only looked at while messages are read.
///
/// A class, so that the many small steps of an evaluation pass one reference and copy nothing.
final class EvaluationPlan: Sendable {
    let calculator: Calculator
    let environment: ExpressionEnvironment
    /// The counters that read messages, in order.
    let counters: [CounterPlan]
    /// The programs whose values do not depend on messages before: evaluated once a block, whatever intervals it has.
    let shared: [Program]
    /// The gaps that no merge crosses: each selector's `max_messages_time_diff`, where set.
    let gaps: [Int64]
    let mergesBefore: Bool
    let mergesAfter: Bool
    /// Whether a run may turn out to have begun with the message before (`inactive`).
    let opensBefore: Bool
    /// The columns in which the counter of type `geofence` finds a position; nil without one.
    let geofenceColumns: RouteColumns?
    /// The first selector of type `geofence`.
    let geofenceSelector: Int?
    /// Whether the last message of a block may belong to an interval that begins in the next.
    var keepsLastMessage: Bool { mergesBefore || opensBefore }
    /// Whether counters read variables, so that their rows are completed first.
    let hasVariables: Bool
    /// The fields that `previous()` asks for.
    let previousNames: Set<String>
    let updatePeriod: Int64

    /// A counter with the places of its programs among the shared ones.
    struct CounterPlan: Sendable {
        var counter: Counter
        /// The place of the counter's program; nil where it looks back or there are several.
        var values: Int?
        /// The place of its `validate_message`; nil where it looks back or there is none.
        var validate: Int?
        /// Whether the messages that it sees must be gathered before its program can run over them.
        var needsGathering: Bool
    }

    init(_ calculator: Calculator, _ environment: ExpressionEnvironment) {
        self.calculator = calculator
        self.environment = environment
        gaps = calculator.selectors.map(\.options.maxMessagesTimeDiff).filter { $0 > 0 }
        mergesBefore = calculator.selectors.contains { $0.options.mergesBefore }
        mergesAfter = calculator.selectors.contains { $0.options.mergesAfter }
        opensBefore = calculator.selectors.contains { $0.isInactive }
        geofenceColumns =
            calculator.counters.lazy.compactMap { counter in
                if case .geofence(let columns) = counter.kind { columns } else { nil }
            }.first
        geofenceSelector = calculator.selectors.firstIndex { if case .geofence = $0.kind { true } else { false } }
        hasVariables = calculator.counters.contains { if case .variable = $0.kind { true } else { false } }
        previousNames = Set(calculator.intervalPrograms.flatMap(\.previousNames))
            .union(calculator.counters.flatMap(\.accumulatedNames))
        updatePeriod = Int64((calculator.updatePeriod * 1e6).rounded())
        var shared: [Program] = []
        counters = calculator.counters.filter(\.readsMessages).map { Self.plan($0, &shared) }
        self.shared = shared
    }

    private static func plan(_ counter: Counter, _ shared: inout [Program]) -> CounterPlan {
        var plan = CounterPlan(counter: counter, needsGathering: counter.needsGathering)
        if case .values(let program, _) = counter.kind { plan.values = place(of: program, among: &shared) }
        if let validate = counter.validateMessage {
            plan.validate = place(of: validate, among: &shared)
            if plan.validate == nil { plan.needsGathering = true }
        }
        return plan
    }

    private static func place(of program: Program, among shared: inout [Program]) -> Int? {
        guard !program.looksBack, !program.readsVariables else { return nil }
        if let place = shared.firstIndex(where: { $0.isAlike(program) }) { return place }
        shared.append(program)
        return shared.count - 1
    }
}

extension Counter {
    /// Whether a program of the counter depends on messages before, or on variables.
    fileprivate var needsGathering: Bool {
        if case .variable = kind { return true }
        return messagePrograms.contains { ($0.looksBack && $0 !== validateMessage) || $0.readsVariables }
    }

    /// The fields of the interval before that a sum from interval to interval reads.
    fileprivate var accumulatedNames: [String] {
        if case .accumulator = kind { [name, "begin"] } else { [] }
    }
}

/// A block of the calculator's stream, with the values of the shared programs as they are asked for.
final class StreamBlock {
    let content: ExpressionBlock
    private let plan: EvaluationPlan
    private var columns: [ValueColumn?]
    private var truths: [[Bool]?]

    init(_ content: ExpressionBlock, _ plan: EvaluationPlan) {
        self.content = content
        self.plan = plan
        columns = plan.shared.map { _ in nil }
        truths = plan.shared.map { _ in nil }
    }

    var timestamps: [Int64] { content.timestamps }
    var count: Int { content.count }

    /// The values of a shared program in every row.
    func values(_ place: Int) -> ValueColumn {
        if let known = columns[place] { return known }
        var memory = ProgramMemory(for: plan.shared[place])
        let made = plan.shared[place].evaluate(content, memory: &memory, environment: plan.environment)
        columns[place] = made
        return made
    }

    /// Whether a shared program is true in each row.
    func truth(_ place: Int) -> [Bool] {
        if let known = truths[place] { return known }
        let made = values(place).truth()
        truths[place] = made
        return made
    }

    /// The index of the first row after a moment.
    func firstRow(after moment: Int64) -> Int { content.timestamps.firstIndex(after: moment) }
}
