import MessageChunks
import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func append(_ batches: [LogAppend]) throws(StoreError) -> [Int64] {
        let rows = try LogRow.encode(batches)
        return try write { writer in try writer.append(rows) }
    }

    package func append(
        _ batches: [LogAppend], answer: @escaping @Sendable (Result<[Int64], StoreError>) -> Void
    ) {
        do throws(StoreError) {
            let rows = try LogRow.encode(batches)
            submit(Writes([{ writer in try writer.append(rows) }]) { answer($0[0]) })
        } catch { answer(.failure(error)) }
    }

    package func readLog(
        after: Int64, upTo: Int64?, slots: SlotSet, limit: LogLimit
    ) throws(StoreError) -> LogPage {
        // Asked before the read begins, so that the read sees at least all up to here.
        let end = min(upTo ?? .max, lastPosition)
        return try read { connection in
            let statement = try connection.statement(
                """
                SELECT position, device, count, crc, bytes, slot FROM log
                WHERE position > ? AND position <= ? ORDER BY position
                """)
            try statement.bind(1, after)
            try statement.bind(2, end)
            return try LogPage(statement, after: after, end: end, limit: limit) { row in
                // One that is passed over is not read as a whole, but it must be of another slot indeed.
                let slot = Slot(device: DeviceID(row.int64(1)))
                guard Int64(slot.rawValue) == row.int64(5) else {
                    throw StoreError.corrupt("log batch at position \(row.int64(0)) of device \(row.int64(1))")
                }
                return slots.contains(slot)
            }
        }
    }

    package func readLog(device: DeviceID, after: Int64, limit: LogLimit) throws(StoreError) -> LogPage {
        let end = lastPosition
        let positions = logIndex.positions(of: device, after: after, upTo: end)
        guard !positions.isEmpty else { return LogPage(entries: [], reached: max(after, end), isCut: false) }
        return try read { connection in
            // In one transaction: a seal meanwhile takes all that it sealed or nothing.
            try connection.transaction(isWriting: false) {
                try LogPage(connection, positions, after: after, end: end, limit: limit)
            }
        }
    }

    package func pendingLog(slots: SlotSet) throws(StoreError) -> [PendingLog] { logIndex.pending(in: slots) }
}

/// A batch encoded for the log, on the caller's thread.
struct LogRow: Sendable {
    var device: DeviceID
    var count: Int
    var bytes: [UInt8]
    /// The greatest acceptance stamp.
    var accepted: Timestamp

    static func encode(_ batches: [LogAppend]) throws(StoreError) -> [LogRow] {
        var rows: [LogRow] = []
        rows.reserveCapacity(batches.count)
        for batch in batches {
            try check(batch)
            rows.append(
                LogRow(
                    device: batch.device, count: batch.batch.count, bytes: MessageChunk.encode(batch.batch),
                    accepted: Timestamp(microseconds: batch.batch.acceptances.max() ?? 0)))
        }
        return rows
    }

    private static func check(_ append: LogAppend) throws(StoreError) {
        let count = append.batch.count
        let cellCount = count.multipliedReportingOverflow(by: append.batch.columns.count)
        guard count > 0 else { throw .invalid("a batch without messages for device \(append.device)") }
        guard count <= MessageChunk.countMax, !cellCount.overflow,
            cellCount.partialValue <= MessageChunk.cellCountMax
        else { throw .invalid("a batch of \(count) messages for device \(append.device) is too large") }
    }

    static func checksum(position: Int64, device: Int64, count: Int64) -> RowChecksum {
        var checksum = RowChecksum()
        checksum.add(position)
        checksum.add(device)
        checksum.add(count)
        return checksum
    }
}

extension Writer {
    func append(_ rows: [LogRow]) throws -> [Int64] {
        try storeParameters()
        let statement = try connection.statement("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)")
        var positions: [Int64] = []
        positions.reserveCapacity(rows.count)
        for row in rows {
            try checkDevice(row.device)
            let slot = Slot(device: row.device)
            let position = state.lastPosition + 1
            let checksum = LogRow.checksum(position: position, device: row.device.rawValue, count: Int64(row.count))
            try statement.bind(1, position)
            try statement.bind(2, Int64(slot.rawValue))
            try statement.bind(3, row.device.rawValue)
            try statement.bind(4, Int64(row.count))
            let value = checksum.value(row.bytes)
            try statement.bind(5, value)
            try statement.bind(6, row.bytes)
            try statement.run()
            logChanges.append(.appended(row.device, position: position, count: Int64(row.count)))
            book.changeLog(slot) { log in
                log.rows.add(value)
                log.time = max(log.time, row.accepted)
            }
            state.lastPosition = position
            state.appendedSlots.insert(slot)
            positions.append(position)
        }
        return positions
    }
}

extension LogPage {
    /// Reads rows of position, device, count, crc, bytes until a limit or the end.
    fileprivate init(
        _ statement: Statement, after: Int64, end: Int64, limit: LogLimit, where isWanted: (Statement) throws -> Bool
    ) throws {
        self.init(entries: [], reached: after, isCut: false)
        var byteCount = 0
        try statement.forEachRowWhile { row in
            try isWanted(row) ? try take(row, &byteCount, limit) : true
        }
        reached = isCut ? entries.last?.position ?? after : max(after, end)
    }

    /// Reads the rows at some positions until a limit or the end; those that are gone are passed over.
    fileprivate init(
        _ connection: Connection, _ positions: ArraySlice<Int64>, after: Int64, end: Int64, limit: LogLimit
    ) throws {
        self.init(entries: [], reached: after, isCut: false)
        let statement = try connection.statement(
            "SELECT position, device, count, crc, bytes FROM log WHERE position = ?")
        var byteCount = 0
        for position in positions where !isCut {
            try statement.bind(1, position)
            _ = try statement.first { row in try take(row, &byteCount, limit) }
        }
        reached = isCut ? entries.last?.position ?? after : max(after, end)
    }

    /// Takes a row if the limit has room for it.
    private mutating func take(_ row: Statement, _ byteCount: inout Int, _ limit: LogLimit) throws -> Bool {
        byteCount += row.byteCount(4)
        isCut = !entries.isEmpty && (byteCount > limit.byteCountMax || entries.count >= limit.entryCountMax)
        if !isCut { entries.append(try LogEntry(row)) }
        return !isCut
    }
}

extension LogEntry {
    init(_ row: Statement) throws {
        let position = row.int64(0)
        let checksum = LogRow.checksum(position: position, device: row.int64(1), count: row.int64(2))
        let bytes = row.bytes(4)
        guard checksum.value(bytes) == row.int64(3) else {
            throw StoreError.corrupt("log batch at position \(position) of device \(row.int64(1))")
        }
        self.init(position: position, device: DeviceID(row.int64(1)), count: Int(row.int64(2)), bytes: bytes)
    }
}
