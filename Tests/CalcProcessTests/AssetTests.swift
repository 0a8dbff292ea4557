import FoundationEssentials
import PrimaryStore
import ReferenceBridge
import StoreSupport
import ReferenceEvaluator
import Telemetry
import Testing

@testable import CalcProcess

/// The stream of an asset is what the devices sent while they stood for it, whatever happens on the way.
struct AssetTests {
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 40
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    @Test(
        "an asset's intervals are those of one full evaluation over the slices of its devices",
        arguments: [false, true])
    func incrementalEqualsFull(interleaves: Bool) throws {
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            let given = Generator.generatedCase(seed: seed, hasGeofences: false)
            guard IncrementalTests.isSupported(given), given.messages.count > 1 else { continue }
            let run = try AssetRun(given, salt: interleaves ? 1 : 0, interleaves: interleaves)
            guard let difference = try run.difference() else { continue }
            Issue.record("seed \(seed): \(difference)\n\(given.calculatorJSON)")
            return
        }
    }

    @Test(
        "what the worker of a device seals while another copies an asset is not lost",
        arguments: [StoreHooks.Call.readLogOfDevice, .archivedChunks])
    func sealedWhileCopied(_ call: StoreHooks.Call) throws {
        let pair = try WorkerPair(sealSeconds: 30)
        try pair.send(from: 0, count: 5)
        try pair.rig.settle()
        try pair.makeAsset()
        var hasSealed = false
        pair.rig.hooks.before = { worker, made throws(StoreError) in
            guard worker == 1, made == call, !hasSealed else { return }
            hasSealed = true
            pair.rig.now = pair.rig.now.advanced(bySeconds: 60)
            pair.work(0)
        }
        try pair.rig.settle()
        try pair.settle()
        #expect(hasSealed)
        #expect(try pair.counts() == [5])
    }

    @Test("what a device sends is not sealed before a worker that has just heard of an asset has read it")
    func sealedBeforeHeard() throws {
        let pair = try WorkerPair(sealSeconds: 0)
        try pair.send(from: 0, count: 5)
        try pair.rig.settle()
        // A batch that makes the device's worker read the log; it has looked at the registry before.
        try pair.send(from: 5, count: 1)
        var hasPassed = false
        pair.rig.hooks.before = { worker, made throws(StoreError) in
            guard worker == 0, made == .readLog, !hasPassed else { return }
            hasPassed = true
            pair.appear()
            pair.work(1)
            pair.append(from: 6, count: 2)
        }
        pair.rig.now = pair.rig.now.advanced(bySeconds: 10)
        pair.work(0)
        try pair.settle()
        #expect(hasPassed)
        #expect(try pair.counts() == [8])
    }

    @Test("what a device sends while an asset waits to be copied is not lost where a crash finds its course as before")
    func courseAsBefore() throws {
        let pair = try WorkerPair(sealSeconds: 3_600)
        try pair.send(from: 0, count: 5)
        try pair.makeAsset()
        try pair.settle()
        #expect(try pair.counts() == [5])
        try pair.setCourse(end: Timestamp(seconds: 1_650_000_000))
        try pair.send(from: 5, count: 3)
        var hasFailed = false
        pair.rig.hooks.before = { worker, made throws(StoreError) in
            guard worker == 1, made == .archivedChunks else { return }
            hasFailed = true
            throw .failed("it cannot be copied now")
        }
        #expect(throws: (any Error).self) { try pair.rig.workers[1].round([]) }
        #expect(hasFailed)
        pair.rig.hooks.before = { _, _ in }
        try pair.setCourse(end: nil)
        try pair.rig.start(workerCount: 2)
        try pair.settle()
        #expect(try pair.counts() == [8])
    }
}

/// Two workers: the first has a device, the second the asset for which it stands.
private final class WorkerPair {
    let rig: WorkerRig
    private let device: DeviceID
    private var asset: Int64 = 0
    private var key: AssignmentKey?

    init(sealSeconds: Double) throws {
        rig = try WorkerRig(now: Timestamp(seconds: 1_700_100_000), workerCount: 2, sealSeconds: sealSeconds)
        var found = DeviceID(0)
        for index in 1...20 {
            let id = try rig.store.createDevice(ident: "i-\(index)", name: "van", json: "{}").id
            if Self.worker(of: id) == 0 { found = id }
        }
        device = found
        _ = try rig.store.createCalculator(
            name: "all",
            json: """
                {"name":"all","update_delay":0,"selectors":[{"type":"datetime"}],"counters":[{"name":"count",\
                "type":"expression","expression":"1","method":"summary"}]}
                """)
    }

    private static func worker(of device: DeviceID) -> Int { Int(Slot(device: device).rawValue) % 2 }

    /// An asset of the second worker, for which the device always stood.
    func makeAsset() throws {
        var id = try rig.store.createEntity(.asset, name: "asset", json: "{}").id
        while Self.worker(of: DeviceID(asset: id)) != 1 {
            id = try rig.store.createEntity(.asset, name: "asset", json: "{}").id
        }
        asset = id
        try setCourse(end: nil)
        let key = AssignmentKey(calculator: CalculatorID(1), device: DeviceID(asset: id))
        _ = try rig.store.assign([key], isEnabled: true, isAutoCreated: false)
        self.key = key
    }

    /// Has the device stand for the asset from long ago up to a moment, or without end.
    func setCourse(end: Timestamp?) throws {
        let begin = Timestamp(seconds: 1_600_000_000)
        let course = [(DeviceID(0), nil), (device, end)].map { device, end in
            AssetInterval(asset: asset, begin: begin, end: end, device: device, json: "{}", timestamp: rig.now)
        }
        _ = try rig.store.overlayAssetIntervals(asset, course)
    }

    func send(from first: Int, count: Int) throws {
        let messages = (first..<first + count).map { index in
            let moment = 1_700_000_000_000_000 + Int64(index) * 60_000_000
            return RefMessage(
                timestampMicroseconds: moment, acceptanceMicroseconds: moment, values: ["din": .number(1)])
        }
        _ = try rig.store.append([LogAppend(device: device, batch: MessageBatch(messages, rig.store.parameters))])
    }

    /// One round of a worker, from inside another's.
    func work(_ worker: Int) { noting { _ = try rig.workers[worker].round([]) } }
    func appear() { noting { try makeAsset() } }
    func append(from first: Int, count: Int) { noting { try send(from: first, count: count) } }

    private func noting(_ body: () throws -> Void) {
        do { try body() } catch { Issue.record("\(error)") }
    }

    /// Lets both come to rest, and the open interval be counted once more.
    func settle() throws {
        for _ in 0..<3 {
            rig.now = rig.now.advanced(bySeconds: 61)
            try rig.settle()
        }
    }

    /// How many messages each interval of the asset has.
    func counts() throws -> [Double?] {
        guard let key else { return [] }
        return try rig.store.intervals(key, IntervalQuery()).map { interval in
            try JSONValue(parsing: interval.json)["count"]?.numberValue
        }
    }
}
