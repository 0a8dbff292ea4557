import LocalCache
import PrimaryStore
import Recalculation
import Telemetry

extension Worker {
    /// Starts some of the replays that wait, in the order in which they came.
    func startReplays(_ moment: Timestamp) throws {
        guard !setup.replays.settings.isPaused else { return forgetRepeatedReplays() }
        var room = Self.replaysMax - running.values.count { $0.isReplay }
        var taken = 0
        for key in replays {
            guard room > 0 else { break }
            taken += 1
            if waitsForSource(key, moment) { continue }
            guard running[key] == nil, assignments[key]?.isEnabled == true,
                let pendingDue = assignments[key]?.pending.due, pendingDue <= moment
            else { continue }
            try start(key)
            noteReplays([key])
            room -= 1
        }
        replays.removeFirst(taken)
    }

    /// An assignment that is edited time and again while replays are paused waits only once.
    private func forgetRepeatedReplays() {
        guard replays.count > assignments.count else { return }
        var known: Set<AssignmentKey> = []
        replays = replays.filter { known.insert($0).inserted }[...]
    }

    /// Works on the replays under way within their share, and pushes what has finished; false if it did not.
    func workOnReplays() throws -> Bool {
        let keys = running.filter { $0.value.isReplay }.keys.sorted()
        guard !keys.isEmpty, replayWait == 0 else { return false }
        let start = setup.processorTime()
        var finished: [RunningJob] = []
        for key in keys where setup.processorTime() - start < Self.replayNanosecondsMax {
            let before = running[key]?.job.outcome.messageCount ?? 0
            let job = try work(on: key)
            let after = (job ?? running[key])?.job.outcome.messageCount ?? before
            setup.board.countReplayed(after - before, of: key.calculator, at: now)
            if let job { finished.append(job) }
        }
        try push(finished)
        let end = setup.processorTime()
        replayThrottle.note(end - start, processor: end, now: now)
        return true
    }

    /// Nanoseconds until replays under way may go on; nil while they are paused.
    private var replayWait: UInt64? {
        let settings = setup.replays.settings
        guard !settings.isPaused else { return nil }
        return replayThrottle.wait(share: settings.share, processor: setup.processorTime(), now: now)
    }

    /// The moment at which replays under way may go on; nil if there are none or nobody knows.
    var replayMoment: Timestamp? {
        guard running.values.contains(where: { $0.isReplay }), let wait = replayWait else { return nil }
        return now.advanced(bySeconds: Double(wait) / 1e9)
    }

    /// Says on the board how the whole histories of assignments stand.
    func noteReplays(_ keys: some Sequence<AssignmentKey>) {
        setup.board.noteReplays(keys.map { ($0, replayStanding(of: $0)) }, at: now)
    }

    private func replayStanding(of key: AssignmentKey) -> ReplayTally.Standing {
        if running[key]?.isReplay == true { return .running }
        guard let work = assignments[key], work.isEnabled else { return .none }
        if work.pending.items.contains(where: { $0.range.lower <= .distantPast }) { return .waiting }
        return work.failure == nil ? .done : .none
    }
}
