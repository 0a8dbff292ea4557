import MessageChunks
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
        // The chunks and what is noted of them must be of one state.
        try read { connection in
            try connection.transaction(isWriting: false) {
                var walk = ChunkWalk(device, range)
                // Chunks never overlap, so of those that begin before the range only the last can reach into it.
                let statement = try connection.statement(
                    """
                    SELECT \(ArchivedChunk.columns) FROM chunks
                    WHERE device = ?1 AND first < ?3 AND first >= COALESCE(
                        (SELECT MAX(first) FROM chunks WHERE device = ?1 AND first <= ?2), ?2)
                    ORDER BY first \(isReversed ? "DESC" : "")
                    """)
                try statement.bind(1, device.rawValue)
                try statement.bind(2, range.lower.microseconds)
                try statement.bind(3, range.upper.microseconds)
                try statement.forEachRowWhile { row in
                    walk.note(row)
                    if row.int64(1) < range.lower.microseconds { return true }
                    walk.isStopped = try !body(try ArchivedChunk(row, device))
                    return !walk.isStopped
                }
                try walk.check(connection)
            }
        }
    }

    package func archiveMark(device: DeviceID) throws(StoreError) -> Int64 {
        try read { connection in
            try CheckedTable.archiveMarks.find(connection, device.rawValue)?[1].integer ?? 0
        }
    }

    package func seal(_ seals: [Seal]) -> [Result<Void, StoreError>] {
        guard !seals.isEmpty else { return [] }
        return writeEach(
            seals.map { seal in
                let fence = Fence(seal.slot, epoch: seal.epoch, device: seal.device)
                return { writer in try writer.apply(seal, fence) }
            })
    }
}

/// What a walk through the chunks of a device has met of the months that lie in its range as a whole.
private struct ChunkWalk {
    private let device: DeviceID
    private let range: TimeRange
    private var months: [Int64: RunningTotal] = [:]
    var isStopped = false

    init(_ device: DeviceID, _ range: TimeRange) {
        self.device = device
        self.range = range
    }

    mutating func note(_ row: Statement) {
        let month = ChunkMonths.month(of: Timestamp(microseconds: row.int64(0)))
        months[month, default: RunningTotal()].add(row.int64(4))
    }

    /// Throws if chunks of such a month are missing.
    func check(_ connection: Connection) throws {
        guard !isStopped else { return }
        let noted = try ChunkMonths.noted(connection, device)
        for month in Set(noted.keys).union(months.keys).sorted() {
            guard ChunkMonths.begin(of: month) >= range.lower, ChunkMonths.begin(of: month + 1) <= range.upper else {
                continue
            }
            try (months[month] ?? RunningTotal()).check(
                against: noted[month] ?? RunningTotal(),
                "chunks of device \(device) of \(ChunkMonths.name(of: month))")
        }
    }
}

extension ArchivedChunk {
    static let columns = "first, last, count, upto, crc, bytes, is_cold"

    /// Reads a row of `columns`.
    init(_ row: Statement, _ device: DeviceID) throws {
        self.init(
            first: Timestamp(microseconds: row.int64(0)), last: Timestamp(microseconds: row.int64(1)),
            count: Int(row.int64(2)), upTo: row.int64(3), bytes: row.bytes(5), isCold: row.bool(6))
        guard checksum(of: device) == row.int64(4) else {
            throw StoreError.corrupt("chunk at \(first.microseconds) of device \(device)")
        }
    }

    func checksum(of device: DeviceID) -> Int64 {
        var checksum = RowChecksum()
        checksum.add(device.rawValue)
        checksum.add(first)
        checksum.add(last)
        checksum.add(Int64(count))
        checksum.add(upTo)
        // Rows from before there was such a thing keep their checksums.
        if isCold { checksum.add(1) }
        return checksum.value(bytes)
    }
}

extension Writer {
    fileprivate func apply(_ seal: Seal, _ fence: Fence) throws {
        let device = seal.device
        try check(fence)
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
        try CheckedTable.archiveMarks.put(connection, [.integer(device.rawValue), .integer(seal.upTo)])
        try trimLog(device, upTo: seal.upTo)
    }

    private func checkMark(_ seal: Seal) throws {
        let mark = try CheckedTable.archiveMarks.find(connection, seal.device.rawValue)?[1].integer
        guard seal.upTo >= mark ?? 0, seal.upTo <= state.lastPosition else {
            throw StoreError.invalid(
                "seal of device \(seal.device) up to \(seal.upTo): the mark is \(mark ?? 0), the log ends at "
                    + "\(state.lastPosition)")
        }
    }

    private func deleteChunk(_ device: DeviceID, _ first: Timestamp) throws {
        guard try takeChunk(device, first) != nil else {
            throw StoreError.invalid("device \(device) has no chunk at \(first.microseconds) to replace")
        }
    }

    /// Deletes a chunk; returns its checksum, or nil if there is none.
    func takeChunk(_ device: DeviceID, _ first: Timestamp) throws -> Int64? {
        let checksum = try connection.integer(
            "SELECT crc FROM chunks WHERE device = ? AND first = ?", device.rawValue, first.microseconds)
        guard let checksum else { return nil }
        try connection.run("DELETE FROM chunks WHERE device = ? AND first = ?", device.rawValue, first.microseconds)
        try ChunkMonths.change(connection, device, ChunkMonths.month(of: first)) { $0.remove(checksum) }
        return checksum
    }

    /// Refuses a chunk that overlaps another.
    func checkRoom(_ device: DeviceID, _ chunk: ArchivedChunk) throws {
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

    func insert(_ device: DeviceID, _ chunk: ArchivedChunk) throws {
        let checksum = chunk.checksum(of: device)
        try connection.run(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", device.rawValue, chunk.first.microseconds,
            chunk.last.microseconds, chunk.count, chunk.upTo, checksum, chunk.bytes, chunk.isCold ? 1 : 0)
        try ChunkMonths.change(connection, device, ChunkMonths.month(of: chunk.first)) { $0.add(checksum) }
    }
}
