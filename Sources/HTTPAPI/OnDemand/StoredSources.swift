import Calculators
import PrimaryStore
import Telemetry

/// What a calculator reads of a device beside messages: stored intervals of other calculators, and what people have
/// added to its own.
struct StoredSources: Sendable {
    let device: DeviceID
    let definition: OnDemandDefinition
    /// Intervals that touch it are read.
    let range: TimeRange
    let store: any PrimaryStore

    /// The intervals on this device of the calculators that selectors and counters read.
    func all(_ budget: inout OnDemandBudget) throws(StoreError) -> [CalculatorID: [Interval]] {
        var sources: [CalculatorID: [Interval]] = [:]
        for source in Set(definition.calculator.sourceReferences.map(\.calculator)).sorted() {
            sources[source] = try intervals(of: source, &budget)
        }
        return sources
    }

    /// The intervals of another calculator; none once too many have been read.
    func intervals(of source: CalculatorID, _ budget: inout OnDemandBudget) throws(StoreError) -> [Interval] {
        guard budget.excess == nil else { return [] }
        let key = AssignmentKey(calculator: source, device: device)
        let intervals = try store.intervals(key, IntervalQuery(range: range, countMax: budget.intervalsLeft + 1))
        budget.take(intervals: intervals.count)
        let names = definition.sourceCounters[source] ?? []
        return intervals.map { Interval($0, counters: names) }
    }

    /// What people have added to the intervals of the stored calculator, for `previous()` to find.
    func customFields() throws(StoreError) -> [Timestamp: [String: Value]] {
        guard let calculator = definition.id, definition.calculator.readsPreviousInterval else { return [:] }
        return try store.intervalFields(AssignmentKey(calculator: calculator, device: device)).valuesByFirstOn
    }
}
