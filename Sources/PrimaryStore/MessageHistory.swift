import MessageChunks
import Telemetry

/// Reads the messages of a device as the primary store holds them: archive chunks and the log behind them, merged, from
/// the device's horizon on.
package struct MessageHistory: Sendable {
    private let store: any PrimaryStore

    package init(store: any PrimaryStore) { self.store = store }

    /// The messages of a range in blocks of one chunk at most, each sorted and without duplicates, in the order of time
    /// (or the latest block first). The body returns false to stop.
    ///
    /// Where a chunk was set apart, since its bytes are not what was written, the range cannot be answered and the
    /// error names it; `passesOverDamage` leaves its messages out.
    package func forEachBlock(
        device: DeviceID, range: TimeRange, isReversed: Bool = false, passesOverDamage: Bool = false,
        _ body: (MessageBatch) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let range = TimeRange(lower: max(range.lower, try store.horizon(device: device)), upper: range.upper)
        guard !range.isEmpty else { return }
        if !passesOverDamage { try refuseDamage(device, range) }
        // The log is read first: what is sealed in between is then in both, and merging takes it once.
        var tail = try logTail(device: device, range: range)
        var isStopped = false
        try store.forEachArchivedChunk(device: device, overlapping: range, isReversed: isReversed) {
            chunk throws(StoreError) in
            let stored = try Self.decode(chunk, device: device)
            let border = isReversed ? tail.firstRow(at: chunk.first) : tail.firstRow(after: chunk.last)
            let beside = isReversed ? tail.slice(border..<tail.count) : tail.slice(0..<border)
            tail = isReversed ? tail.slice(0..<border) : tail.slice(border..<tail.count)
            let block = stored.merged(with: beside).clipped(to: range)
            if !block.isEmpty { isStopped = try !body(block) }
            return !isStopped
        }
        if !isStopped, !tail.isEmpty { _ = try body(tail) }
    }

    /// The latest value of each parameter with its time, latitude and longitude together.
    package func telemetry(device: DeviceID) throws(StoreError) -> [ParameterID: (moment: Timestamp, value: Value)] {
        var latest: [ParameterID: (moment: Timestamp, value: Value)] = [:]
        var blocksLeft = Self.telemetryBlocksMax
        try forEachBlock(
            device: device, range: .all, isReversed: true, passesOverDamage: true
        ) { block throws(StoreError) in
            for column in block.columns where latest[column.parameter] == nil {
                guard let row = (0..<block.count).last(where: { column.values.kind($0) != .absent }),
                    let value = column.values[row]
                else { continue }
                latest[column.parameter] = (Timestamp(microseconds: block.timestamps[row]), value)
            }
            blocksLeft -= 1
            return blocksLeft > 0
        }
        return latest
    }

    /// How many blocks back the latest values are looked for: a parameter silent for longer has none.
    package static let telemetryBlocksMax = 62

    private func refuseDamage(_ device: DeviceID, _ range: TimeRange) throws(StoreError) {
        for chunk in try store.damagedChunks(device: nil) where chunk.device == device && chunk.since != nil {
            guard chunk.first < range.upper, chunk.last >= range.lower else { continue }
            throw .corrupt(
                "chunk of device \(device) from \(chunk.first.seconds) to \(chunk.last.seconds): \(chunk.reason)")
        }
    }

    /// The messages of the log that lie in a range, sorted.
    private func logTail(device: DeviceID, range: TimeRange) throws(StoreError) -> MessageBatch {
        var parts: [MessageBatch] = []
        var position: Int64 = 0
        while true {
            let page = try store.readLog(device: device, after: position)
            for entry in page.entries { parts.append(try entry.batch().clippedUnsorted(to: range)) }
            position = page.reached
            guard page.isCut else { return MessageBatch.joined(parts).sorted() }
        }
    }

    package static func decode(_ chunk: ArchivedChunk, device: DeviceID) throws(StoreError) -> MessageBatch {
        do throws(ChunkError) {
            return try MessageChunk(chunk.bytes).batch()
        } catch {
            throw .corrupt("chunk of device \(device) at \(chunk.first.seconds): \(error)")
        }
    }
}

extension MessageBatch {
    /// The rows of a sorted batch that lie in a range.
    package func clipped(to range: TimeRange) -> MessageBatch {
        slice(firstRow(at: range.lower)..<max(firstRow(at: range.lower), firstRow(at: range.upper)))
    }

    /// The rows of any batch that lie in a range.
    package func clippedUnsorted(to range: TimeRange) -> MessageBatch {
        let rows = timestamps.indices.filter { range.contains(Timestamp(microseconds: timestamps[$0])) }
        return rows.count == count ? self : gather(rows)
    }

    /// The index of the first row after a moment; the batch must be sorted.
    package func firstRow(after moment: Timestamp) -> Int {
        firstRow(at: Timestamp(microseconds: moment.microseconds + 1))
    }
}
