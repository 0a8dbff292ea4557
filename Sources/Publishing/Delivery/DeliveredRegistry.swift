import PrimaryStore
import Telemetry

/// What of the registry a sink has.
struct DeliveredRegistry {
    /// -1 while it has none.
    private(set) var revision: Int64 = -1
    private var calculators: [CalculatorID: Int64] = [:]
    private var horizons: [AssignmentKey: Timestamp] = [:]

    init() {}

    init(_ snapshot: RegistrySnapshot) {
        revision = snapshot.revision
        for calculator in snapshot.calculators { calculators[calculator.id] = calculator.revision }
        horizons = Self.horizons(snapshot)
    }

    /// Whether the calculators of rows are known, as they were when the intervals were calculated.
    func covers(_ rows: [FeedRow]) -> Bool {
        rows.allSatisfy { row in
            row.operation == .deleted || row.calculatorRevision <= calculators[row.key.calculator] ?? -1
        }
    }

    func covers(_ runs: [IntervalRun]) -> Bool {
        runs.allSatisfy { run in
            let known = calculators[run.key.calculator] ?? -1
            return run.intervals.allSatisfy { $0.calculatorRevision <= known }
        }
    }

    func hasHorizons(of snapshot: RegistrySnapshot) -> Bool { horizons == Self.horizons(snapshot) }

    private static func horizons(_ snapshot: RegistrySnapshot) -> [AssignmentKey: Timestamp] {
        var horizons: [AssignmentKey: Timestamp] = [:]
        for assignment in snapshot.assignments { horizons[assignment.key] = assignment.marks.horizon }
        return horizons
    }
}
