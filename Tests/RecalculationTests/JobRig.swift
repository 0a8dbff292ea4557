import Calculators
import Evaluation
import Expressions
import Foundation
import LocalCache
import MessageChunks
import Recalculation
import Telemetry

/// One assignment on a cache file of its own; what a job finds is settled as a worker does it.
final class JobRig {
    /// A message of the tests: second, whether the engine runs, speed.
    struct Message {
        var second: Int64
        var isOn: Bool
        var speed: Double
    }

    static let trips = #"""
        {"selectors":[{"type":"expression","expression":"on","max_inactive":25,"min_duration":20,"merge_message_after":true}],
        "counters":[{"name":"sum","type":"expression","expression":"speed","method":"summary"},
        {"name":"rise","type":"expression","expression":"speed - #speed","method":"maximum"}]}
        """#
    static let lists = #"""
        {"selectors":[{"type":"expression","expression":"on","max_inactive":25}],
        "counters":[{"name":"speeds","type":"message","method":"each","fields":["speed"]},
        {"name":"sum","type":"expression","expression":"speed","method":"summary"}]}
        """#

    let path = NSTemporaryDirectory() + "/job-\(UUID().uuidString).db"
    let cache: WorkerCache
    let key = AssignmentKey(calculator: CalculatorID(1), device: DeviceID(1))
    private let table = ParameterTable(names: ["on", "speed"])
    private let calculator: Calculator
    private let plan: EvaluationPlan
    private let stateSpacing: Int
    private var position: Int64 = 0
    private var lastID: Int64 = 0

    /// Where the last job left the end of the data, as a worker remembers it.
    private(set) var known: KnownState?
    /// Whether jobs are told of it.
    var remembersState = true

    /// See `RecalculationJob.Inputs`; nil: its default.
    var tailCountMax: Int?

    init(_ definition: String = JobRig.trips, stateSpacing: Int = 50) throws {
        cache = try WorkerCache(path: path, storeID: 1)
        calculator = try Calculator(JSONValue(parsing: definition))
        plan = EvaluationPlan(calculator, ExpressionEnvironment())
        self.stateSpacing = stateSpacing
    }

    deinit { WorkerCache.delete(path: path) }

    /// Trips of 50 messages every 10 s with pauses of 10 messages between.
    static func messages(_ count: Int) -> [Message] {
        (0..<count).map { Message(second: Int64($0) * 10, isOn: $0 % 60 < 50, speed: Double($0 % 7)) }
    }

    private func batch(_ messages: [Message]) -> MessageBatch {
        var builder = MessageBatchBuilder(table: table)
        for message in messages {
            if let on = table.existing("on"), let speed = table.existing("speed") {
                builder.set(on, .boolean(message.isOn))
                builder.set(speed, .number(message.speed))
            }
            builder.finishMessage(timestamp: .at(message.second), acceptance: .at(message.second))
        }
        return builder.build().sorted()
    }

    /// Puts messages into the tail; returns the range that they touch.
    @discardableResult
    func append(_ messages: [Message]) throws -> TimeRange {
        position += 1
        let batch = batch(messages)
        try cache.appendTail(key.device, position: position, batch)
        return batch.timeRange ?? .all
    }

    /// Puts messages into chunks of a size.
    func insert(_ messages: [Message], chunkSize: Int) throws {
        for start in stride(from: 0, to: messages.count, by: chunkSize) {
            let part = messages[start..<min(start + chunkSize, messages.count)]
            guard let first = part.first, let last = part.last else { continue }
            try cache.insertChunk(
                key.device, first: .at(first.second), last: .at(last.second), count: part.count,
                MessageChunk.encode(batch(Array(part))))
        }
    }

    func job(
        _ ranges: [TimeRange], now: Int64 = 1_000_000, horizon: HorizonStart = HorizonStart()
    ) -> RecalculationJob {
        RecalculationJob(
            key: key, inputs: inputs(horizon), ranges: ranges, now: .at(now), stateSpacing: stateSpacing)
    }

    private func inputs(_ horizon: HorizonStart) -> RecalculationJob.Inputs {
        var inputs = RecalculationJob.Inputs(
            plan: plan,
            binding: ColumnBinding(
                calculator.layout, table: table, facts: DeviceFacts(id: key.device, ident: "x", name: "x")))
        inputs.horizon = horizon
        if remembersState { inputs.known = known }
        if let tailCountMax { inputs.tailCountMax = tailCountMax }
        return inputs
    }

    /// The state of the evaluation after all messages before a second.
    func state(at second: Int64, slice: Int = 1 << 30) throws -> [UInt8]? {
        var job = RecalculationJob(
            stateAt: .at(second), key: key, inputs: inputs(HorizonStart()), now: .at(second))
        while try !job.run(messageCountMax: slice, cache) {}
        return job.outcome.state
    }

    /// Runs a job to its end in slices, without settling it.
    func outcome(
        _ ranges: [TimeRange], now: Int64 = 1_000_000, slice: Int = 1 << 30, horizon: HorizonStart = HorizonStart()
    ) throws -> JobOutcome {
        var job = job(ranges, now: now, horizon: horizon)
        while try !job.run(messageCountMax: slice, cache) {}
        return job.outcome
    }

    /// Runs a job and settles what it found.
    @discardableResult
    func run(_ ranges: [TimeRange], now: Int64 = 1_000_000, slice: Int = 1 << 30) throws -> JobOutcome {
        let outcome = try outcome(ranges, now: now, slice: slice)
        try cache.transaction { try settle(outcome) }
        return outcome
    }

    private func settle(_ outcome: JobOutcome) throws {
        var held: [HeldInterval] = []
        for region in outcome.regions { held += try cache.held(key, firstOnIn: region) }
        let diff = IntervalDiff(held: held, calculated: outcome.intervals)
        for interval in diff.deleted + diff.written.compactMap(\.held) {
            try cache.removeHeld(key, firstOn: interval.firstOn)
        }
        for (new, old) in diff.written {
            if old == nil { lastID += 1 }
            let interval = new.interval
            try cache.setHeld(
                key,
                HeldInterval(
                    id: old?.id ?? lastID, firstOn: interval.firstOn, begin: interval.begin, end: interval.end,
                    isActive: interval.isActive, digest: new.digest))
        }
        for range in outcome.removedStates { try cache.removeStates(key, in: range) }
        for state in outcome.savedStates { try cache.setState(key, state) }
        known = outcome.lastState ?? known
    }

    /// The intervals held, their ids made 0.
    func intervals() throws -> [HeldInterval] {
        try cache.held(key, firstOnIn: .all).map { interval in
            var plain = interval
            plain.id = 0
            return plain
        }
    }

    /// The moments of all saved states.
    func states() throws -> [SavedState] {
        var found: [SavedState] = []
        while let state = try cache.state(
            key, atOrAfter: Timestamp(microseconds: (found.last?.moment.microseconds ?? -1) + 1))
        {
            found.append(state)
        }
        return found
    }

    /// What one full evaluation of the messages gives.
    static func full(_ messages: [Message], _ definition: String = trips, now: Int64 = 1_000_000) throws
        -> [HeldInterval]
    {
        let rig = try JobRig(definition)
        try rig.append(messages)
        try rig.run([.all], now: now)
        return try rig.intervals()
    }
}
