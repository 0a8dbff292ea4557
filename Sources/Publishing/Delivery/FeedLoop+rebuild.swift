import PrimaryStore
import Telemetry

/// A slot delivered from its intervals as they are, page by page, instead of from the feed.
///
/// Each page replaces what the sink has of it, so that readers see whole rows throughout. What changes meanwhile is in
/// the feed after the revision that the slot had before its first page, and is delivered afterwards.
extension FeedLoop {
    /// Delivers the next page, or the end of a slot.
    func rebuild() throws(DeliveryFailure) {
        guard var slice = try presentSlice() else { return }
        board.updateFeed {
            $0.set(.rebuilding(done: rebuilds.doneCount, total: rebuilds.totalCount), at: now())
        }
        let runs: [IntervalRun]
        do {
            runs = try page(&slice)
        } catch .corrupt(let reason) {
            rebuilds.beginAgain()
            return isDamaged(slice.slot, reason)
        } catch { throw .store(error) }
        if !runs.isEmpty {
            if !registry.covers(runs) { try applyRegistry() }
            let receipt = try deliver { () throws(SinkError) in
                try sink.apply(runs, slot: slice.slot, revision: slice.revision)
            }
            note(receipt)
        }
        if slice.present == nil { try finish(slice) } else { rebuilds.slice = slice }
    }

    private func finish(_ slice: RebuildQueue.Slice) throws(DeliveryFailure) {
        try deliver { () throws(SinkError) in
            try sink.finishRuns(slot: slice.slot, revision: slice.revision, assignments: slice.assignments)
        }
        cursors?[slice.slot] = slice.revision
        rebuilds.finish(slice.slot)
    }

    /// The slot at hand, or the next one, begun.
    private func presentSlice() throws(DeliveryFailure) -> RebuildQueue.Slice? {
        if let slice = rebuilds.slice { return slice }
        guard let slot = rebuilds.next(except: damagedSlots) else { return nil }
        // In this order: an assignment with rows up to the revision is in the registry, or gone since.
        let revision = try fetch { () throws(StoreError) in try store.slotRevisions() }[Int(slot.rawValue)]
        let snapshot = try fetch { () throws(StoreError) in try store.registry() }
        if snapshot.revision != registry.revision { try apply(snapshot) }
        let keys = snapshot.assignments.map(\.key).filter { Slot(device: $0.device) == slot }
        return RebuildQueue.Slice(slot: slot, revision: revision, assignments: keys)
    }

    /// Reads runs of intervals until a delivery is full.
    private func page(_ slice: inout RebuildQueue.Slice) throws(StoreError) -> [IntervalRun] {
        var runs: [IntervalRun] = []
        var (countLeft, bytesLeft) = (limits.rowCountMax, limits.byteCountMax)
        while let key = slice.present, countLeft > 0, bytesLeft > 0, runs.count < limits.rowCountMax {
            let intervals = try store.intervals(
                key, after: slice.afterID, countMax: countLeft, byteCountMax: bytesLeft)
            countLeft -= intervals.count
            bytesLeft -= intervals.reduce(0) { $0 + $1.json.count }
            let last = intervals.last?.id ?? slice.afterID
            let isLast = try store.intervals(key, after: last, countMax: 1, byteCountMax: 1).isEmpty
            runs.append(
                IntervalRun(
                    key: key, after: slice.afterID, upTo: isLast ? IntervalRun.upToMax : last, intervals: intervals))
            if isLast { slice.finishAssignment() } else { slice.afterID = last }
            if !isLast { break }
        }
        return runs
    }
}
