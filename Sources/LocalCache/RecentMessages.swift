import MessageChunks
import SQLiteClient
import Telemetry

/// The messages of a device about one chunk as a job read them last, chunk and tail merged.
///
/// Where late messages come one after the other, the next job reads the same chunk with one message more. The totals of
/// the rows tell whether they are still those that this was read from.
struct RecentMessages {
    /// More messages than this are not kept.
    static let countMax = 8_192

    let device: DeviceID
    let chunk: CachedChunk
    /// The parameters that were decoded; nil: all of them.
    let parameters: [ParameterID]?
    /// All messages after it are here, up to the end of the chunk.
    let moment: Timestamp
    /// Sorted; the hashes may be made up, as no two messages of one time stand here but with their own.
    var messages: MessageBatch
    var chunks: RowTotal
    var tail: RowTotal
    /// The last row of the tail that was looked at.
    var position: Int64

    var range: TimeRange {
        TimeRange(inclusive: Timestamp(microseconds: moment.microseconds + 1), chunk.last)
    }

    /// Whether none of some messages stands at the time of one of these.
    func hasNone(at times: [Int64]) -> Bool {
        times.allSatisfy { time in
            let row = messages.firstRow(at: Timestamp(microseconds: time))
            return row == messages.count || messages.timestamps[row] != time
        }
    }
}

extension WorkerCache {
    /// The messages of a device after a moment and up to the end of a chunk, what of the tail falls there among them;
    /// nil parameters: with all columns.
    package func messages(
        _ device: DeviceID, in chunk: CachedChunk, after moment: Timestamp, parameters: [ParameterID]?
    ) throws(CacheError) -> MessageBatch {
        try use(device)
        let lower = Timestamp(microseconds: moment.microseconds + 1)
        if let known = try recentMessages(device, chunk, after: moment, parameters) {
            return known.slice(known.firstRow(at: lower)..<known.count)
        }
        let range = TimeRange(inclusive: lower, chunk.last)
        let beside = try tail(device, overlapping: range, parameters: parameters).part(range)
        var batch =
            beside.isEmpty
            ? try sharedChunk(device, first: chunk.first, parameters: parameters)
            : try self.chunk(device, first: chunk.first, parameters: parameters, besides: beside.timestamps)
        if chunk.first <= moment { batch = batch.slice(batch.firstRow(at: lower)..<batch.count) }
        guard !beside.isEmpty else { return batch }
        batch = batch.merged(with: beside)
        keep(batch, device, chunk, after: moment, parameters)
        return batch
    }

    /// Whether it is known without looking into the file that a device has no message at the times of a sorted batch.
    package func lacks(timesOf batch: MessageBatch, _ device: DeviceID) throws(CacheError) -> Bool {
        try use(device)
        guard let recent, recent.device == device, let entry = entries[device], entry.chunks == recent.chunks,
            entry.tail == recent.tail, let range = batch.timeRange, range.lower >= recent.range.lower,
            range.upper <= recent.range.upper
        else { return false }
        return recent.hasNone(at: batch.timestamps)
    }

    private func keep(
        _ batch: MessageBatch, _ device: DeviceID, _ chunk: CachedChunk, after moment: Timestamp,
        _ parameters: [ParameterID]?
    ) {
        guard batch.count <= RecentMessages.countMax, let entry = entries[device], let span = entry.tailSpan else {
            return
        }
        recent = RecentMessages(
            device: device, chunk: chunk, parameters: parameters, moment: moment, messages: batch,
            chunks: entry.chunks, tail: entry.tail, position: span.position)
    }

    /// What was kept of the same messages, with what has come into the tail since; nil if that is not all of them.
    private func recentMessages(
        _ device: DeviceID, _ chunk: CachedChunk, after moment: Timestamp, _ parameters: [ParameterID]?
    ) throws(CacheError) -> MessageBatch? {
        guard let recent, recent.device == device, recent.chunk == chunk, recent.parameters == parameters,
            recent.moment <= moment, let entry = entries[device], entry.chunks == recent.chunks
        else { return nil }
        if entry.tail == recent.tail { return recent.messages }
        self.recent = nil
        guard let extended = try extended(recent, to: entry.tail) else { return nil }
        self.recent = extended
        return extended.messages
    }

    /// With the rows of the tail that have come since; nil if others have gone, or if times are the same, which only
    /// the whole payloads can order.
    private func extended(_ recent: RecentMessages, to tail: RowTotal) throws(CacheError) -> RecentMessages? {
        var recent = recent
        var parts: [MessageBatch] = []
        let range = recent.range
        do {
            let statement = try statement(
                """
                SELECT position, first, last, count, body, crc, data FROM tail WHERE device = ? AND position > ?
                ORDER BY position
                """, recent.device.rawValue, recent.position)
            try statement.forEachRow { row in
                let header = try MessageRow(row, .tail, recent.device)
                recent.tail.add(header.checksum)
                recent.position = header.key
                guard header.first < range.upper.microseconds, header.last >= range.lower.microseconds else { return }
                for chunk in try header.chunks(row, 6) {
                    parts.append(
                        try recent.parameters.map { try chunk.batch(parameters: $0, hashes: true) } ?? chunk.batch())
                }
            }
        } catch { throw CacheError(error) }
        guard recent.tail == tail else { return nil }
        let new = MessageBatch.joined(parts).sorted().part(range)
        guard recent.messages.count + new.count <= RecentMessages.countMax, recent.hasNone(at: new.timestamps) else {
            return nil
        }
        if !new.isEmpty { recent.messages = recent.messages.merged(with: new) }
        return recent
    }
}

extension MessageBatch {
    /// The rows of a sorted batch that lie in a range.
    fileprivate func part(_ range: TimeRange) -> MessageBatch {
        slice(firstRow(at: range.lower)..<max(firstRow(at: range.lower), firstRow(at: range.upper)))
    }
}
