import Expressions
import Glibc
import LocalCache
import Logging
import PrimaryStore
import Recalculation
import Telemetry

/// One thread of the calc process with the devices of its slots and a cache file of its own.
///
/// Everything it does is synchronous; it waits only for the primary store's commits and, when there is nothing to do,
/// for being woken.
final class Worker {
    struct Setup: Sendable {
        var index: Int
        var slots: SlotSet
        /// How many workers share the store.
        var workerCount = 1
        var epochs: [Slot: Int64]
        var store: any PrimaryStore
        var mirror: RegistryMirror
        var board: StatusBoard
        var cachePath: String
        var sealSeconds: Double
        var sealCount: Int
        var stateSpacing = RecalculationJob.stateSpacingDefault
        /// Messages that one job reads before the worker looks around.
        var sliceMessageCount = 50_000
        var now: @Sendable () -> Timestamp
        /// Processor time that the worker's thread has used, nanoseconds.
        var processorTime: @Sendable () -> UInt64 = { Worker.threadProcessorTime() }
        /// How replays are to be worked on.
        var replays = ReplayControl()
        /// Seconds between two looks for damage.
        var scrubSeconds = 600.0
        /// Seconds after its last message from which a chunk is stored for the long run: 14 days.
        var coldSeconds = 14 * 86_400.0
        /// Seconds between two looks at what of a device has expired.
        var expirySeconds = 3_600.0
        /// Messages are kept for so many seconds longer, the longest transaction.
        var expirySlackSeconds = 3_600.0
        /// Seconds for which the log may gather before a busy worker takes it.
        var logGatheringSeconds = 0.0
        var logger: Logger

        /// What the worker calls its cache, so that it refuses that of another.
        var cacheName: String { "worker-\(index)" }
    }

    /// Jobs that are worked on between two looks at the log.
    static let jobsPerRoundMax = 256
    /// Devices that are copied between two looks at the log.
    static let syncsPerRoundMax = 16
    /// Jobs over a whole history that are worked on at one time, so that live ones do not wait behind them.
    static let replaysMax = 8
    /// Nanoseconds of replays between two looks at the log.
    static let replayNanosecondsMax: UInt64 = 50_000_000
    /// Seconds until a device that could not be copied is tried again.
    static let setBackSeconds = 60.0
    /// Seconds after which a job that could not be pushed is tried again.
    static let retrySeconds = 5.0
    /// Seconds for which replaced versions of intervals answer `as_of`: 90 days.
    static let versionsSeconds = 90 * 86_400.0
    /// Seconds between two looks for versions to let go.
    static let pruningSeconds = 600.0
    /// Seconds for which superseded rows of the feed are kept: 7 days.
    static let feedSeconds = 7 * 86_400.0
    /// The longest sleep, seconds.
    static let sleepSecondsMax = 1.0

    let setup: Setup
    var cache: WorkerCache
    var position: Int64 = 0
    var logPace: LogPace
    var picture = RegistryPicture()
    /// The slots whose log is read: this worker's own, and those of devices that stand for its assets.
    var watchedSlots = SlotSet()
    var devices = PagedTable<DeviceID, DeviceWork>()
    var assignments = PagedTable<AssignmentKey, AssignmentWork>()
    var unsynced: ArraySlice<DeviceID> = []
    /// Devices that could not be copied, and when that is tried again.
    var setBackUntil: [DeviceID: Timestamp] = [:]
    /// Assignments whose whole history waits to be calculated.
    var replays: ArraySlice<AssignmentKey> = []
    var replayThrottle = ReplayThrottle()
    /// What was asked from outside and is not answered yet.
    var requests: [WorkerRequest] = []
    /// The time in which nothing is done, after something failed that may pass.
    var outage: Outage?
    /// The jobs whose differences wait for somebody to decide.
    var heldJobs: [AssignmentKey: Int64] = [:]
    /// What is wrong with the messages of devices.
    var damage: [DeviceID: String] = [:]
    /// The geofences of each calculator before the change of the registry that is being taken up.
    var geofencesBefore: [CalculatorID: GeofenceSet] = [:]
    /// What jobs begin with, kept from job to job.
    var preparedJobs = PreparedJobs()
    var due = DueQueue()
    var running: [AssignmentKey: RunningJob] = [:]
    /// Assignments that wait until what they read is calculated.
    var waitingForSources: Set<AssignmentKey> = []
    /// Assignments whose geofences have changed, and how those were before; what they touch is to be found.
    var geofenceChanges: [AssignmentKey: GeofenceSet] = [:]
    var nextSeal: Timestamp
    var expiry = ExpirySchedule()
    var nextCompaction = Timestamp.distantPast
    var nextPruning = Timestamp.distantPast
    /// The turn in which a feed was trimmed last.
    var trimTurn: Int?
    var nextScrub: Timestamp
    var nextCooling = Timestamp.distantPast
    /// The chunk that was stored for the long run last, while there are more.
    var cooledUpTo: ChunkPlace?
    /// What was last looked at for damage.
    var scrubbedSlot: Slot?
    var scrubbedDevice: DeviceID?
    /// When the log rows of a device that wait to be sealed were first seen.
    var waitingSince: [DeviceID: Timestamp] = [:]

    var store: any PrimaryStore { setup.store }
    var now: Timestamp { setup.now() }

    init(_ setup: Setup) throws {
        self.setup = setup
        cache = try WorkerCache(path: setup.cachePath, storeID: setup.store.storeID, name: setup.cacheName)
        logPace = LogPace(secondsMax: setup.logGatheringSeconds)
        nextSeal = setup.now()
        nextScrub = setup.now().advanced(bySeconds: setup.scrubSeconds)
        if let reason = cache.rebuiltReason {
            setup.logger.warning(
                "cache is built anew", metadata: ["cache": "\(setup.cachePath)", "reason": "\(reason)"])
        }
        do {
            try restore()
        } catch CacheError.corrupt(let reason) {
            try rebuildCache(reason)
        }
    }

    /// Does a little of everything there is to do; false if there was nothing. A damaged cache is built anew.
    func round(_ requests: [WorkerRequest]) throws -> Bool {
        self.requests += requests
        do {
            guard try isBack() else { return false }
            try reconcile()
            while !self.requests.isEmpty { try answer(self.requests.removeFirst()) }
            var isBusy = try tailLog()
            isBusy = try findTouchedByGeofences() || isBusy
            isBusy = try synchroniseSome() || isBusy
            isBusy = try runJobs() || isBusy
            isBusy = try sealSome() || isBusy
            isBusy = try expireSome() || isBusy
            try compactAssets()
            try pruneVersions()
            try trimFeeds()
            try scrub()
            if !isBusy { try coolSome() }
            return isBusy
        } catch {
            return try setBackAfterFailure(error)
        }
    }

    /// Lets versions of intervals go that are older than is promised; one worker does it for all.
    private func pruneVersions() throws {
        guard setup.index == 0, now >= nextPruning else { return }
        nextPruning = now.advanced(bySeconds: Self.pruningSeconds)
        _ = try store.pruneVersions(before: now.advanced(bySeconds: -Self.versionsSeconds))
    }

    /// Lets superseded rows of the feed go, each slot once a day: the clock says which slot's turn it is.
    private func trimFeeds() throws {
        let count = setup.slots.count
        let turn = Int(now.microseconds / (86_400_000_000 / Int64(max(1, count))))
        guard count > 0, turn >= 0, turn != trimTurn else { return }
        trimTurn = turn
        let slot = setup.slots.slots[turn % count]
        _ = try store.trimFeed(
            slot: slot, epoch: setup.epochs[slot] ?? 0, before: now.advanced(bySeconds: -Self.feedSeconds))
    }

    /// Nanoseconds that the calling thread has used of a processor.
    static func threadProcessorTime() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    func secondsToWait() -> Double {
        let moments = [due.first, nextSeal, nextCooling, replayMoment, logMoment]
        let deadlines = outage.map { [$0.until] } ?? moments.compactMap { $0 }
        let wait = deadlines.map { Double($0.microseconds - now.microseconds) / 1e6 }.min() ?? Self.sleepSecondsMax
        // While replays are paused, what waits for one is looked at time and again.
        let least = setup.replays.settings.isPaused ? 0.05 : 0.0005
        return max(least, min(wait, Self.sleepSecondsMax))
    }

    /// What cannot be done because the worker has to begin anew is refused: nobody waits for ever.
    private func answer(_ request: WorkerRequest) throws {
        do {
            switch request {
            case .recalculate(let key, let range):
                try invalidate(key, Invalidation(range: range, since: now, due: now, cause: "request"))
            case .setFields(let change): try setFields(change)
            case .decideJob(let change): try decide(change)
            }
        } catch {
            request.refuse(error as? StoreError ?? .database("\(error)"))
            throw error
        }
    }

    /// Starts from an empty cache: every device is copied from the primary store again.
    func rebuildCache(_ reason: String) throws {
        setup.logger.error(
            "cache does not fit or is damaged, and is built anew",
            metadata: ["cache": "\(setup.cachePath)", "reason": "\(reason)"])
        WorkerCache.delete(path: setup.cachePath)
        cache = try WorkerCache(path: setup.cachePath, storeID: store.storeID, name: setup.cacheName)
        forget()
        try restore()
    }
}

/// A device that has assignments.
struct DeviceWork {
    var sync = SyncState.unsynced
    /// What of it is in the cache; nil while it is unsynced.
    var cached: CachedDevice?
    var keys: [AssignmentKey] = []
}

/// An assignment as its worker sees it.
struct AssignmentWork {
    var cached: CachedAssignment
    var pending = InvalidationList()
    /// What waits with a job that is held.
    var held: [Invalidation] = []
    var isEnabled = true
    /// The earliest moment for which it stands in the queue.
    var queuedFor: Timestamp?
    /// Why it cannot be calculated.
    var failure: String?
    /// What people have added to its intervals; nil until it is asked for.
    var customFields: [IntervalFields]?
    /// Whether a push failed that may have been written all the same, so that others are held than is known here.
    var isUncertain = false
}

/// A job under way.
struct RunningJob {
    var job: RecalculationJob
    /// What it calculates; pending again if it fails.
    var taken: [Invalidation]
    /// The log position it takes into account.
    var position: Int64
    var calculatorRevision: Int64
    var deviceRevision: Int64
    var started: Timestamp
    /// Whether it calculates a whole history.
    var isReplay: Bool { taken.contains { $0.range.lower <= .distantPast } }
    /// Processor time used so far, nanoseconds.
    var nanoseconds: UInt64 = 0
}
