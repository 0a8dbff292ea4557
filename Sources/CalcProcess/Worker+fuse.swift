import LocalCache
import Logging
import PrimaryStore
import Recalculation
import Telemetry

/// Counts what a job would make vanish.
///
/// Merges, splits and shifts leave something where an interval was; only those in whose place nothing is left count.
struct Fuse: Equatable {
    /// So many may vanish whatever their share.
    static let vanishedCountMax = 20

    /// The closed intervals that were held in the job's regions and are not frozen.
    var closedCount = 0
    /// Those of them in whose place there is nothing now.
    var vanishedCount = 0

    init(held: [HeldInterval], deleted: [HeldInterval], calculated: [Interval], horizon: Timestamp) {
        closedCount = held.count { !$0.isActive && $0.end >= horizon }
        guard deleted.count > Self.vanishedCountMax else { return }
        let places = Places(calculated.map { Self.stretch($0.begin, $0.end) })
        vanishedCount = deleted.count { !$0.isActive && !places.overlap(Self.stretch($0.begin, $0.end)) }
    }

    /// Whether more vanish than a change of messages makes likely.
    var isBlown: Bool { vanishedCount > Self.vanishedCountMax && vanishedCount * 10 > closedCount }

    /// What an interval covers: neighbours that share a border do not overlap, and one of no length covers its moment.
    private static func stretch(_ begin: Timestamp, _ end: Timestamp) -> TimeRange {
        TimeRange(lower: begin, upper: max(end, Timestamp(microseconds: begin.microseconds + 1)))
    }

    /// Ranges that can be asked what they overlap.
    private struct Places {
        private var lowers: [Timestamp] = []
        /// The greatest upper bound up to each.
        private var uppers: [Timestamp] = []

        init(_ ranges: [TimeRange]) {
            for range in ranges.sorted(by: { $0.lower < $1.lower }) {
                lowers.append(range.lower)
                uppers.append(max(uppers.last ?? range.upper, range.upper))
            }
        }

        func overlap(_ range: TimeRange) -> Bool {
            var low = 0
            var high = lowers.count
            while low < high {
                let middle = (low + high) / 2
                if lowers[middle] < range.upper { low = middle + 1 } else { high = middle }
            }
            return low > 0 && uppers[low - 1] > range.lower
        }
    }
}

/// What somebody decides about a job that is held, on its way to the worker that owns the device.
struct JobDecision: Sendable {
    var key: AssignmentKey
    var id: Int64
    /// Whether its differences are to be applied; else the intervals stay as they are.
    var isReleased: Bool
    /// Called once, from the worker's thread.
    var reply: @Sendable (Result<JobRecord, StoreError>) -> Void
}

// MARK: - Holding

extension Worker {
    /// Whether a job would make too much vanish without a change of configuration.
    func isTooMuch(_ job: RunningJob, _ comparison: Comparison) throws(StoreError) -> Bool {
        guard comparison.diff.deleted.count > Fuse.vanishedCountMax,
            !job.taken.contains(where: \.isConfigured)
        else { return false }
        let fuse = Fuse(
            held: comparison.held, deleted: comparison.diff.deleted,
            calculated: job.job.outcome.intervals.map(\.interval),
            horizon: assignments[job.job.key]?.cached.horizon ?? .distantPast)
        guard fuse.isBlown else { return false }
        return try !isConfigured(job)
    }

    /// Whether its intervals were calculated under another configuration than the job: then a change of it waited for
    /// a message, or its invalidation was lost with the cache.
    private func isConfigured(_ job: RunningJob) throws(StoreError) -> Bool {
        let marks: AssignmentMarks
        do throws(StoreError) {
            guard let record = try store.assignment(job.job.key) else { return false }
            marks = record.marks
        } catch .corrupt { return false }
        let readsDevice = assignments[job.job.key]?.cached.deviceDigest != 0
        return marks.calculatorRevision != job.calculatorRevision
            || readsDevice && marks.deviceRevision != job.deviceRevision
    }

    /// Writes a job into the ledger instead of applying it, and keeps what it calculated pending for whoever decides.
    ///
    /// Its states are saved: they are what the messages give, whatever is decided, so that a discarded job is not met
    /// again with the next message. What is held covers all that they stand for.
    func hold(_ job: RunningJob, _ comparison: Comparison) throws {
        let key = job.job.key
        var record = ledger(of: job)
        record.outcome = .held
        record.createdCount = comparison.diff.written.count { $0.held == nil }
        record.updatedCount = comparison.diff.written.count - record.createdCount
        record.deletedCount = comparison.diff.deleted.count
        let slot = Slot(device: key.device)
        do throws(StoreError) {
            heldJobs[key] = try store.hold(record, slot: slot, epoch: setup.epochs[slot] ?? 0)
        } catch {
            return try repeatLater(job, error)
        }
        running[key] = nil
        assignments[key]?.held = Self.held(job)
        try cache.transaction { try settleStates(job) }
        setup.board.count { $0.jobsHeld += 1 }
        setup.logger.warning(
            "job is held: too many intervals would vanish",
            metadata: [
                "calculator": "\(key.calculator)", "device": "\(key.device)", "job": "\(heldJobs[key] ?? 0)",
                "deleted": "\(record.deletedCount)", "cause": "\(record.cause)",
            ])
        publish([key])
    }

    /// What a job took and all that it calculated, as ranges that wait for a decision.
    private static func held(_ job: RunningJob) -> [Invalidation] {
        var list = InvalidationList()
        for invalidation in job.taken { list.add(invalidation) }
        guard let first = job.taken.min(by: { $0.since < $1.since }) else { return [] }
        for region in job.job.outcome.regions where !region.isEmpty {
            list.add(Invalidation(range: region, since: first.since, due: first.due, cause: first.cause))
        }
        return list.take().map { item in
            var item = item
            item.isHeld = true
            return item
        }
    }
}

// MARK: - Deciding

extension Worker {
    /// Applies what somebody decided about a held job: in the ledger first, so that a crash between the two finds it
    /// there.
    func decide(_ change: JobDecision) throws {
        let slot = Slot(device: change.key.device)
        let record: JobRecord
        do throws(StoreError) {
            record = try store.decide(
                job: change.id, change.isReleased ? .released : .discarded, slot: slot, epoch: setup.epochs[slot] ?? 0)
        } catch {
            return change.reply(.failure(error))
        }
        if heldJobs[change.key] == change.id { try apply(change) }
        change.reply(.success(record))
    }

    private func apply(_ change: JobDecision) throws(CacheError) {
        heldJobs[change.key] = nil
        if change.isReleased { takeBack(change.key, isConfigured: true) } else { assignments[change.key]?.held = [] }
        try cache.transaction { try storePending(change.key) }
        schedule(change.key)
        publish([change.key])
    }

    /// Makes what is held of an assignment pending like everything else.
    func takeBack(_ key: AssignmentKey, isConfigured: Bool) {
        guard let held = assignments[key]?.held, !held.isEmpty else { return }
        assignments[key]?.held = []
        for var invalidation in held {
            invalidation.isHeld = false
            invalidation.isConfigured = invalidation.isConfigured || isConfigured
            invalidation.due = min(invalidation.due, now)
            assignments[key]?.pending.add(invalidation)
        }
    }

    /// Says in the ledger that a held job of an assignment is answered by a later one that was applied.
    func supersedeHeldJob(of key: AssignmentKey) throws {
        guard let id = heldJobs[key] else { return }
        let slot = Slot(device: key.device)
        do throws(StoreError) {
            _ = try store.decide(job: id, .superseded, slot: slot, epoch: setup.epochs[slot] ?? 0)
            heldJobs[key] = nil
        } catch {
            switch error {
            case .fenced, .failed, .notWritable: throw error
            case _ where error.isRetryable:
                // The next job of the assignment says it.
                setup.logger.error("held job cannot be superseded", metadata: ["error": "\(error)"])
            default: heldJobs[key] = nil
            }
        }
    }

    /// Learns from the ledger which jobs are held, and what was decided of those that the cache still takes for held.
    func restoreHeldJobs() throws {
        heldJobs = [:]
        for job in try store.heldJobs() where setup.slots.contains(Slot(device: job.key.device)) {
            heldJobs[job.key] = job.id
        }
        for key in assignments.keys.sorted() where heldJobs[key] == nil && assignments[key]?.held.isEmpty == false {
            // Nothing of it was started since, so that the last job of the ledger is the one that was held.
            switch try store.jobs(key, countMax: 1).first?.outcome {
            case .discarded: assignments[key]?.held = []
            case .released: takeBack(key, isConfigured: true)
            default: takeBack(key, isConfigured: false)
            }
            try cache.transaction { try storePending(key) }
        }
    }
}
