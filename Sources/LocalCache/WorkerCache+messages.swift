import MessageChunks
import SQLiteClient
import Telemetry

/// Where a chunk of a device stands.
package struct CachedChunk: Sendable, Hashable {
    package var first: Timestamp
    package var last: Timestamp
    package var count: Int

    package init(first: Timestamp, last: Timestamp, count: Int) {
        self.first = first
        self.last = last
        self.count = count
    }
}

// MARK: - Tail

extension WorkerCache {
    /// Adds a batch of the log to a device's tail.
    package func appendTail(_ device: DeviceID, position: Int64, _ batch: MessageBatch) throws(CacheError) {
        guard let range = batch.timeRange else { return }
        let last = Timestamp(microseconds: range.upper.microseconds - 1)
        try appendTail(
            device, position: position, first: range.lower, last: last, count: batch.count, MessageChunk.encode(batch))
    }

    /// The same with messages that are encoded already, as a chunk or as a run of them whose last position it is.
    package func appendTail(
        _ device: DeviceID, position: Int64, first: Timestamp, last: Timestamp, count: Int, _ bytes: [UInt8]
    ) throws(CacheError) {
        try change {
            try use(device)
            let row = MessageRow(
                table: .tail, device: device, key: position, first: first.microseconds, last: last.microseconds,
                count: Int64(count), body: MessageRow.body(of: bytes))
            let statement = try connection.statement("INSERT INTO tail VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            for (index, field) in [device.rawValue, position, row.first, row.last, row.count, row.body, row.checksum]
                .enumerated()
            {
                try statement.bind(Int32(index + 1), field)
            }
            try statement.bind(8, bytes)
            if try !insert(statement) {
                try removeTail(device, .batch, position)
                try statement.run()
            }
            try update(device) { entry in
                if entry.tail.isEmpty {
                    entry.tailSpan = TailSpan(position: position, first: row.first, last: row.last)
                } else {
                    entry.tailSpan?.add(position: position, first: row.first, last: row.last)
                }
                entry.tail.add(row.checksum)
                entry.tailMessageCount += row.count
            }
        }
    }

    /// The messages of a device's tail that may lie in a range, sorted; nil parameters: with all columns.
    package func tail(
        _ device: DeviceID, overlapping range: TimeRange = .all, parameters: [ParameterID]? = nil
    ) throws(CacheError) -> MessageBatch {
        try use(device)
        guard let span = try tailSpan(device), span.first < range.upper.microseconds,
            span.last >= range.lower.microseconds
        else { return MessageBatch.joined([]) }
        var parts: [MessageBatch] = []
        do {
            let statement = try statement(
                """
                SELECT position, first, last, count, body, crc, data FROM tail WHERE device = ? AND first < ?
                ORDER BY position DESC
                """, device.rawValue, range.upper.microseconds)
            try statement.forEachRowWhile { row in
                guard row.int64(2) >= range.lower.microseconds else { return !span.isAscending }
                for chunk in try MessageRow(row, .tail, device).chunks(row, 6).reversed()
                where chunk.firstTimestamp < range.upper && chunk.lastTimestamp >= range.lower {
                    parts.append(
                        try parameters.map { try chunk.batch(parameters: $0, hashes: true) } ?? chunk.batch())
                }
                return true
            }
        } catch { throw CacheError(error) }
        return MessageBatch.joined(parts.reversed()).sorted()
    }

    /// Where to stop if the messages of a device's tail between two moments are more than so many: a moment up to
    /// which there is at least one of them, and about so many; nil if they are not that many, or lie across the second
    /// moment.
    package func tailBorder(
        _ device: DeviceID, after moment: Timestamp, before upper: Timestamp, countMax: Int
    ) throws(CacheError) -> Timestamp? {
        try use(device)
        guard let entry = entries[device], entry.tailMessageCount > countMax else { return nil }
        let rows = try read(
            """
            SELECT position, first, last, count, body, crc FROM tail WHERE device = ? AND last > ? AND first < ?
            ORDER BY last
            """, device.rawValue, moment.microseconds, upper.microseconds
        ) { try MessageRow($0, .tail, device) }
        guard rows.reduce(0, { $0 + $1.count }) > countMax else { return nil }
        var count: Int64 = 0
        let border = rows.first { row in
            count += row.count
            return count >= countMax
        }
        return border.flatMap { $0.last < upper.microseconds ? Timestamp(microseconds: $0.last) : nil }
    }

    /// Where the tail of a device lies; nil if it has none.
    private func tailSpan(_ device: DeviceID) throws(CacheError) -> TailSpan? {
        guard let entry = entries[device], !entry.tail.isEmpty else { return nil }
        if let span = entry.tailSpan { return span }
        let rows = try read(
            "SELECT position, first, last FROM tail WHERE device = ? ORDER BY position", device.rawValue
        ) { (position: $0.int64(0), first: $0.int64(1), last: $0.int64(2)) }
        guard let first = rows.first else { return nil }
        var span = TailSpan(position: first.position, first: first.first, last: first.last)
        for row in rows.dropFirst() { span.add(position: row.position, first: row.first, last: row.last) }
        entries[device]?.tailSpan = span
        return span
    }

    /// The number of messages in a device's tail.
    package func tailCounts() throws(CacheError) -> [DeviceID: Int] {
        try refresh()
        let counts = entries.lazy.filter { $0.value.tailMessageCount > 0 }
        return Dictionary(uniqueKeysWithValues: counts.map { ($0.key, Int($0.value.tailMessageCount)) })
    }

    private func removeTail(_ device: DeviceID, _ deletion: Deletion, _ value: Int64) throws {
        try update(device) { entry in
            entry.tailMessageCount -= try deletion.run(connection, device.rawValue, value, from: &entry.tail)
        }
    }
}

// MARK: - Chunks

extension WorkerCache {
    package func insertChunk(_ device: DeviceID, first: Timestamp, last: Timestamp, count: Int, _ bytes: [UInt8])
        throws(CacheError)
    {
        try change {
            try use(device)
            let row = MessageRow(
                table: .chunks, device: device, key: first.microseconds, first: first.microseconds,
                last: last.microseconds, count: Int64(count), body: MessageRow.body(of: bytes))
            let statement = try statement(
                "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)", device.rawValue, row.first, row.last, row.count,
                row.body, row.checksum)
            try statement.bind(7, bytes)
            if try !insert(statement) {
                try removeChunks(device, .chunk, row.first)
                try statement.run()
            }
            try update(device) { entry in
                if entry.chunks.isEmpty { entry.chunksEnd = row.last }
                entry.chunksEnd = entry.chunksEnd.map { max($0, row.last) }
                entry.chunks.add(row.checksum)
            }
            shared = nil
        }
    }

    /// Gives a chunk other bytes of the same messages; false if the cache has no such chunk.
    @discardableResult
    package func rewriteChunk(
        _ device: DeviceID, _ chunk: CachedChunk, _ bytes: [UInt8]
    ) throws(CacheError) -> Bool {
        let before = Timestamp(microseconds: chunk.first.microseconds - 1)
        let after = Timestamp(microseconds: chunk.first.microseconds + 1)
        guard try chunks(device, endingAfter: before, beginningBefore: after).contains(chunk) else { return false }
        try insertChunk(device, first: chunk.first, last: chunk.last, count: chunk.count, bytes)
        return true
    }

    /// Replaces chunks and drops the tail that they now cover.
    package func settleSeal(
        _ device: DeviceID, replaced: [Timestamp], upTo position: Int64
    ) throws(CacheError) {
        try change {
            try use(device)
            for first in replaced { try removeChunks(device, .chunk, first.microseconds) }
            try removeTail(device, .batchesUpTo, position)
            try update(device) { if $0.sealed != nil { $0.sealed = position } }
        }
    }

    /// Removes the chunks and the batches of the tail that end before a moment.
    package func removeMessages(_ device: DeviceID, before moment: Timestamp) throws(CacheError) {
        try change {
            try use(device)
            try removeChunks(device, .chunksBefore, moment.microseconds)
            try removeTail(device, .batchesBefore, moment.microseconds)
        }
    }

    /// The chunks of a device that end after a moment and begin before another, in the order of time.
    package func chunks(
        _ device: DeviceID, endingAfter moment: Timestamp, beginningBefore upper: Timestamp = .distantFuture,
        countMax: Int = .max
    ) throws(CacheError) -> [CachedChunk] {
        try use(device)
        guard try chunksEnd(device) > moment.microseconds else { return [] }
        // Chunks do not overlap, so that all but the last to begin by the moment end before it.
        let start = try read(
            "SELECT first FROM chunks WHERE device = ? AND first <= ? ORDER BY first DESC LIMIT 1", device.rawValue,
            moment.microseconds
        ) { $0.int64(0) }.first
        return try read(
            """
            SELECT first, first, last, count, body, crc FROM chunks
            WHERE device = ? AND first >= ? AND first < ? AND last > ? ORDER BY first LIMIT ?
            """, device.rawValue, start ?? moment.microseconds, upper.microseconds, moment.microseconds, countMax
        ) { row in
            let row = try MessageRow(row, .chunks, device)
            return CachedChunk(
                first: Timestamp(microseconds: row.first), last: Timestamp(microseconds: row.last),
                count: Int(row.count))
        }
    }

    /// The messages of a chunk with the columns asked for; nil parameters: all of them.
    package func chunk(
        _ device: DeviceID, first: Timestamp, parameters: [ParameterID]?, hashes: Bool
    ) throws(CacheError) -> MessageBatch {
        try chunk(device, first) { chunk in
            try chunk.batch(parameters: parameters ?? chunk.parameters, hashes: hashes)
        }
    }

    /// The same, to be merged with messages that stand at some times, which ascend: with hashes only where they matter.
    package func chunk(
        _ device: DeviceID, first: Timestamp, parameters: [ParameterID]?, besides times: [Int64]
    ) throws(CacheError) -> MessageBatch {
        try chunk(device, first) { chunk in
            try chunk.batch(parameters: parameters ?? chunk.parameters, besides: times)
        }
    }

    private func chunk(
        _ device: DeviceID, _ first: Timestamp, _ decode: (MessageChunk) throws -> MessageBatch
    ) throws(CacheError) -> MessageBatch {
        try use(device)
        let batches = try read(
            "SELECT first, first, last, count, body, crc, data FROM chunks WHERE device = ? AND first = ?",
            device.rawValue, first.microseconds
        ) { row in
            try decode(try MessageRow(row, .chunks, device).chunk(row, 6))
        }
        guard let batch = batches.first else {
            throw .corrupt("chunk of device \(device) at \(first.seconds) is missing")
        }
        return batch
    }

    /// No chunk of a device ends later.
    private func chunksEnd(_ device: DeviceID) throws(CacheError) -> Int64 {
        if let known = entries[device]?.chunksEnd { return known }
        let found = try read(
            "SELECT last FROM chunks WHERE device = ? ORDER BY first DESC LIMIT 1", device.rawValue
        ) { $0.int64(0) }
        let end = found.first ?? .min
        entries[device]?.chunksEnd = end
        return end
    }

    private func removeChunks(_ device: DeviceID, _ deletion: Deletion, _ value: Int64) throws {
        try update(device) { try deletion.run(connection, device.rawValue, value, from: &$0.chunks) }
        shared = nil
    }
}
