import Calculators
import Evaluation
import Expressions
import PrimaryStore
import ReferenceBridge
import ReferenceEvaluator
import SeededRandom
import StoreSupport
import Telemetry
import TimeZones

@testable import CalcProcess

/// One random life of a nest of calculators on a device whose messages and intervals expire: batches late and twice,
/// time that passes, restarts, lost caches, crashes behind an expiry, edits of calculators and geofences.
struct ExpiryRun {
    private let given: GeneratedCase
    private let definitions: [GeneratedCalculator]
    private let rig: WorkerRig
    private let device = DeviceID(7)
    private let keys: [AssignmentKey]
    private var batches: [MessageBatch]
    /// What was sent so far.
    private var sent = MessageBatch()
    private var random: SeededGenerator
    private var log: [String] = []
    /// How often something went or was gone on with, over the whole life.
    private(set) var movedCount = 0
    private(set) var frozenCount = 0
    private(set) var continuedCount = 0
    private var held: [AssignmentKey: [HeldInterval]] = [:]
    private var horizons: [AssignmentKey: Timestamp] = [:]
    private var hasIntervalsTTL: Set<AssignmentKey> = []
    /// Seconds for which messages are kept by their age alone; nil if it is not that.
    private var messageSeconds: Double?

    init(_ given: GeneratedCase, salt: UInt64 = 0) throws {
        self.given = given
        var random = SeededGenerator(seed: given.seed &* 7 &+ salt &+ 1234)
        let first = given.rawMessages.map(\.timestampMicroseconds).min() ?? 0
        let last = given.rawMessages.map(\.timestampMicroseconds).max() ?? 0
        let span = max(60, Double(last - first) / 1e6)
        let slack = random.pick([0.0, 0, 30])
        rig = try WorkerRig(
            now: Timestamp(microseconds: first), sealSeconds: random.pick([0, 30, 1e9]),
            sealCount: random.pick([5, 60, 4_096]), stateSpacing: random.pick([1, 3, 20, 100])
        ) { setup in
            setup.expirySeconds = 0
            setup.expirySlackSeconds = slack
        }
        let messagesTTL = random.pick([0, span * 0.1, span * 0.3, span * 0.6])
        let rotate = random.pick([0, 0, 0, 3_000])
        var definitions = try NestRun.numbered(given.calculators)
        for index in definitions.indices {
            let ttl = random.pick([0.0, 0, span * 0.15, span * 0.5, span * 1.2])
            let intervalsRotate = random.pick([0.0, 0, 0, 0, 2_000])
            guard ttl > 0 || intervalsRotate > 0 else { continue }
            var json = try JSONValue(parsing: definitions[index].json)
            json["intervals_ttl"] = .number(ttl)
            json["intervals_rotate"] = .number(intervalsRotate)
            definitions[index].json = json.text
            hasIntervalsTTL.insert(
                AssignmentKey(calculator: CalculatorID(Int64(definitions[index].id)), device: device))
        }
        self.definitions = definitions
        keys = definitions.map { AssignmentKey(calculator: CalculatorID(Int64($0.id)), device: DeviceID(7)) }
        let whole = MessageBatch(given.rawMessages, rig.store.parameters)
        batches = whole.shuffledBatches(&random)
        self.random = random
        if rotate == 0, messagesTTL > 0 { messageSeconds = messagesTTL + slack }
        try register("\"messages_ttl\":\(messagesTTL),\"messages_rotate\":\(rotate)")
    }

    private func register(_ retention: String) throws {
        for index in 1...7 {
            _ = try rig.store.createDevice(
                ident: index == 7 ? "352093081452251" : "other-\(index)", name: "van \(index)",
                json: "{\"metadata\":\(given.metadataJSON),\(retention)}")
        }
        for definition in definitions {
            _ = try rig.store.createCalculator(name: "c\(definition.id)", json: definition.json)
        }
        try NestRun.registerGeofences(definitions, in: rig.store, at: rig.now)
        _ = try rig.store.assign(keys, isEnabled: true, isAutoCreated: false)
    }

    // MARK: Living

    /// Lives, and then compares; nil if everything is as it must be.
    mutating func difference() throws -> String? {
        for batch in batches {
            let accepted = batch.acceptances.max() ?? 0
            rig.now = max(rig.now, Timestamp(microseconds: accepted))
            _ = try rig.store.append([LogAppend(device: device, batch: batch)])
            sent = sent.concatenated(batch)
            try disturb()
            // A look costs more than a step.
            guard Int.random(in: 0..<5, using: &random) == 0 else { continue }
            if let broken = try brokenPromise() { return "\(broken)\nafter \(log.suffix(12))" }
        }
        for seconds in [100.0, 4_000, 100] {
            rig.now = rig.now.advanced(bySeconds: seconds)
            try comeToRest()
            if let broken = try brokenPromise() ?? compare() ?? verified() {
                return "\(broken)\nafter \(log.suffix(12))"
            }
        }
        return nil
    }

    private func comeToRest() throws {
        try rig.settle()
        // Where the fuse holds a job, nothing goes on before somebody decides.
        while let job = try rig.store.heldJobs().first {
            let decision = JobDecision(key: job.key, id: job.id, isReleased: true) { _ in }
            let slot = Int(Slot(device: job.key.device).rawValue)
            _ = try rig.workers[slot % rig.workers.count].round([.decideJob(decision)])
            try rig.settle()
        }
        for _ in 0...keys.count {
            for key in keys {
                let end = TimeRange(lower: .distantFuture, upper: .distantFuture)
                for worker in rig.workers { _ = try worker.round([.recalculate(key, end)]) }
                try rig.settle()
            }
        }
    }

    private mutating func disturb() throws {
        let dice = Int.random(in: 0..<24, using: &random)
        log.append("\(dice)")
        switch dice {
        case 0..<12: try rig.disturb(dice, &random)
        case 12: rig.now = rig.now.advanced(bySeconds: random.pick([600, 5_000]))
        case 13 where Int.random(in: 0..<3, using: &random) == 0: try editCalculator()
        case 14 where Int.random(in: 0..<3, using: &random) == 0: try reassign()
        case 15..<18: try crashBehindExpiry()
        case 18 where Int.random(in: 0..<3, using: &random) == 0: try disable()
        default: break
        }
    }

    /// Ends the workers between the two commits of an expiry, if there is one.
    private func crashBehindExpiry() throws {
        rig.hooks.after = { _, call throws(StoreError) in
            if call == .expire { throw .failed("a crash") }
        }
        defer { rig.hooks.after = nil }
        do { try rig.settle() } catch StoreError.failed { try rig.start(workerCount: rig.workers.count) }
    }

    private mutating func editCalculator() throws {
        guard let definition = definitions.randomElement(using: &random) else { return }
        let id = CalculatorID(Int64(definition.id))
        let other = "{\"name\":\"other\",\"selectors\":[{\"type\":\"datetime\"}],\"counters\":[]}"
        _ = try rig.store.replaceCalculator(id, name: "other", json: other, expecting: nil)
        if Bool.random(using: &random) {
            rig.now = rig.now.advanced(bySeconds: 2)
            try rig.settle()
        }
        _ = try rig.store.replaceCalculator(id, name: "c\(definition.id)", json: definition.json, expecting: nil)
    }

    private mutating func reassign() throws {
        guard let key = keys.randomElement(using: &random) else { return }
        _ = try rig.store.unassign([key], at: rig.now)
        if Bool.random(using: &random) { try rig.settle() }
        _ = try rig.store.assign([key], isEnabled: true, isAutoCreated: false)
        held[key] = nil
        horizons[key] = nil
    }

    private mutating func disable() throws {
        guard let key = keys.randomElement(using: &random) else { return }
        try rig.store.setAssignments([key], isEnabled: false)
        rig.now = rig.now.advanced(bySeconds: 600)
        try rig.settle()
        try rig.store.setAssignments([key], isEnabled: true)
    }

    // MARK: What holds at every moment

    private mutating func brokenPromise() throws -> String? {
        let lost = try rig.store.horizon(device: device)
        for key in keys {
            guard let marks = try rig.store.assignment(key)?.marks else { continue }
            let now = try rig.store.heldIntervals(key)
            if marks.horizon < horizons[key] ?? .distantPast { return "\(key): the horizon moves back" }
            let byID = Dictionary(now.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
            let horizon = horizons[key] ?? .distantPast
            for frozen in held[key] ?? [] where frozen.end < horizon {
                frozenCount += 1
                guard let present = byID[frozen.id] else {
                    if hasIntervalsTTL.contains(key) { continue }
                    return "\(key): the frozen interval \(frozen.id) is gone"
                }
                if present.begin > frozen.begin || present.end < frozen.end {
                    return "\(key): the frozen interval \(frozen.id) is shorter"
                }
            }
            if marks.horizon > horizon { movedCount += 1 }
            held[key] = now
            horizons[key] = marks.horizon
            if try replayedFeed(key) != Set(now.map(\.id)) { return "\(key): the feed gives other intervals" }
            // What was made after messages went has no mark of its own yet.
            if marks.horizon > .distantPast, lost > marks.horizon {
                return "\(key): messages are gone that it reads: \(marks.horizon.seconds) < \(lost.seconds)"
            }
        }
        if let messageSeconds, lost > .distantPast {
            let time = try rig.store.slotTimes()[Int(Slot(device: device).rawValue)]
            if lost > time.advanced(bySeconds: -messageSeconds) { return "messages are gone that had not expired" }
        }
        return try readable(from: lost)
    }

    /// Builds the intervals that the feed tells of; of one that changed, older rows may have been let go.
    private func replayedFeed(_ key: AssignmentKey) throws -> Set<Int64> {
        var ids: Set<Int64> = []
        let rows = try rig.store.changes(
            slot: Slot(device: device), after: 0, countMax: 1_000_000, withBodies: false)
        for row in rows where row.key == key {
            if row.operation == .deleted { ids.remove(row.id) } else { ids.insert(row.id) }
        }
        return ids
    }

    /// Whether the messages that can be read are those that were sent and are not older than the horizon.
    private func readable(from horizon: Timestamp) throws -> String? {
        var read = MessageBatch()
        try MessageHistory(store: rig.store).forEachBlock(device: device, range: .all) { block in
            read = read.concatenated(block)
            return true
        }
        let wanted = sent.sorted().clipped(to: TimeRange(lower: horizon, upper: .distantFuture))
        guard
            read.timestamps != wanted.timestamps || read.hashes != wanted.hashes
                || read.acceptances != wanted.acceptances
        else { return nil }
        return "\(wanted.count) messages are to be read, and \(read.count) are, from \(horizon.seconds) on"
    }

    // MARK: What holds at rest

    private mutating func compare() throws -> String? {
        var stored: [CalculatorID: [Interval]] = [:]
        for (definition, key) in zip(definitions, keys) {
            let calculator = try Calculator(JSONValue(parsing: definition.json))
            let names = Set(calculator.counters.map(\.name))
            let found = try rig.store.intervals(key, IntervalQuery())
            let marks = try rig.store.assignment(key)?.marks ?? AssignmentMarks()
            let horizon = max(marks.horizon, try rig.store.horizon(device: device))
            let expected = try evaluation(definition, calculator, key, horizon, stored)
            let texts = found.filter { $0.end >= horizon }.map {
                WorkerRig.withoutIdentity(String(decoding: $0.json, as: UTF8.self)) + ($0.isActive ? " active" : "")
            }
            continuedCount += texts.count { $0.contains("\"continued\":true") }
            if texts != expected { return Self.difference(key, horizon, expected, texts) }
            stored[key.calculator] = found.map { Interval($0, counters: names) }
        }
        return nil
    }

    /// What a verification of the store finds; it counts on the same horizons.
    private func verified() throws -> String? { try rig.verified().first?.json.text }

    private func evaluation(
        _ definition: GeneratedCalculator, _ calculator: Calculator, _ key: AssignmentKey, _ horizon: Timestamp,
        _ stored: [CalculatorID: [Interval]]
    ) throws -> [String] {
        let environment = try NestRun.environment(definition, calculator, metadataJSON: given.metadataJSON)
        let marked = try rig.store.assignment(key)?.marks.horizon ?? .distantPast
        let revision = try rig.store.registry().calculators.first { $0.id == key.calculator }?.revision
        var state = EvaluationState(calculator, beginsAtHorizon: horizon > .distantPast)
        if marked == horizon, let saved = try rig.store.horizonState(key), saved.calculatorRevision == revision {
            state = try EvaluationState(calculator, decoding: saved.bytes)
        }
        var evaluator = Evaluator(calculator, environment: environment, from: state)
        evaluator.sources = stored
        let facts = DeviceFacts(id: device, ident: "352093081452251", name: "van 7")
        let binding = ColumnBinding(calculator.layout, table: rig.store.parameters, facts: facts)
        let from = TimeRange(lower: horizon, upper: .distantFuture)
        let before = Timestamp(microseconds: horizon.microseconds - 1)
        let block =
            calculator.messagesSource.map { SourceMessages(binding).block(stored[$0] ?? [], after: before) }
            ?? binding.block(sent.sorted().clipped(to: from))
        let settled = evaluator.consume(block)
        let all = settled + evaluator.pendingIntervals(now: rig.now)
        return all.filter { $0.interval.end >= horizon }.map { evaluated in
            let interval = evaluated.interval
            let text = String(decoding: interval.head + interval.tail.dropLast(), as: UTF8.self)
            let isContinued = evaluated.isCut || (interval.begin < horizon && horizon < interval.end)
            let mark =
                isContinued && !calculator.counters.contains { $0.name == "continued" } ? ",\"continued\":true" : ""
            return text + mark + "}" + (interval.isActive ? " active" : "")
        }
    }

    private static func difference(
        _ key: AssignmentKey, _ horizon: Timestamp, _ expected: [String], _ actual: [String]
    ) -> String {
        let place = zip(expected, actual).enumerated().first { $0.element.0 != $0.element.1 }
        return """
            calculator \(key.calculator), horizon \(horizon.seconds): \
            expected \(expected.count), found \(actual.count); first difference at \(place.map { "\($0.offset)" } ?? "the end"):
            expected \(place.map { $0.element.0 } ?? expected.last ?? "")
            found    \(place.map { $0.element.1 } ?? actual.last ?? "")
            """
    }
}
