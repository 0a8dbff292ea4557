import Calculators
import Expressions
import Telemetry

/// What an evaluation knows before the first message: made once and only looked at while messages are read.
///
/// A class, so that the many small steps of an evaluation pass one reference and copy nothing. Evaluations of the same
/// calculator in the same environment may share one.
public final class EvaluationPlan: Sendable {
    public let calculator: Calculator
    let environment: ExpressionEnvironment
    /// The counters that read messages.
    let counting: CounterPlans
    /// The place of each counter among those that read messages; nil where it reads none.
    let resultPlaces: [Int?]
    /// The counters before the first message of an interval.
    let start: Accumulators
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
    /// Whether anything reads an interval's fields, so that they must be found by their names.
    let readsFields: Bool
    let updatePeriod: Int64

    public init(_ calculator: Calculator, _ environment: ExpressionEnvironment) {
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
        readsFields = !calculator.intervalPrograms.isEmpty || !previousNames.isEmpty
        updatePeriod = Int64((calculator.updatePeriod * 1e6).rounded())
        counting = CounterPlans(calculator, environment)
        start = Accumulators(counting)
        var count = 0
        resultPlaces = calculator.counters.map { counter in
            guard counter.readsMessages else { return nil }
            defer { count += 1 }
            return count
        }
    }
}

extension Counter {
    /// The fields of the interval before that a sum from interval to interval reads.
    fileprivate var accumulatedNames: [String] {
        if case .accumulator = kind { [name, "begin"] } else { [] }
    }
}
