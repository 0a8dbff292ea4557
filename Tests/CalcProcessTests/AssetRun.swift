import Calculators
import Evaluation
import Expressions
import FoundationEssentials
import PrimaryStore
import ReferenceBridge
import SeededRandom
import StoreSupport
import ReferenceEvaluator
import Telemetry
import TimeZones

@testable import CalcProcess

/// One random life of two assets, for which three devices stand in turn, with other slots and so other workers:
/// batches in any order, courses of devices that change, sealing, restarts, lost caches, workers that overtake each
/// other between any two calls of the store.
final class AssetRun {
    static let metadata = "{\"limit\":50,\"depot\":{\"name\":\"north\",\"rate\":1.25},\"tags\":[\"a\",\"b\"]}"

    /// A calculator that tells the devices apart.
    static let course = """
        {"name":"course","update_delay":1,"selectors":[{"type":"expression","expression":"device.id",\
        "method":"change"}],"counters":[\
        {"name":"ident","type":"parameter","parameter":"ident","method":"distinct"},\
        {"name":"name","type":"expression","expression":"$device.name","method":"last"},\
        {"name":"count","type":"expression","expression":"1","method":"summary"},\
        {"name":"last","type":"message","method":"last","fields":["device.id","ident","position.speed"]},\
        {"name":"mileage","type":"expression","expression":"mileage()","method":"summary"}]}
        """

    private let given: GeneratedCase
    private let rig: WorkerRig
    private let devices: [DeviceID]
    private let assets: [Int64]
    private let keys: [AssignmentKey]
    private var gone: Set<DeviceID> = []
    private var batches: [(device: DeviceID, batch: MessageBatch)] = []
    private var whole: [DeviceID: MessageBatch] = [:]
    private var random: SeededGenerator
    private(set) var log: [String] = []
    private var isInterleaving = false
    private var failure: (any Error)?

    init(_ given: GeneratedCase, salt: UInt64, interleaves: Bool) throws {
        self.given = given
        random = SeededGenerator(seed: given.seed &* 5 &+ salt &* 977 &+ 13)
        let now = Timestamp(microseconds: given.nowMicroseconds)
        rig = try WorkerRig(
            now: now.advanced(bySeconds: -200_000), workerCount: random.pick([1, 2, 4]),
            sealSeconds: random.pick([0, 0, 30, 1e9]), sealCount: random.pick([3, 20, 4_096]),
            stateSpacing: random.pick([1, 3, 20, 100]))
        var created: [DeviceID] = []
        for index in 1...12 {
            created.append(try rig.store.createDevice(ident: "i-\(index)", name: "van \(index)", json: "{}").id)
        }
        devices = Array(created.shuffled(using: &random).prefix(3))
        let entity = "{\"metadata\":\(Self.metadata)}"
        assets = [
            try rig.store.createEntity(.asset, name: "asset 1", json: entity).id,
            try rig.store.createEntity(.asset, name: "asset 2", json: entity).id,
        ]
        for json in [given.calculatorJSON, Self.course] { _ = try rig.store.createCalculator(name: "c", json: json) }
        let streams = assets.map { DeviceID(asset: $0) } + [devices[0]]
        keys = streams.flatMap { stream in
            (1...2).map { AssignmentKey(calculator: CalculatorID($0), device: stream) }
        }
        makeMessages()
        _ = try rig.store.assign(keys, isEnabled: true, isAutoCreated: false)
        for _ in 0..<2 { try overlay() }
        if interleaves { letWorkersOvertake() }
    }

    /// Deals the messages of the case to the devices; others send at the same moments, too.
    private func makeMessages() {
        var dealt: [DeviceID: [RefMessage]] = [:]
        var holder = devices[0]
        for message in given.messages {
            if Int.random(in: 0..<12, using: &random) == 0 { holder = random.pick(devices) }
            dealt[holder, default: []].append(message)
            guard Int.random(in: 0..<3, using: &random) == 0 else { continue }
            var other = message
            other.values["position.speed"] = .number(Double(Int.random(in: 0...90, using: &random)))
            dealt[random.pick(devices.filter { $0 != holder }), default: []].append(other)
        }
        for (device, messages) in dealt.sorted(by: { $0.key < $1.key }) {
            let batch = MessageBatch(messages, rig.store.parameters)
            whole[device] = batch.sorted()
            batches += batch.shuffledBatches(&random).map { (device, $0) }
        }
        // Those of each device stay nearly in order.
        let reach = random.pick([5, 40])
        let order = batches.indices.map { ($0 % max(1, batches.count / 3)) + Int.random(in: 0..<reach, using: &random) }
        batches = zip(batches, order).enumerated().sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }
            .map(\.element.0)
    }

    // MARK: Living

    /// Lives, and then compares with one full evaluation over the slices of the devices; nil if they are alike.
    func difference() throws -> String? {
        for (device, batch) in batches where !gone.contains(device) {
            _ = try rig.store.append([LogAppend(device: device, batch: batch)])
            try disturb()
        }
        try comeToRest()
        if let failure { throw failure }
        for key in keys { if let difference = try difference(of: key) { return difference } }
        return nil
    }

    private func comeToRest() throws {
        rig.now = Timestamp(microseconds: given.nowMicroseconds)
        rig.hooks.before = nil
        for _ in 0..<3 { try rig.settle() }
        for key in keys {
            let end = TimeRange(lower: .distantFuture, upper: .distantFuture)
            for worker in rig.workers { _ = try worker.round([.recalculate(key, end)]) }
        }
        for _ in 0..<3 { try rig.settle() }
    }

    private func disturb() throws {
        let dice = Int.random(in: 0..<24, using: &random)
        if dice != 23 { log.append("\(dice)") }
        switch dice {
        case 0..<5: try pass(random.pick([0.5, 11, 70]))
        case 5..<12:
            rig.now = rig.now.advanced(bySeconds: random.pick([0, 0.5, 6]))
            for _ in 0..<random.pick([1, 2, 4]) { _ = try random.pick(rig.workers).round([]) }
        case 12: try rig.start(workerCount: random.pick([1, 2, 4]))
        case 13 where Bool.random(using: &random): try loseCaches()
        case 14: try loseOneCache()
        case 15..<18: try overlay()
        case 18: try rename()
        case 19 where Bool.random(using: &random): try assignAgain()
        case 20 where Int.random(in: 0..<40, using: &random) == 0: try deleteDevice()
        default: break
        }
    }

    private func pass(_ seconds: Double) throws {
        rig.now = rig.now.advanced(bySeconds: seconds)
        try rig.settle()
    }

    private func loseCaches() throws {
        try rig.deleteCaches()
        try rig.start(workerCount: random.pick([1, 2, 4]))
    }

    private func loseOneCache() throws {
        let count = rig.workers.count
        let index = Int.random(in: 0..<count, using: &random)
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: rig.cachePath(index) + suffix)
        }
        try rig.start(workerCount: count)
    }

    /// Lets a device, or none, stand for an asset over a stretch whose borders are often messages themselves.
    private func overlay() throws {
        let moments = given.messages.map { Timestamp(microseconds: $0.timestampMicroseconds) }
        let borders = [random.pick(moments), random.pick(moments)].sorted()
        let shift = random.pick([0, 0, 0, 1, -1]) as Int64
        let begin = Timestamp(microseconds: borders[0].microseconds + shift)
        let isOpen = Int.random(in: 0..<4, using: &random) == 0
        let present = devices.filter { !gone.contains($0) }
        let device = Int.random(in: 0..<8, using: &random) == 0 ? DeviceID(0) : random.pick(present)
        let interval = AssetInterval(
            asset: random.pick(assets), begin: begin,
            end: isOpen ? nil : Timestamp(microseconds: borders[1].microseconds + 2), device: device, json: "{}",
            timestamp: rig.now)
        _ = try rig.store.overlayAssetIntervals(interval.asset, [interval])
    }

    /// One that stands for assets only; with it go the intervals in which it did.
    private func deleteDevice() throws {
        guard gone.isEmpty else { return }
        try rig.store.deleteDevice(devices[2], at: rig.now)
        gone = [devices[2]]
    }

    private func rename() throws {
        let device = random.pick(devices.filter { !gone.contains($0) })
        let name = "named \(Int.random(in: 0...9, using: &random))"
        _ = try rig.store.replaceDevice(
            device, ident: "i-\(device.rawValue)", name: name, json: "{}", expecting: nil)
    }

    private func assignAgain() throws {
        let key = random.pick(keys)
        _ = try rig.store.unassign([key], at: rig.now)
        if Bool.random(using: &random) { try rig.settle() }
        _ = try rig.store.assign([key], isEnabled: true, isAutoCreated: false)
    }

    /// Runs rounds of other workers, and new messages and courses, between two calls of a worker.
    private func letWorkersOvertake() {
        rig.hooks.before = { [weak self] caller, _ throws(StoreError) in
            guard let self, !isInterleaving, Int.random(in: 0..<4, using: &random) == 0 else { return }
            isInterleaving = true
            defer { isInterleaving = false }
            do {
                if Int.random(in: 0..<10, using: &random) == 0 { try overlay() }
                try overtake(caller)
            } catch { failure = error }
        }
    }

    private func overtake(_ caller: Int) throws {
        let others = rig.workers.filter { $0.setup.index != caller }
        guard let worker = others.randomElement(using: &random) else { return }
        for _ in 0..<random.pick([1, 3]) { _ = try worker.round([]) }
    }

    // MARK: Comparing

    private func difference(of key: AssignmentKey) throws -> String? {
        let expected = try fullEvaluation(key)
        let actual = try rig.texts(key)
        if try rig.replayedFeed(key) != Set(try rig.store.heldIntervals(key).map(\.id)) {
            return "\(key): the feed replayed gives other intervals"
        }
        if expected == actual { return nil }
        let place = zip(expected, actual).enumerated().first { $0.element.0 != $0.element.1 }
        return """
            \(key): expected \(expected.count), found \(actual.count); first difference at \
            \(place.map { "\($0.offset)" } ?? "the end"):
            expected \(place.map { $0.element.0 } ?? expected.last ?? "")
            found    \(place.map { $0.element.1 } ?? actual.last ?? "")
            after \(log.suffix(20)), \(rig.workers.count) workers
            """
    }

    /// The calculator over the slices of the devices one after the other, each with the facts of its device.
    private func fullEvaluation(_ key: AssignmentKey) throws -> [String] {
        let json = key.calculator.rawValue == 1 ? given.calculatorJSON : Self.course
        let calculator = try Calculator(JSONValue(parsing: json))
        let metadata = key.device.assetID == nil ? "{}" : Self.metadata
        let environment = ExpressionEnvironment(
            timeZone: try TimeZoneDatabase().table(calculator.timeZoneName),
            metadata: try JSONValue(parsing: metadata), mileageOutlierSpeed: calculator.mileageOutlierSpeed,
            mileageFormula: calculator.mileageFormula)
        var evaluator = Evaluator(calculator, environment: environment)
        var found: [EvaluatedInterval] = []
        for (facts, batch) in try slices(key.device) where !batch.isEmpty {
            let binding = ColumnBinding(calculator.layout, table: rig.store.parameters, facts: facts)
            found += evaluator.consume(binding.block(batch))
        }
        found += evaluator.pendingIntervals(now: Timestamp(microseconds: given.nowMicroseconds))
        return found.map { String(decoding: $0.interval.head + $0.interval.tail, as: UTF8.self) }
    }

    /// What the devices behind a stream sent in their stretches, in order.
    private func slices(_ stream: DeviceID) throws -> [(DeviceFacts, MessageBatch)] {
        let registry = try rig.store.registry()
        let all = registry.devices.map { DeviceFacts(id: $0.id, ident: $0.ident, name: $0.name) }
        let facts = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })
        guard let asset = stream.assetID else {
            return facts[stream].map { [($0, whole[stream] ?? MessageBatch())] } ?? []
        }
        return registry.assetIntervals.filter { $0.asset == asset }.sorted { $0.begin < $1.begin }
            .compactMap { interval in
                guard let facts = facts[interval.device] else { return nil }
                let batch = whole[interval.device] ?? MessageBatch()
                let rows = batch.timestamps.indices.filter { row in
                    batch.timestamps[row] >= interval.begin.microseconds
                        && interval.end.map { batch.timestamps[row] < $0.microseconds } ?? true
                }
                return (facts, batch.gather(rows))
            }
    }
}
