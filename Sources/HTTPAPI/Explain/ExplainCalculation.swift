import Calculators
import Evaluation
import Expressions
import PrimaryStore
import Telemetry

/// One calculator over all messages of one device as they are stored, with the reasons of what comes of them.
struct ExplainCalculation: Sendable {
    let key: AssignmentKey
    let device: DeviceEntity
    let definition: OnDemandDefinition
    /// Activity is judged at this moment.
    let now: Timestamp
    /// Whether damaged messages are passed over instead of failing.
    var passesOver = false

    private var calculator: Calculator { definition.calculator }

    /// What is explained overlaps a range, in which intervals are named by their first messages (nil: all of it);
    /// incomplete where the budget says that a limit was reached. Blocks.
    func explanation(
        of range: TimeRange, wanted: Set<Timestamp>?, from start: Timestamp, _ store: any PrimaryStore,
        _ budget: inout OnDemandBudget
    ) throws(StoreError) -> Explanation {
        var explainer = Explainer(
            calculator, environment: definition.environment(metadata: device.metadata), range: range,
            recordingFrom: start)
        explainer.wanted = wanted
        let sources = StoredSources(device: device.id, definition: definition, range: .all, store: store)
        explainer.sources = try sources.all(&budget)
        explainer.customFields = try sources.customFields()
        if let source = calculator.messagesSource {
            let intervals = try sources.intervals(of: source, &budget)
            let block = SourceMessages(calculator.layout, facts: device.facts).block(intervals)
            budget.take(messages: block.count)
            if budget.excess == nil { explainer.consume(block) }
        } else {
            let binding = ColumnBinding(calculator.layout, table: store.parameters, facts: device.facts)
            try MessageHistory(store: store).forEachBlock(
                device: device.id, range: .all, isReversed: false, passesOverDamage: passesOver
            ) { batch in
                let block = binding.block(batch)
                budget.take(messages: block.count)
                guard budget.excess == nil else { return false }
                explainer.consume(block)
                return !explainer.isDone
            }
        }
        return explainer.explanation(now: now)
    }
}
