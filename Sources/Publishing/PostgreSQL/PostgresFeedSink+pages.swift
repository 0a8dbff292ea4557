import PostgresClient
import PrimaryStore
import Telemetry

extension PostgresFeedSink {
    package func apply(_ runs: [IntervalRun], slot: Slot, revision: Int64) throws(SinkError) -> DeliveryReceipt {
        refusedRowCount = 0
        return try applyRuns(runs[...], slot, revision)
    }

    package func finishRuns(slot: Slot, revision: Int64, assignments: [AssignmentKey]) throws(SinkError) {
        try link.run { connection throws(PostgresError) in
            try connection.transaction { postgres in
                try Staging.pages(assignments.map { ($0, 0, 0) }, to: postgres)
                link.stepObserver?(.staged)
                try postgres.query(
                    "SELECT odograph.finish_pages($1, $2, $3)", Int16(slot.rawValue), revision, store)
                link.stepObserver?(.applied)
            }
        }
    }

    /// Applies runs; where an interval cannot be taken, divides them until it is alone, and then leaves it out.
    private func applyRuns(
        _ runs: ArraySlice<IntervalRun>, _ slot: Slot, _ revision: Int64
    ) throws(SinkError) -> DeliveryReceipt {
        do throws(LinkFailure) {
            return try applyRunsAtOnce(runs, slot, revision)
        } catch .data(let error) {
            guard let first = runs.first else { throw SinkError(error) }
            if runs.count == 1, first.intervals.count <= 1 {
                guard let interval = first.intervals.first else { throw SinkError(error) }
                try refuse(StagedInterval(interval, first.key, slot: slot, revision: revision), error.description)
                return try applyRuns([first.emptied], slot, revision)
            }
            let (left, right) = runs.count > 1 ? runs.halves : first.halves
            let before = try applyRuns(left, slot, revision)
            return before + (try applyRuns(right, slot, revision))
        } catch { throw error.sinkError }
    }

    private func applyRunsAtOnce(
        _ runs: ArraySlice<IntervalRun>, _ slot: Slot, _ revision: Int64
    ) throws(LinkFailure) -> DeliveryReceipt {
        var staged: [StagedInterval] = []
        for run in runs {
            for interval in run.intervals {
                let row = StagedInterval(interval, run.key, slot: slot, revision: revision)
                if let reason = row.refusal {
                    do throws(SinkError) { try refuse(row, reason) } catch { throw .sink(error) }
                } else {
                    staged.append(row)
                }
            }
        }
        return try link.deliver { connection throws(PostgresError) in
            try connection.transaction { postgres in
                try Staging.pages(runs.map { ($0.key, $0.after, $0.upTo) }, to: postgres)
                try Staging.feed(staged, to: postgres)
                link.stepObserver?(.staged)
                let rows = try postgres.query(
                    "SELECT written, deleted, unchanged FROM odograph.apply_pages($1, $2)", Int16(slot.rawValue), store,
                    as: Int64.self, Int64.self, Int64.self)
                link.stepObserver?(.applied)
                var receipt = DeliveryReceipt()
                if let row = rows.first {
                    (receipt.written, receipt.deleted, receipt.unchanged) = (Int(row.0), Int(row.1), Int(row.2))
                }
                return receipt
            }
        }
    }
}

extension IntervalRun {
    /// The same run without its intervals.
    fileprivate var emptied: IntervalRun { IntervalRun(key: key, after: after, upTo: upTo, intervals: []) }

    /// Two runs that together are this one; it has at least two intervals.
    fileprivate var halves: (ArraySlice<IntervalRun>, ArraySlice<IntervalRun>) {
        let middle = intervals.count / 2
        let border = intervals[middle - 1].id
        let left = IntervalRun(key: key, after: after, upTo: border, intervals: Array(intervals[..<middle]))
        let right = IntervalRun(key: key, after: border, upTo: upTo, intervals: Array(intervals[middle...]))
        return ([left], [right])
    }
}

extension ArraySlice {
    fileprivate var halves: (ArraySlice, ArraySlice) {
        let middle = startIndex + count / 2
        return (self[..<middle], self[middle...])
    }
}
