import Calculators
import Evaluation
import PrimaryStore
import Telemetry

extension API {
    /// Calculates over the intervals that are stored of all selected assignments, joined into one stream.
    func calculateIntervals(_ call: Call) async throws(APIFailure) -> Answer {
        let request = try OnDemandRequest(call, takesCalculator: false)
        let selection = try assignments(call)
        let definition = try definition(request)
        guard definition.calculator.sources.isEmpty else {
            throw APIFailure(
                .badRequest, "a calculation over intervals reads no other calculators",
                hint: "the path names the assignments whose intervals are read")
        }
        let contents = catalog.present
        let parts = selection.items.compactMap { record in
            contents.devices[record.key.device].map { (key: record.key, facts: $0.facts) }
        }
        guard !parts.isEmpty || selection.errors.isEmpty else { return Answer(result: [], errors: selection.errors) }
        let calculation = StreamCalculation(
            definition: definition, parts: parts, range: request.range, now: now(), limits: limits.onDemand)
        let page = try await pool.run { [store] () throws(APIFailure) in try calculation.page(from: store) }
        return Answer(resultBytes: [page], errors: selection.errors)
    }
}

/// A calculation over the stored intervals of assignments.
struct StreamCalculation: Sendable {
    let definition: OnDemandDefinition
    let parts: [(key: AssignmentKey, facts: DeviceFacts)]
    /// Intervals that end in it count.
    let range: TimeRange
    let now: Timestamp
    let limits: OnDemandLimits

    func page(from store: any PrimaryStore) throws(APIFailure) -> [UInt8] {
        var budget = OnDemandBudget(limits)
        var stream = IntervalStream()
        for part in parts {
            let stored = try stored(part.key, from: store, &budget)
            stream.add(stored.filter { range.contains($0.end) }, of: part.key, part.facts)
        }
        let calculator = definition.calculator
        var evaluator = Evaluator(calculator, environment: definition.environment(metadata: .object([])))
        let evaluated = evaluator.consume(stream.block(calculator.layout)) + evaluator.pendingIntervals(now: now)
        var writer = JSONWriter()
        writer.write(OnDemandCalculation.ordered(evaluated), tags: [], timestamp: now)
        budget.take(bytes: writer.bytes.count)
        try budget.check()
        return writer.bytes
    }

    private func stored(
        _ key: AssignmentKey, from store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(APIFailure) -> [StoredInterval] {
        // One more than is left: it is enough to know that there are too many.
        let query = IntervalQuery(range: range, countMax: budget.intervalsLeft + 1)
        let intervals: [StoredInterval]
        do throws(StoreError) {
            intervals = try store.intervals(key, query)
        } catch { throw APIFailure(error) }
        budget.take(intervals: intervals.count)
        try budget.check()
        return intervals
    }
}
