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
        var now: @Sendable () -> Timestamp
        var logger: Logger
    }

    /// Messages that one job reads before the worker looks around.
    static let sliceMessageCount = 50_000
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
    /// The longest sleep, seconds.
    static let sleepSecondsMax = 1.0

    let setup: Setup
    var cache: WorkerCache
    var position: Int64 = 0
    var picture = RegistryPicture()
    /// The slots whose log is read: this worker's own, and those of devices that stand for its assets.
    var watchedSlots = SlotSet()
    var devices: [DeviceID: DeviceWork] = [:]
    var assignments: [AssignmentKey: AssignmentWork] = [:]
    var unsynced: [DeviceID] = []
    /// Devices that could not be copied, and when that is tried again.
    var setBackUntil: [DeviceID: Timestamp] = [:]
    /// Assignments whose whole history waits to be calculated.
    var replays: [AssignmentKey] = []
    /// The geofences of each calculator before the change of the registry that is being taken up.
    var geofencesBefore: [CalculatorID: GeofenceSet] = [:]
    var due = DueQueue()
    var running: [AssignmentKey: RunningJob] = [:]
    /// Assignments that wait until what they read is calculated.
    var waitingForSources: Set<AssignmentKey> = []
    /// Assignments whose geofences have changed, and how those were before; what they touch is to be found.
    var geofenceChanges: [AssignmentKey: GeofenceSet] = [:]
    var nextSeal: Timestamp
    var nextCompaction = Timestamp.distantPast
    var nextPruning = Timestamp.distantPast
    /// When the log rows of a device that wait to be sealed were first seen.
    var waitingSince: [DeviceID: Timestamp] = [:]

    var store: any PrimaryStore { setup.store }
    var now: Timestamp { setup.now() }

    init(_ setup: Setup) throws {
        self.setup = setup
        cache = try WorkerCache(path: setup.cachePath, storeID: setup.store.storeID)
        nextSeal = setup.now()
        do {
            try restore()
        } catch CacheError.corrupt(let reason) {
            try rebuildCache(reason)
        }
    }

    /// Works until it is stopped.
    func run(_ handle: WorkerHandle) throws {
        while !handle.isStopping {
            let isBusy = try round(handle.takeRequests())
            if !isBusy { handle.sleep(seconds: secondsToWait()) }
        }
    }

    /// Does a little of everything there is to do; false if there was nothing. A damaged cache is built anew.
    func round(_ requests: [WorkerRequest]) throws -> Bool {
        do {
            try reconcile()
            for request in requests { try answer(request) }
            var isBusy = try tailLog()
            isBusy = try findTouchedByGeofences() || isBusy
            isBusy = try synchroniseSome() || isBusy
            isBusy = try runJobs() || isBusy
            isBusy = try sealSome() || isBusy
            try compactAssets()
            try pruneVersions()
            return isBusy
        } catch CacheError.corrupt(let reason) {
            try rebuildCache(reason)
            return true
        }
    }

    /// Lets versions of intervals go that are older than is promised; one worker does it for all.
    private func pruneVersions() throws {
        guard setup.index == 0, now >= nextPruning else { return }
        nextPruning = now.advanced(bySeconds: Self.pruningSeconds)
        _ = try store.pruneVersions(before: now.advanced(bySeconds: -Self.versionsSeconds))
    }

    private func secondsToWait() -> Double {
        let deadlines = [due.first, nextSeal].compactMap { $0 }
        let wait = deadlines.map { Double($0.microseconds - now.microseconds) / 1e6 }.min() ?? Self.sleepSecondsMax
        return max(0.0005, min(wait, Self.sleepSecondsMax))
    }

    private func answer(_ request: WorkerRequest) throws {
        switch request {
        case .recalculate(let key, let range):
            try invalidate(key, Invalidation(range: range, since: now, due: now, cause: "request"))
        case .setFields(let change): try setFields(change)
        }
    }

    /// Starts from an empty cache: every device is copied from the primary store again.
    private func rebuildCache(_ reason: String) throws {
        setup.logger.error(
            "cache does not fit or is damaged, and is built anew",
            metadata: ["cache": "\(setup.cachePath)", "reason": "\(reason)"])
        WorkerCache.delete(path: setup.cachePath)
        cache = try WorkerCache(path: setup.cachePath, storeID: store.storeID)
        devices = [:]
        assignments = [:]
        unsynced = []
        due = DueQueue()
        running = [:]
        waitingForSources = []
        geofenceChanges = [:]
        replays = []
        setBackUntil = [:]
        picture = RegistryPicture()
        position = 0
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
    var isEnabled = true
    /// The earliest moment for which it stands in the queue.
    var queuedFor: Timestamp?
    /// Why it cannot be calculated.
    var failure: String?
    /// What people have added to its intervals; nil until it is asked for.
    var customFields: [IntervalFields]?
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
