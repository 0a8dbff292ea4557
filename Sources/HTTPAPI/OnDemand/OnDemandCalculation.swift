import Calculators
import Evaluation
import Expressions
import PrimaryStore
import Telemetry

/// One calculator over a stretch of one device's messages as they are stored; nothing of it is kept.
struct OnDemandCalculation: Sendable {
    let device: DeviceEntity
    let definition: OnDemandDefinition
    /// Messages outside of it do not exist.
    let range: TimeRange
    /// Whether it stands for an assignment, and so reads the device's metadata and the custom fields of intervals.
    let isAssigned: Bool
    /// Activity is judged at this moment.
    let now: Timestamp

    /// The intervals in the order of time; incomplete where the budget says that a limit was reached. Blocks.
    func intervals(
        from store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(StoreError) -> [Interval] {
        let metadata = isAssigned ? device.metadata : .object([])
        var evaluator = Evaluator(definition.calculator, environment: definition.environment(metadata: metadata))
        evaluator.sources = try sources(for: definition.calculator, from: store, &budget)
        evaluator.customFields = try customFields(from: store)
        var evaluated: [EvaluatedInterval] = []
        var left = budget
        try forEachBlock(from: store, &budget) { block in
            left.take(messages: block.count)
            guard left.excess == nil else { return false }
            evaluated += evaluator.consume(block)
            return true
        }
        left.take(intervals: budget.intervalCount - left.intervalCount)
        budget = left
        return Self.ordered(evaluated + evaluator.pendingIntervals(now: now))
    }

    static func ordered(_ intervals: [EvaluatedInterval]) -> [Interval] {
        intervals.map(\.interval).sorted { ($0.begin, $0.firstOn) < ($1.begin, $1.firstOn) }
    }

    /// The messages of the device, or the intervals that stand for them.
    private func forEachBlock(
        from store: any PrimaryStore, _ budget: inout OnDemandBudget, _ body: (MessageBlock) -> Bool
    ) throws(StoreError) {
        let layout = definition.calculator.layout
        if let source = definition.calculator.messagesSource {
            let intervals = try stored(source, from: store, &budget).filter { range.contains($0.end) }
            let block = SourceMessages(layout, facts: device.facts).block(intervals)
            if block.count > 0 { _ = body(block) }
        } else {
            let binding = ColumnBinding(layout, table: store.parameters, facts: device.facts)
            try MessageHistory(store: store).forEachBlock(device: device.id, range: range) { batch in
                body(binding.block(batch))
            }
        }
    }

    // MARK: What is read beside messages

    /// The stored intervals on this device of the calculators that selectors and counters read.
    private func sources(
        for calculator: Calculator, from store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(StoreError) -> [CalculatorID: [Interval]] {
        var sources: [CalculatorID: [Interval]] = [:]
        for source in Set(calculator.sourceReferences.map(\.calculator)).sorted() {
            sources[source] = try stored(source, from: store, &budget)
        }
        return sources
    }

    /// The intervals of another calculator that touch the range; none once too many have been read.
    private func stored(
        _ source: CalculatorID, from store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(StoreError) -> [Interval] {
        guard budget.excess == nil else { return [] }
        let key = AssignmentKey(calculator: source, device: device.id)
        let intervals = try store.intervals(key, IntervalQuery(range: range, countMax: budget.intervalsLeft + 1))
        budget.take(intervals: intervals.count)
        let names = definition.sourceCounters[source] ?? []
        return intervals.map { $0.interval(counters: names) }
    }

    /// What people have added to the intervals of the assignment, for `previous()` to find.
    private func customFields(from store: any PrimaryStore) throws(StoreError) -> [Timestamp: [String: Value]] {
        guard isAssigned, let calculator = definition.id,
            definition.calculator.intervalPrograms.contains(where: { !$0.previousNames.isEmpty })
        else { return [:] }
        let fields = try store.intervalFields(AssignmentKey(calculator: calculator, device: device.id))
        let pairs = fields.map { fields in
            (fields.firstOn, Dictionary(fields.members.map { ($0.key, $0.value.value) }) { _, last in last })
        }
        return Dictionary(pairs) { _, last in last }
    }
}

extension StoredInterval {
    /// The interval as its calculator made it, without what people have added.
    fileprivate func interval(counters names: Set<String>) -> Interval {
        Interval(
            begin: begin, end: end, firstOn: firstOn, isActive: isActive,
            counters: fields.compactMap { member in
                names.contains(member.key) ? Interval.Counter(name: member.key, value: member.value.value) : nil
            })
    }
}

extension IntervalFields {
    var members: [JSONValue.Member] { (try? JSONValue(parsing: json))?.members ?? [] }
}

extension JSONWriter {
    /// Writes intervals that are not stored: each with the tags in front, and an id that counts from 1.
    mutating func write(_ intervals: [Interval], tags: [JSONValue.Member], timestamp: Timestamp) {
        for (index, interval) in intervals.enumerated() {
            separate()
            write(literal: "{")
            for tag in tags {
                write(key: tag.key)
                tag.value.write(to: &self)
            }
            separate()
            write(raw: interval.head.dropFirst())
            write(literal: ",\"id\":")
            write(integer: Int64(index + 1))
            write(literal: ",\"timestamp\":")
            write(timestamp)
            write(raw: interval.tail)
        }
    }
}
