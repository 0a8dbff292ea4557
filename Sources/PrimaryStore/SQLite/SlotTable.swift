import MessageChunks
import SQLiteClient
import Telemetry

/// A row of the table `slots`.
struct SlotRow: Hashable {
    var slot: Slot
    var owner: String?
    var epoch: Int64
    /// The number of the last row of the slot's feed.
    var revision: Int64
    var heartBeat: Timestamp?
    /// The rows of the feed.
    var feed: RunningTotal
    /// The greatest number of a feed row that was dropped.
    var trimmedRevision: Int64

    func lease(_ log: LogTotal) -> SlotLease {
        SlotLease(slot: slot, owner: owner, epoch: epoch, revision: revision, heartBeat: heartBeat, time: log.time)
    }
}

/// The rows of the table `slots`, one for each slot.
enum SlotTable {
    private static let columns = "slot, owner, epoch, rev, heart_beat, feed_count, feed_sum, trimmed, crc"
    private static let search = "SELECT \(columns) FROM slots WHERE slot = ?"

    static func find(_ connection: Connection, _ slot: Slot) throws -> SlotRow {
        let statement = try connection.statement(search)
        try statement.bind(1, Int64(slot.rawValue))
        guard let row = try statement.first({ try row($0, isChecked: true) }) else {
            throw StoreError.corrupt("slot \(slot.rawValue) is missing")
        }
        return row
    }

    /// All slots in order.
    static func all(_ connection: Connection, isChecked: Bool = true) throws -> [SlotRow] {
        var rows: [SlotRow] = []
        try connection.statement("SELECT \(columns) FROM slots ORDER BY slot").forEachRow { row in
            rows.append(try self.row(row, isChecked: isChecked))
        }
        guard rows.map({ Int($0.slot.rawValue) }) == Array(0..<Slot.count) else {
            throw StoreError.corrupt("there are \(rows.count) slots")
        }
        return rows
    }

    static func write(_ connection: Connection, _ row: SlotRow) throws {
        let statement = try connection.statement(
            """
            UPDATE slots SET owner = ?2, epoch = ?3, rev = ?4, heart_beat = ?5, feed_count = ?6, feed_sum = ?7,
                trimmed = ?8, crc = ?9
            WHERE slot = ?1
            """)
        try statement.bind(1, Int64(row.slot.rawValue))
        if let owner = row.owner { try statement.bind(2, owner) } else { try statement.bindNull(2) }
        try statement.bind(3, row.epoch)
        try statement.bind(4, row.revision)
        if let beat = row.heartBeat { try statement.bind(5, beat.microseconds) } else { try statement.bindNull(5) }
        try statement.bind(6, row.feed.count)
        try statement.bind(7, row.feed.sum)
        try statement.bind(8, row.trimmedRevision)
        try statement.bind(9, checksum(row))
        try statement.run()
        precondition(connection.changeCount == 1, "there is a row for every slot")
    }

    private static func row(_ row: Statement, isChecked: Bool) throws -> SlotRow {
        let number = row.int64(0)
        guard let slot = UInt8(exactly: number).map(Slot.init(rawValue:)) else {
            throw StoreError.corrupt("slot \(number)")
        }
        let found = SlotRow(
            slot: slot, owner: row.optionalText(1), epoch: row.int64(2), revision: row.int64(3),
            heartBeat: row.optionalInt64(4).map(Timestamp.init(microseconds:)),
            feed: RunningTotal(count: row.int64(5), sum: row.int64(6)), trimmedRevision: row.int64(7))
        guard !isChecked || checksum(found) == row.int64(8) else {
            throw StoreError.corrupt("slot \(number)")
        }
        return found
    }

    private static func checksum(_ row: SlotRow) -> Int64 {
        var checksum = RowChecksum()
        checksum.add(Int64(row.slot.rawValue))
        checksum.add(row.owner == nil ? 0 : 1)
        checksum.add(row.owner ?? "")
        checksum.add(row.heartBeat ?? .distantFuture)
        checksum.add(row.epoch)
        checksum.add(row.revision)
        checksum.add(row.feed.count)
        checksum.add(row.feed.sum)
        checksum.add(row.trimmedRevision)
        return checksum.valueWithoutBytes
    }
}
