import Calculators
import Evaluation
import Expressions
import FoundationEssentials
import Logging
import PrimaryStore
import SeededRandom
import StoreSupport
import Synchronization
import Telemetry
import TimeZones

@testable import CalcProcess

/// A real store and real workers on one thread under a clock set by hand.
final class WorkerRig {
    let folder: String
    let store: SQLitePrimaryStore
    private let clock: ManualClock
    /// New with each start, as in a process.
    private(set) var board = StatusBoard()
    private let mirror: RegistryMirror
    private(set) var workers: [Worker] = []
    /// What is done between two steps of the workers.
    let hooks = StoreHooks()
    private let sealSeconds: Double
    private let sealCount: Int
    private let stateSpacing: Int
    /// Changes how workers are set up, at this start and later ones.
    var configure: (inout Worker.Setup) -> Void

    init(
        now: Timestamp, workerCount: Int = 1, sealSeconds: Double = 0, sealCount: Int = 4_096,
        stateSpacing: Int = 2_048, configure: @escaping (inout Worker.Setup) -> Void = { _ in }
    ) throws {
        folder = FileManager.default.temporaryDirectory.path() + "odograph-rig-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/cache", withIntermediateDirectories: true)
        store = try SQLitePrimaryStore(folder: folder)
        clock = ManualClock(now)
        mirror = RegistryMirror(store: store, timeZones: TimeZoneDatabase())
        self.sealSeconds = sealSeconds
        self.sealCount = sealCount
        self.stateSpacing = stateSpacing
        self.configure = configure
        try start(workerCount: workerCount)
    }

    deinit {
        store.close()
        try? FileManager.default.removeItem(atPath: folder)
    }

    var now: Timestamp {
        get { clock.now }
        set { clock.now = newValue }
    }

    /// Starts the workers, on the caches that are there.
    func start(workerCount: Int) throws {
        workers = []
        board = StatusBoard()
        store.addCommitObserver { [weak board] notice in
            for index in 0..<workerCount { _ = board?.log.take(notice, index) }
        }
        let epochs = try store.claimAllSlots(owner: "test", at: now)
        for index in 0..<workerCount {
            let slots = SlotSet((0..<Slot.count).filter { $0 % workerCount == index }.map { Slot(rawValue: UInt8($0)) })
            var setup = Worker.Setup(
                index: index, slots: slots, workerCount: workerCount, epochs: epochs,
                store: HookedStore(store, hooks, user: index), mirror: mirror, board: board,
                cachePath: cachePath(index), sealSeconds: sealSeconds, sealCount: sealCount,
                stateSpacing: stateSpacing,
                now: { [clock] in clock.now }, logger: Logger(label: "test"))
            configure(&setup)
            workers.append(try Worker(setup))
        }
    }

    func cachePath(_ index: Int) -> String { "\(folder)/cache/worker-\(index).db" }

    /// Ends the workers and deletes their caches.
    func deleteCaches() throws {
        let count = workers.count
        workers = []
        for index in 0..<count {
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: cachePath(index) + suffix)
            }
        }
    }

    /// Lets the workers do everything that is due.
    func settle() throws {
        for worker in workers {
            var rounds = 0
            while try worker.round([]) {
                rounds += 1
                precondition(rounds < 10_000, "the workers come to rest")
            }
        }
    }

    func status(of key: AssignmentKey) -> AssignmentStatus { board.status(of: key, worker: 0) }

    /// The texts of an assignment's intervals without id and timestamp.
    func texts(_ key: AssignmentKey) throws -> [String] {
        try store.intervals(key, IntervalQuery()).map { Self.withoutIdentity(String(decoding: $0.json, as: UTF8.self)) }
    }

    static func withoutIdentity(_ text: String) -> String {
        guard case .object(let members)? = try? JSONValue(parsing: text) else { return text }
        return JSONValue.object(members.filter { $0.key != "id" && $0.key != "timestamp" }).text
    }

    /// Builds the intervals that the feed tells of, from its first row on.
    func replayedFeed(_ key: AssignmentKey) throws -> Set<Int64> {
        var ids: Set<Int64> = []
        for row in try store.changes(slot: Slot(device: key.device), after: 0, countMax: 1_000_000, withBodies: false)
        where row.key == key {
            switch row.operation {
            case .created: ids.insert(row.id)
            case .deleted: ids.remove(row.id)
            case .updated, .activated, .deactivated: precondition(ids.contains(row.id), "only a known interval changes")
            }
        }
        return ids
    }
}

/// A clock that stands still until it is set.
final class ManualClock: Sendable {
    private let moment: Mutex<Timestamp>

    init(_ now: Timestamp) { moment = Mutex(now) }

    var now: Timestamp {
        get { moment.withLock { $0 } }
        set { moment.withLock { $0 = newValue } }
    }
}

extension WorkerRig {
    /// What any run goes through, by dice from 0 to 11: time passes, single rounds, a start with other workers or
    /// without their caches.
    func disturb(_ dice: Int, _ random: inout SeededGenerator) throws {
        switch dice {
        case 0..<8:
            now = now.advanced(bySeconds: random.pick([0.5, 11, 70]))
            try settle()
        case 8..<10: for worker in workers { _ = try worker.round([]) }
        case 10: try start(workerCount: random.pick([1, 1, 2, 4]))
        case 11 where Int.random(in: 0..<3, using: &random) == 0:
            try deleteCaches()
            try start(workerCount: 1)
        default: break
        }
    }
}
