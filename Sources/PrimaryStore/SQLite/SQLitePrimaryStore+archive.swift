import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func archivedChunks(
        device: DeviceID, overlapping range: TimeRange
    ) throws(StoreError) -> [ArchivedChunk] {
        var chunks: [ArchivedChunk] = []
        try forEachArchivedChunk(device: device, overlapping: range, isReversed: false) { chunk in
            chunks.append(chunk)
            return true
        }
        return chunks
    }

    package func forEachArchivedChunk(
        device: DeviceID, overlapping range: TimeRange, isReversed: Bool,
        _ body: (ArchivedChunk) throws(StoreError) -> Bool
    ) throws(StoreError) {
        try read { connection in
            // Chunks never overlap, so of those that begin before the range only the last can reach into it.
            let statement = try connection.statement(
                """
                SELECT first, last, count, upto, crc, bytes FROM chunks
                WHERE device = ?1 AND first < ?3 AND first >= COALESCE(
                    (SELECT MAX(first) FROM chunks WHERE device = ?1 AND first <= ?2), ?2)
                ORDER BY first \(isReversed ? "DESC" : "")
                """)
            try statement.bind(1, device.rawValue)
            try statement.bind(2, range.lower.microseconds)
            try statement.bind(3, range.upper.microseconds)
            try statement.forEachRowWhile { row in
                row.int64(1) < range.lower.microseconds ? true : try body(try ArchivedChunk(row, device))
            }
        }
    }

    package func archiveMark(device: DeviceID) throws(StoreError) -> Int64 {
        try read { connection in
            try connection.integer("SELECT position FROM archive_marks WHERE device = ?", device.rawValue) ?? 0
        }
    }

    package func seal(_ seals: [Seal]) -> [Result<Void, StoreError>] {
        seals.isEmpty ? [] : writeEach(seals.map { seal in { writer in try writer.apply(seal) } })
    }

    package func expireChunks(
        slot: Slot, epoch: Int64, device: DeviceID, before: Timestamp
    ) throws(StoreError) -> Int {
        try write { writer in
            try writer.checkFence(slot, epoch: epoch, device: device)
            try writer.connection.run(
                "DELETE FROM chunks WHERE device = ? AND last < ?", device.rawValue, before.microseconds)
            return writer.connection.changeCount
        }
    }
}

extension ArchivedChunk {
    /// Reads a row of first, last, count, upto, crc, bytes.
    fileprivate init(_ row: Statement, _ device: DeviceID) throws {
        self.init(
            first: Timestamp(microseconds: row.int64(0)), last: Timestamp(microseconds: row.int64(1)),
            count: Int(row.int64(2)), upTo: row.int64(3), bytes: row.bytes(5))
        guard checksum(of: device) == row.int64(4) else {
            throw StoreError.corrupt("chunk at \(first.microseconds) of device \(device)")
        }
    }

    fileprivate func checksum(of device: DeviceID) -> Int64 {
        var checksum = RowChecksum()
        checksum.add(device.rawValue)
        checksum.add(first)
        checksum.add(last)
        checksum.add(Int64(count))
        checksum.add(upTo)
        return checksum.value(bytes)
    }
}

extension Writer {
    fileprivate func apply(_ seal: Seal) throws {
        let device = seal.device
        try checkFence(seal.slot, epoch: seal.epoch, device: device)
        try checkDevice(device)
        try checkMark(seal)
        try storeParameters()
        for first in seal.replaced { try deleteChunk(device, first) }
        for chunk in seal.chunks {
            let row = ArchivedChunk(
                first: chunk.first, last: chunk.last, count: chunk.count, upTo: seal.upTo, bytes: chunk.bytes)
            try checkRoom(device, row)
            try insert(device, row)
        }
        try connection.run(
            """
            INSERT INTO archive_marks VALUES (?, ?)
            ON CONFLICT (device) DO UPDATE SET position = excluded.position
            """, device.rawValue, seal.upTo)
        try trimLog(device, upTo: seal.upTo)
    }

    private func checkMark(_ seal: Seal) throws {
        let mark = try connection.integer(
            "SELECT position FROM archive_marks WHERE device = ?", seal.device.rawValue)
        guard seal.upTo >= mark ?? 0, seal.upTo <= state.lastPosition else {
            throw StoreError.invalid(
                "seal of device \(seal.device) up to \(seal.upTo): the mark is \(mark ?? 0), the log ends at "
                    + "\(state.lastPosition)")
        }
    }

    private func deleteChunk(_ device: DeviceID, _ first: Timestamp) throws {
        try connection.run("DELETE FROM chunks WHERE device = ? AND first = ?", device.rawValue, first.microseconds)
        guard connection.changeCount == 1 else {
            throw StoreError.invalid("device \(device) has no chunk at \(first.microseconds) to replace")
        }
    }

    /// Refuses a chunk that overlaps another.
    private func checkRoom(_ device: DeviceID, _ chunk: ArchivedChunk) throws {
        guard chunk.count > 0, chunk.first <= chunk.last else {
            throw StoreError.invalid("an empty chunk for device \(device)")
        }
        let last = try connection.integer(
            "SELECT last FROM chunks WHERE device = ? AND first <= ? ORDER BY first DESC LIMIT 1", device.rawValue,
            chunk.last.microseconds)
        guard last.map({ $0 < chunk.first.microseconds }) ?? true else {
            throw StoreError.invalid("the chunk at \(chunk.first.microseconds) of device \(device) overlaps another")
        }
    }

    private func insert(_ device: DeviceID, _ chunk: ArchivedChunk) throws {
        try connection.run(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)", device.rawValue, chunk.first.microseconds,
            chunk.last.microseconds, chunk.count, chunk.upTo, chunk.checksum(of: device), chunk.bytes)
    }
}
