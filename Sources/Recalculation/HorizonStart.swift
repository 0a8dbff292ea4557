import Calculators
import Evaluation
import Telemetry

/// Where the history of an assignment begins, and the evaluation that it begins from.
package struct HorizonStart: Sendable {
    /// Messages before it are not read, and intervals that end before it are frozen.
    package var moment: Timestamp
    private let load: @Sendable () throws -> [UInt8]?

    package init(moment: Timestamp = .distantPast, state: [UInt8]? = nil) { self.init(moment: moment) { state } }

    /// The state is read when a job begins there: most jobs begin later.
    package init(moment: Timestamp, loading: @escaping @Sendable () throws -> [UInt8]?) {
        self.moment = moment
        load = loading
    }

    /// The evaluation after all messages before the horizon, lists included; nil: it begins from nothing, since there
    /// is no state, or one that another version wrote.
    package func state(_ calculator: Calculator) throws -> EvaluationState? {
        guard moment > .distantPast, let bytes = try load() else { return nil }
        return try? EvaluationState(calculator, decoding: bytes)
    }

    /// What a full evaluation begins from.
    package func beginning(_ calculator: Calculator) throws -> EvaluationState {
        try state(calculator) ?? EvaluationState(calculator, beginsAtHorizon: moment > .distantPast)
    }
}

/// Marks the intervals that were gone on with from before a horizon, or may have begun before it.
package struct ContinuedMark: Sendable {
    private let horizon: Timestamp
    /// A counter of this name takes the place of the mark.
    private let isHidden: Bool

    package init(_ horizon: Timestamp, _ calculator: Calculator) {
        self.horizon = horizon
        isHidden = horizon <= .distantPast || calculator.counters.contains { $0.name == "continued" }
    }

    /// An interval as it is stored.
    package func interval(_ evaluated: EvaluatedInterval) -> Interval {
        var interval = evaluated.interval
        guard !isHidden else { return interval }
        interval.isContinued = evaluated.isCut || (interval.begin < horizon && horizon < interval.end)
        return interval
    }
}
