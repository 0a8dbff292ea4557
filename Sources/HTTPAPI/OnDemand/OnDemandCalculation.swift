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
    /// Whether damaged messages are passed over instead of failing.
    var passesOver = false

    /// The intervals in the order of time; incomplete where the budget says that a limit was reached. Blocks.
    func intervals(
        from store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(StoreError) -> [Interval] {
        let metadata = isAssigned ? device.metadata : .object([])
        var evaluator = Evaluator(definition.calculator, environment: definition.environment(metadata: metadata))
        let sources = StoredSources(device: device.id, definition: definition, range: range, store: store)
        evaluator.sources = try sources.all(&budget)
        if isAssigned { evaluator.customFields = try sources.customFields() }
        var evaluated: [EvaluatedInterval] = []
        var left = budget
        try forEachBlock(from: store, sources, &budget) { block in
            left.take(messages: block.count)
            guard left.excess == nil else { return false }
            evaluated += evaluator.consume(block)
            return true
        }
        left.take(intervals: budget.intervalCount - left.intervalCount)
        budget = left
        return Self.ordered(evaluated + evaluator.pendingIntervals(now: now))
    }

    /// The same; where messages are damaged, over the others, with errors that tell which are missing.
    func intervalsOfWhatCanBeRead(
        from store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(StoreError) -> (intervals: [Interval], errors: [ErrorItem]) {
        let start = budget
        let (found, errors) = try DamageTolerance.read(device.id, range, from: store) {
            passesOver throws(StoreError) in
            var calculation = self
            var left = start
            calculation.passesOver = passesOver
            return (try calculation.intervals(from: store, &left), left)
        }
        budget = found.1
        return (found.0, errors)
    }

    static func ordered(_ intervals: [EvaluatedInterval]) -> [Interval] {
        intervals.map(\.interval).sorted { ($0.begin, $0.firstOn) < ($1.begin, $1.firstOn) }
    }

    /// The messages of the device, or the intervals that stand for them.
    private func forEachBlock(
        from store: any PrimaryStore, _ sources: StoredSources, _ budget: inout OnDemandBudget,
        _ body: (MessageBlock) -> Bool
    ) throws(StoreError) {
        let layout = definition.calculator.layout
        if let source = definition.calculator.messagesSource {
            let intervals = try sources.intervals(of: source, &budget).filter { range.contains($0.end) }
            let block = SourceMessages(layout, facts: device.facts).block(intervals)
            if block.count > 0 { _ = body(block) }
        } else {
            let binding = ColumnBinding(layout, table: store.parameters, facts: device.facts)
            try MessageHistory(store: store).forEachBlock(
                device: device.id, range: range, isReversed: false, passesOverDamage: passesOver
            ) { batch in
                body(binding.block(batch))
            }
        }
    }
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
