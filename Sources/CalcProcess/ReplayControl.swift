import PrimaryStore
import Synchronization
import Telemetry

/// How replays, which are jobs over a whole history, are to be worked on.
package struct ReplaySettings: Sendable, Hashable {
    /// None is begun, and those under way keep their place.
    package var isPaused = false
    /// The part of each worker's time that they may take, 0.05 to 1.
    package var share = 1.0

    package init(isPaused: Bool = false, share: Double = 1) {
        self.isPaused = isPaused
        self.share = share
    }

    package static let shares = 0.05...1.0
}

/// The settings that hold now, for all workers of a process.
final class ReplayControl: Sendable {
    private let current: Mutex<ReplaySettings>

    init(_ settings: ReplaySettings = ReplaySettings()) { current = Mutex(settings) }

    var settings: ReplaySettings {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}

extension ReplaySettings {
    private static let pausedName = "replay.paused"
    private static let shareName = "replay.share"

    /// As they were last set; what cannot be read is as if it had not been set.
    init(_ store: any PrimaryStore) throws(StoreError) {
        let values = try store.settings()
        isPaused = values[Self.pausedName] == "true"
        let share = values[Self.shareName].flatMap(Double.init) ?? 1
        self.share = Self.shares.contains(share) ? share : 1
    }

    /// Stores what differs from other settings.
    func write(to store: any PrimaryStore, replacing old: ReplaySettings) throws(StoreError) {
        if isPaused != old.isPaused { try store.setSetting(Self.pausedName, isPaused ? "true" : "false") }
        if share != old.share { try store.setSetting(Self.shareName, "\(share)") }
    }
}

/// Replays as they stand.
package struct ReplayStatus: Sendable, Hashable {
    package var isPaused: Bool
    package var share: Double
    /// By calculator; one whose replays have ended stays for a while.
    package var progress: [ReplayProgress]

    package init(isPaused: Bool, share: Double, progress: [ReplayProgress]) {
        self.isPaused = isPaused
        self.share = share
        self.progress = progress
    }
}

/// How far the replays of one calculator are.
package struct ReplayProgress: Sendable, Hashable {
    package var calculator: CalculatorID
    /// Devices whose whole history is calculated in this batch of replays, and how many of them are done.
    package var total: Int
    package var done: Int
    package var running: Int
    /// Messages evaluated, those of jobs that were given up too.
    package var messages: Int64
    /// Over the last seconds.
    package var messagesPerSecond: Double
    /// Nil while nothing tells.
    package var secondsLeft: Double?
    package var since: Timestamp
    /// When the last one ended; nil while one waits or runs.
    package var ended: Timestamp?

    package init(
        calculator: CalculatorID, total: Int, done: Int, running: Int, messages: Int64, messagesPerSecond: Double,
        secondsLeft: Double?, since: Timestamp, ended: Timestamp?
    ) {
        self.calculator = calculator
        self.total = total
        self.done = done
        self.running = running
        self.messages = messages
        self.messagesPerSecond = messagesPerSecond
        self.secondsLeft = secondsLeft
        self.since = since
        self.ended = ended
    }
}

/// Holds the replays of a worker to their share: after they have run for a time, other work and rest have theirs.
struct ReplayThrottle {
    private var spent: UInt64 = 0
    private var processorMark: UInt64 = 0
    private var wallMark = Timestamp.distantPast

    /// Notes that replays have just run for some nanoseconds.
    mutating func note(_ nanoseconds: UInt64, processor: UInt64, now: Timestamp) {
        spent = nanoseconds
        processorMark = processor
        wallMark = now
    }

    /// Nanoseconds until they may run again; 0 if they may now.
    func wait(share: Double, processor: UInt64, now: Timestamp) -> UInt64 {
        let owed = Double(spent) * (1 - share) / share
        // Other work shows in the processor's time, rest only on the wall clock.
        let worked = Double(processor > processorMark ? processor - processorMark : 0)
        let passed = Double(now.microseconds &- wallMark.microseconds) * 1e3
        return UInt64(max(0, owed - max(worked, passed)).rounded(.up))
    }
}
