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
        explainer.sources = try sources(store, &budget)
        explainer.customFields = try customFields(store)
        if let source = calculator.messagesSource {
            let intervals = try stored(source, store, &budget)
            let block = SourceMessages(calculator.layout, facts: device.facts).block(intervals)
            budget.take(messages: block.count)
            if budget.excess == nil { explainer.consume(block) }
        } else {
            let binding = ColumnBinding(calculator.layout, table: store.parameters, facts: device.facts)
            try MessageHistory(store: store).forEachBlock(device: device.id, range: .all) { batch in
                let block = binding.block(batch)
                budget.take(messages: block.count)
                guard budget.excess == nil else { return false }
                explainer.consume(block)
                return !explainer.isDone
            }
        }
        return explainer.explanation(now: now)
    }

    /// The stored intervals on this device of the calculators that selectors and counters read.
    private func sources(
        _ store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(StoreError) -> [CalculatorID: [Interval]] {
        var sources: [CalculatorID: [Interval]] = [:]
        for source in Set(calculator.sourceReferences.map(\.calculator)).sorted() {
            sources[source] = try stored(source, store, &budget)
        }
        return sources
    }

    /// All intervals of another calculator; none once too many have been read.
    private func stored(
        _ source: CalculatorID, _ store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(StoreError) -> [Interval] {
        guard budget.excess == nil else { return [] }
        let key = AssignmentKey(calculator: source, device: device.id)
        let intervals = try store.intervals(key, IntervalQuery(countMax: budget.intervalsLeft + 1))
        budget.take(intervals: intervals.count)
        let names = definition.sourceCounters[source] ?? []
        return intervals.map { interval in
            Interval(
                begin: interval.begin, end: interval.end, firstOn: interval.firstOn, isActive: interval.isActive,
                counters: interval.fields.filter { names.contains($0.key) }.map {
                    Interval.Counter(name: $0.key, value: $0.value.value)
                })
        }
    }

    /// What people have added to the intervals of the assignment, for `previous()` to find.
    private func customFields(_ store: any PrimaryStore) throws(StoreError) -> [Timestamp: [String: Value]] {
        guard calculator.intervalPrograms.contains(where: { !$0.previousNames.isEmpty }) else { return [:] }
        let pairs = try store.intervalFields(key).map { fields in
            (fields.firstOn, Dictionary(fields.members.map { ($0.key, $0.value.value) }) { _, last in last })
        }
        return Dictionary(pairs) { _, last in last }
    }
}
