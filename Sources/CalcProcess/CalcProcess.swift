import Glibc
import LocalCache
import Logging
import PrimaryStore
import ServiceLifecycle
import Synchronization
import Telemetry
import Threads
import TimeZones

/// The part that calculates: tails the log, keeps the caches, runs recalculation jobs, seals the archive.
///
/// It owns every slot of an embedded store and spreads them over its workers, each a thread with a cache file of its
/// own. Devices stay with a worker for as long as the number of workers stays. One more thread keeps the slots: it says
/// for the whole process that it is alive.
package final class CalcProcess: Service, Sendable {
    package struct Configuration: Sendable {
        /// The data folder; caches lie in `cache/` below it.
        package var folder: String
        package var workerCount: Int
        /// Seconds for which a device's tail may wait before it is sealed.
        package var sealSeconds: Double = 60
        /// Messages of a device's tail that are sealed at once.
        package var sealCount = 4_096
        /// Seconds between two looks for damage.
        package var scrubSeconds = 600.0
        /// Seconds after its last message from which a chunk is stored for the long run.
        package var coldSeconds = 14 * 86_400.0
        /// Seconds after which the slots of a process that is not heard of are free.
        package var leaseSeconds = 10.0

        package init(folder: String, workerCount: Int) {
            self.folder = folder
            self.workerCount = workerCount
        }
    }

    /// The most workers that make sense on one machine.
    package static let workerCountMax = 64

    private let store: any PrimaryStore
    private let board = StatusBoard()
    private let replayControl: ReplayControl
    private let keeper: SlotKeeper
    private let keeping = KeeperThread()
    private let workers: [WorkerHandle]
    private let logger: Logger
    private let now: @Sendable () -> Timestamp

    package init(
        store: any PrimaryStore, timeZones: TimeZoneDatabase, configuration: Configuration,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) throws {
        self.store = store
        self.logger = logger
        self.now = now
        let folder = configuration.folder + "/cache"
        // Where it cannot be made, the first cache says so.
        mkdir(folder, 0o750)
        let count = max(1, min(configuration.workerCount, Self.workerCountMax))
        replayControl = ReplayControl(try ReplaySettings(store))
        let owner = "embedded-\(now().microseconds)-\(UInt32.random(in: 0...UInt32.max))"
        keeper = SlotKeeper(
            SlotOwnership.Terms(owner: owner, leaseSeconds: configuration.leaseSeconds, isAlone: true), store: store,
            now: now, logger: logger)
        // A store that is full for now gives the slots later: what can be read is answered meanwhile.
        _ = try keeper.step()
        let template = Worker.Setup(
            index: 0, slots: SlotSet(), workerCount: count, epochs: [:], store: store,
            mirror: RegistryMirror(store: store, timeZones: timeZones), board: board, cachePath: "",
            sealSeconds: configuration.sealSeconds, sealCount: configuration.sealCount, now: now,
            replays: replayControl, scrubSeconds: configuration.scrubSeconds,
            coldSeconds: configuration.coldSeconds, logGatheringSeconds: LogPace.secondsMax, logger: logger)
        let keeper = keeper
        workers = (0..<count).map { index in
            WorkerHandle(template.seated(index, cachePath: "\(folder)/worker-\(index).db"), keeper)
        }
        Self.deleteOtherCaches(in: folder, keeping: count)
        let wake = workers
        board.observeExpiries { for worker in wake { worker.wake() } }
        store.addCommitObserver { notice in for worker in wake { worker.wake(after: notice) } }
    }

    /// Works until the service is shut down.
    package func run() async throws {
        let keeperThread = AsyncThread { [keeper, keeping, workers] in
            keeping.run(keeper) { for worker in workers { worker.wake() } }
            for worker in workers { worker.stop() }
        }
        let threads = workers.map { worker in
            AsyncThread { [workers] in
                worker.run()
                // One that ends, ends all: devices of a dead worker would silently stand still.
                for other in workers { other.stop() }
            }
        }
        await withTaskCancellationOrGracefulShutdownHandler {
            for thread in threads { await thread.join() }
        } onCancelOrGracefulShutdown: { [workers] in
            for worker in workers { worker.stop() }
        }
        keeping.stop()
        await keeperThread.join()
        await AsyncThread { [self] in endOwnership() }.join()
        let failures = workers.compactMap(\.failure) + [keeping.failure].compactMap { $0 }
        if let failure = failures.first { throw CalcProcessError(reason: failure) }
    }

    private func endOwnership() {
        do {
            try keeper.endOwnership(workers.map(\.setup), storeID: store.storeID)
        } catch {
            // The next start takes the slots all the same, and builds the caches anew where it has to.
            logger.warning("slots could not be given up", metadata: ["error": "\(error)"])
        }
    }

    /// How far a device is.
    package func status(of device: DeviceID) -> DeviceStatus { board.status(of: device) }

    /// How fresh an assignment's intervals are.
    package func status(of key: AssignmentKey) -> AssignmentStatus {
        var status = board.status(of: key, worker: worker(of: key.device))
        noteUnread(&status, store.lastPosition)
        return status
    }

    /// How fresh the intervals of several assignments are.
    package func statuses(of keys: [AssignmentKey]) -> [AssignmentStatus] {
        var statuses = board.statuses(of: keys, worker: worker(of:))
        let position = store.lastPosition
        for index in statuses.indices { noteUnread(&statuses[index], position) }
        return statuses
    }

    /// What is in the log and has not been looked at yet may concern it.
    private func noteUnread(_ status: inout AssignmentStatus, _ position: Int64) {
        if status.appliedPosition < position, status.pendingSince == nil { status.pendingSince = now() }
    }

    /// Asks for a range of an assignment to be calculated again, at once; nil: all that is not frozen.
    package func recalculate(_ key: AssignmentKey, range: TimeRange?) throws(StoreError) {
        workers[worker(of: key.device)].ask(.recalculate(key, range ?? .all))
    }

    /// Adds fields to an interval, beside its counters; null removes one.
    package func setIntervalFields(
        _ key: AssignmentKey, id: Int64, fields: [JSONValue.Member]
    ) async throws(StoreError) {
        try await ask(key) { reply in
            .setFields(FieldsChange(key: key, id: id, fields: fields, reply: reply))
        }
    }

    /// Says what becomes of a job whose differences were held: released, it is calculated again and applied; otherwise
    /// the intervals stay as they are.
    package func decide(job id: Int64, isReleased: Bool) async throws(StoreError) -> JobRecord {
        guard let held = try store.heldJobs().first(where: { $0.id == id }) else {
            throw .notFound("held job \(id)")
        }
        return try await ask(held.key) { reply in
            .decideJob(JobDecision(key: held.key, id: id, isReleased: isReleased, reply: reply))
        }
    }

    /// Asks the worker of a device and waits for its answer, of which only the first counts.
    private func ask<Answer: Sendable>(
        _ key: AssignmentKey,
        _ request: (_ reply: @escaping @Sendable (Result<Answer, StoreError>) -> Void) -> WorkerRequest
    ) async throws(StoreError) -> Answer {
        let worker = workers[worker(of: key.device)]
        let result: Result<Answer, StoreError> = await withCheckedContinuation { continuation in
            let reply = SingleReply(continuation)
            worker.ask(request { reply.give($0) })
        }
        return try result.get()
    }

    // MARK: Replays

    /// How far the calculation of whole histories is.
    package func replays() -> ReplayStatus {
        let settings = replayControl.settings
        return ReplayStatus(
            isPaused: settings.isPaused, share: settings.share, progress: board.replayProgress(at: now()))
    }

    /// Sets how replays are worked on, for now and for later starts; nil leaves it as it is.
    package func setReplays(isPaused: Bool?, share: Double?) throws(StoreError) {
        if let share, !ReplaySettings.shares.contains(share) {
            throw .invalid("share: \(share) is not between 0.05 and 1")
        }
        let old = replayControl.settings
        let new = ReplaySettings(isPaused: isPaused ?? old.isPaused, share: share ?? old.share)
        try new.write(to: store, replacing: old)
        replayControl.settings = new
        for worker in workers { worker.wake() }
    }

    // MARK: Health

    /// Damage that was found since the start, the oldest first; at most `StatusBoard.findingsMax`.
    package var findings: [HealthFinding] { board.findings }

    /// How many batches of the log wait for the workers; at most, since some of them may be sealed already.
    package var logRowsWaiting: Int64 { max(0, store.lastPosition - (board.log.leastKnownPosition ?? .max)) }

    private func worker(of device: DeviceID) -> Int { Int(Slot(device: device).rawValue) % workers.count }

    /// Counts of what has been done since the start, for `/metrics`.
    package var metrics: CalcMetrics { board.metrics }

    /// Caches of workers that are no more: their devices are with other workers now.
    private static func deleteOtherCaches(in folder: String, keeping count: Int) {
        for index in count..<(workerCountMax * 2) { WorkerCache.delete(path: "\(folder)/worker-\(index).db") }
    }
}

/// A worker that could not go on.
package struct CalcProcessError: Error, CustomStringConvertible {
    package var reason: String
    package var description: String { "a worker has stopped: \(reason)" }
}

/// An answer that is given once, however often somebody tries.
private final class SingleReply<Answer: Sendable>: Sendable {
    private let waiting: Mutex<CheckedContinuation<Answer, Never>?>

    init(_ continuation: CheckedContinuation<Answer, Never>) { waiting = Mutex(continuation) }

    func give(_ answer: Answer) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: answer)
    }
}
