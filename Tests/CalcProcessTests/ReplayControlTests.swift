import FoundationEssentials
import Logging
import PrimaryStore
import StoreSupport
import Telemetry
import Testing
import TimeZones

@testable import CalcProcess

/// What a whole calc process offers beside its work: settings of replays, decisions, an orderly end.
struct ReplayControlTests {
    @Test("how replays are worked on is kept over a restart, and a share out of bounds is refused")
    func settings() throws {
        let house = try ProcessHouse()
        let first = try house.process()
        #expect(first.replays() == ReplayStatus(isPaused: false, share: 1, progress: []))
        try first.setReplays(isPaused: true, share: nil)
        try first.setReplays(isPaused: nil, share: 0.25)
        #expect(first.replays() == ReplayStatus(isPaused: true, share: 0.25, progress: []))
        for share in [0, 0.04, 1.01, -1, .nan, .infinity] {
            #expect(throws: StoreError.self) { try first.setReplays(isPaused: false, share: share) }
        }
        let second = try house.process()
        #expect(second.replays() == ReplayStatus(isPaused: true, share: 0.25, progress: []))
        try second.setReplays(isPaused: false, share: 1)
        #expect(try house.process().replays() == ReplayStatus(isPaused: false, share: 1, progress: []))
    }

    @Test("a process that ends gives its slots up, and answers nobody's questions any more")
    func end() async throws {
        let house = try ProcessHouse()
        let process = try house.process()
        #expect(try house.store.slotLeases().allSatisfy { $0.owner?.hasPrefix("embedded-") == true && $0.epoch == 1 })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await process.run() }
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(try house.store.slotLeases().allSatisfy { $0.owner == nil && $0.epoch == 2 })
        let key = AssignmentKey(calculator: CalculatorID(1), device: DeviceID(1))
        await #expect(throws: WorkerRequest.ended) { try await process.setIntervalFields(key, id: 1, fields: []) }
        await #expect(throws: StoreError.notFound("held job 7")) {
            try await process.decide(job: 7, isReleased: true)
        }
    }

    @Test("two starts have two owners, and the first is fenced from then on")
    func owners() throws {
        let house = try ProcessHouse()
        _ = try house.process()
        let first = try house.store.slotLeases().first?.owner
        _ = try house.process()
        let second = try house.store.slotLeases().first
        #expect(second?.owner != first && second?.epoch == 2)
    }
}

/// Damage is looked for in the background, a little at a time.
struct ScrubTests {
    @Test("each look audits the next slot, and what it finds is kept with its time, up to a number")
    func audits() throws {
        var audits = 0
        let rig = try WorkerRig(now: Timestamp(seconds: 1_700_100_000)) { $0.scrubSeconds = 60 }
        rig.hooks.before = { _, call throws(StoreError) in
            guard call == .audit else { return }
            audits += 1
            if audits % 2 == 0 { throw .corrupt("row \(audits)") }
        }
        try rig.settle()
        #expect(audits == 0, "a start is not made slower by it")
        rig.now = rig.now.advanced(bySeconds: 60)
        try rig.settle()
        #expect(audits == 1 && rig.board.findings.isEmpty)
        rig.now = rig.now.advanced(bySeconds: 60)
        try rig.settle()
        #expect(rig.board.findings == [HealthFinding(moment: rig.now, text: "slot 1: row 2")])
        for _ in 0..<510 {
            rig.now = rig.now.advanced(bySeconds: 60)
            _ = try rig.workers[0].round([])
        }
        #expect(audits == 512 && rig.board.findings.count == StatusBoard.findingsMax)
        #expect(rig.board.findings.last?.text == "slot 255: row 512")
    }

    @Test("the feed of each slot is trimmed once a day")
    func feeds() throws {
        var trims = 0
        let rig = try WorkerRig(now: Timestamp(seconds: 1_700_092_800))
        rig.hooks.before = { _, call throws(StoreError) in if call == .trimFeed { trims += 1 } }
        for _ in 0..<1_440 {
            _ = try rig.workers[0].round([])
            rig.now = rig.now.advanced(bySeconds: 60)
        }
        #expect(trims == 256)
    }
}

/// A store, and processes that are begun on it.
private final class ProcessHouse {
    let store: SQLitePrimaryStore
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.path() + "odograph-process-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        store = try SQLitePrimaryStore(folder: folder)
    }

    deinit {
        store.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func process() throws -> CalcProcess {
        try CalcProcess(
            store: store, timeZones: TimeZoneDatabase(),
            configuration: CalcProcess.Configuration(folder: folder, workerCount: 2),
            now: { Timestamp(seconds: 1_700_000_000) }, logger: Logger(label: "test"))
    }
}
