import Calculators
import Evaluation
import PrimaryStore
import Recalculation
import Telemetry

/// What jobs begin with, kept from job to job: for a message it would cost more to make than to use.
struct PreparedJobs {
    struct Prepared {
        var plan: EvaluationPlan
        var binding: ColumnBinding
    }

    /// Most calculators read nothing of the device, so that all their jobs begin alike.
    private enum Place: Hashable {
        case calculator(CalculatorID)
        case assignment(AssignmentKey)
    }

    /// More are forgotten.
    private static let countMax = 1_024

    private var all: [Place: Prepared] = [:]
    private var states: [AssignmentKey: KnownState] = [:]
    private var registryRevision: Int64 = -1
    /// The names that were known: a column of a name that is new is none of those that were bound.
    private var parameterCount = -1

    /// Forgets everything if it was made of another registry, or before a parameter was met for the first time.
    mutating func keep(ofRegistry registryRevision: Int64, parameterCount: Int) {
        guard self.registryRevision != registryRevision || self.parameterCount != parameterCount else { return }
        all = [:]
        states = [:]
        self.registryRevision = registryRevision
        self.parameterCount = parameterCount
    }

    /// What a job of an assignment begins with; `isShared` if that is the same for every device of its calculator.
    mutating func find(_ key: AssignmentKey, isShared: Bool, making make: () -> Prepared) -> Prepared {
        let place = isShared ? Place.calculator(key.calculator) : .assignment(key)
        if let known = all[place] { return known }
        let made = make()
        if all.count >= Self.countMax { all = [:] }
        all[place] = made
        return made
    }

    /// Where the last job of an assignment left the end of the data.
    func state(of key: AssignmentKey) -> KnownState? { states[key] }

    mutating func keep(_ state: KnownState, of key: AssignmentKey) {
        if states.count >= Self.countMax, states[key] == nil { states = [:] }
        states[key] = state
    }

    /// Forgets what is known of an assignment that goes.
    mutating func forget(_ key: AssignmentKey) {
        all[.assignment(key)] = nil
        states[key] = nil
    }
}

extension Worker {
    func prepared(
        _ key: AssignmentKey, _ compiled: CompiledCalculator, _ device: MirroredDevice
    ) -> PreparedJobs.Prepared {
        // Counted before names are looked up: what comes meanwhile is bound by the next job.
        preparedJobs.keep(ofRegistry: picture.revision, parameterCount: store.parameters.count)
        let isShared =
            !device.isAsset && compiled.calculator.messagesSource == nil && compiled.deviceDigest(device) == 0
        return preparedJobs.find(key, isShared: isShared) {
            PreparedJobs.Prepared(
                plan: EvaluationPlan(
                    compiled.calculator, compiled.environment(device, picture.geofences[key.calculator]?.set)),
                binding: ColumnBinding(
                    compiled.calculator.layout, table: store.parameters, facts: device.facts,
                    stretches: device.stretches))
        }
    }
}
