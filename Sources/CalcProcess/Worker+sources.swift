import Calculators
import Evaluation
import LocalCache
import PrimaryStore
import Recalculation
import Telemetry

extension Worker {
    /// Makes ranges pending for all that read the intervals of an assignment, in the transaction that is open.
    ///
    /// What vanished there has passed the fuse, so that what vanishes here because of it is no surprise.
    func invalidateDependants(of key: AssignmentKey, _ ranges: [TimeRange], cause: String) throws {
        guard !ranges.isEmpty, let calculators = picture.dependants[key.calculator] else { return }
        var touched: [AssignmentKey] = []
        for calculator in calculators {
            let dependant = AssignmentKey(calculator: calculator, device: key.device)
            guard assignments[dependant] != nil, devices[key.device]?.sync == .synced else { continue }
            let delay = picture.calculators[calculator]?.calculator.updateInterval ?? 0
            for var range in ranges {
                // An interval that stands for a message moves those that end together with it.
                range.upper = Timestamp(microseconds: range.upper.microseconds + SourceMessages.reachMicroseconds)
                assignments[dependant]?.pending.add(
                    Invalidation(
                        range: range, since: now, due: now.advanced(bySeconds: delay), cause: cause,
                        isConfigured: true))
            }
            try storePending(dependant)
            schedule(dependant)
            touched.append(dependant)
        }
        publish(touched)
    }

    /// Whether what an assignment reads is being calculated, or is due to be: it is put aside until that is done.
    func waitsForSource(_ key: AssignmentKey, _ moment: Timestamp) -> Bool {
        guard let sources = picture.calculators[key.calculator]?.calculator.sources, !sources.isEmpty else {
            return false
        }
        let isWaiting = sources.contains { calculator in
            let source = AssignmentKey(calculator: calculator, device: key.device)
            // One that cannot be calculated, or waits for somebody to decide, is read as it is.
            guard let work = assignments[source], work.isEnabled, work.failure == nil, work.held.isEmpty else {
                return false
            }
            return running[source] != nil || work.pending.due.map { $0 <= moment } ?? false
        }
        if isWaiting { waitingForSources.insert(key) }
        return isWaiting
    }

    /// Puts what waited for other calculators into the queue again.
    func stopWaitingForSources() {
        let keys = waitingForSources.sorted()
        waitingForSources = []
        for key in keys {
            assignments[key]?.queuedFor = nil
            schedule(key)
        }
    }

    /// Reads the intervals of other calculators on a device from the primary store, as they are now: what changes
    /// while a job runs is pending again once it is pushed.
    func sourceReader(_ device: DeviceID) -> SourceReader {
        let store = store
        let calculators = picture.calculators
        return SourceReader { calculator, range in
            let key = AssignmentKey(calculator: calculator, device: device)
            guard let names = calculators[calculator]?.calculator.counters.map(\.name) else { return [] }
            return try store.intervals(key, IntervalQuery(range: range)).map { Interval($0, counters: Set(names)) }
        }
    }
}

extension IntervalDiff {
    /// Where intervals have changed: as they were and as they are.
    var ranges: [TimeRange] {
        let gone = deleted.map { TimeRange(inclusive: $0.begin, $0.end) }
        let changed = written.map { written in
            let new = TimeRange(inclusive: written.new.interval.begin, written.new.interval.end)
            return written.held.map { new.union(TimeRange(inclusive: $0.begin, $0.end)) } ?? new
        }
        return gone + changed
    }
}
