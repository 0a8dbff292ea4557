import MessageChunks
import SQLiteClient
import Telemetry

/// Where a chunk of a device stands.
package struct CachedChunk: Sendable, Hashable {
    package var first: Timestamp
    package var last: Timestamp
    package var count: Int
}

extension WorkerCache {
    /// Adds a batch of the log to a device's tail.
    package func appendTail(_ device: DeviceID, position: Int64, _ batch: MessageBatch) throws(CacheError) {
        guard let range = batch.timeRange else { return }
        let last = Timestamp(microseconds: range.upper.microseconds - 1)
        try appendTail(
            device, position: position, first: range.lower, last: last, count: batch.count, MessageChunk.encode(batch))
    }

    /// The same with messages that are encoded already.
    package func appendTail(
        _ device: DeviceID, position: Int64, first: Timestamp, last: Timestamp, count: Int, _ bytes: [UInt8]
    ) throws(CacheError) {
        try run(
            "INSERT OR REPLACE INTO tail VALUES (?, ?, ?, ?, ?, ?)", device.rawValue, position, first.microseconds,
            last.microseconds, count, bytes)
    }

    /// The messages of a device's tail that may lie in a range, sorted; nil parameters: with all columns.
    package func tail(
        _ device: DeviceID, overlapping range: TimeRange = .all, parameters: [ParameterID]? = nil
    ) throws(CacheError) -> MessageBatch {
        let parts = try read(
            "SELECT data FROM tail WHERE device = ? AND last >= ? AND first < ? ORDER BY position", device.rawValue,
            range.lower.microseconds, range.upper.microseconds
        ) { row in
            try row.withBlob(0) { bytes throws(ChunkError) in
                let chunk = try MessageChunk(bytes)
                guard let parameters else { return try chunk.batch() }
                return try chunk.batch(parameters: parameters, hashes: true)
            }
        }
        return MessageBatch.joined(parts).sorted()
    }

    /// The number of messages in a device's tail.
    package func tailCounts() throws(CacheError) -> [DeviceID: Int] {
        let rows = try read("SELECT device, SUM(count) FROM tail GROUP BY device") { ($0.int64(0), Int($0.int64(1))) }
        return Dictionary(uniqueKeysWithValues: rows.map { (DeviceID($0.0), $0.1) })
    }

    package func insertChunk(_ device: DeviceID, first: Timestamp, last: Timestamp, count: Int, _ bytes: [UInt8])
        throws(CacheError)
    {
        try run(
            "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?)", device.rawValue, first.microseconds,
            last.microseconds, count, bytes)
    }

    /// Replaces chunks and drops the tail that they now cover.
    package func settleSeal(
        _ device: DeviceID, replaced: [Timestamp], upTo position: Int64
    ) throws(CacheError) {
        for first in replaced {
            try run("DELETE FROM chunks WHERE device = ? AND first = ?", device.rawValue, first.microseconds)
        }
        try run("DELETE FROM tail WHERE device = ? AND position <= ?", device.rawValue, position)
        try run("UPDATE devices SET sealed = ? WHERE device = ?", position, device.rawValue)
    }

    /// The chunks of a device that end after a moment and begin before another, in the order of time.
    package func chunks(
        _ device: DeviceID, endingAfter moment: Timestamp, beginningBefore upper: Timestamp = .distantFuture,
        countMax: Int = .max
    ) throws(CacheError) -> [CachedChunk] {
        // Chunks do not overlap, so that all but the last to begin by the moment end before it.
        let start = try read(
            "SELECT first FROM chunks WHERE device = ? AND first <= ? ORDER BY first DESC LIMIT 1", device.rawValue,
            moment.microseconds
        ) { $0.int64(0) }.first
        return try read(
            """
            SELECT first, last, count FROM chunks
            WHERE device = ? AND first >= ? AND first < ? AND last > ? ORDER BY first LIMIT ?
            """, device.rawValue, start ?? moment.microseconds, upper.microseconds, moment.microseconds, countMax
        ) { row in
            CachedChunk(
                first: Timestamp(microseconds: row.int64(0)), last: Timestamp(microseconds: row.int64(1)),
                count: Int(row.int64(2)))
        }
    }

    /// The messages of a chunk with the columns asked for; nil parameters: all of them.
    package func chunk(
        _ device: DeviceID, first: Timestamp, parameters: [ParameterID]?, hashes: Bool
    ) throws(CacheError) -> MessageBatch {
        let batches = try read(
            "SELECT data FROM chunks WHERE device = ? AND first = ?", device.rawValue, first.microseconds
        ) { row in
            try row.withBlob(0) { bytes throws(ChunkError) in
                let chunk = try MessageChunk(bytes)
                guard let parameters else { return try chunk.batch() }
                // Messages of one timestamp are merged in the order of their hashes.
                return try chunk.batch(parameters: parameters, hashes: hashes || chunk.hasEqualTimestamps)
            }
        }
        guard let batch = batches.first else {
            throw .corrupt("chunk of device \(device) at \(first.seconds) is missing")
        }
        return batch
    }
}
