import MessageChunks
import SQLiteClient
import Telemetry

/// What a row holds beside the interval that a worker compares with.
struct IntervalDetails: Hashable {
    /// When its text was calculated.
    var timestamp: Timestamp
    /// From when on its text answers for the interval: earlier than `timestamp` where what it had before was still
    /// growing, and so was not kept.
    var since: Timestamp
    /// The offset in the text of the comma before `"id"`.
    var headCount: Int
    /// The calculator's revision.
    var revision: Int64
    /// The bytes of custom fields before the last brace.
    var customCount = 0
    /// The checksum of the row that this was read from.
    var checksum: Int64 = 0

    /// As the column holds it.
    var storedSince: Int64 { since == timestamp ? 0 : since.microseconds }
}

/// The text of an interval with what must be known of it.
struct IntervalText {
    var bytes: [UInt8]
    var details: IntervalDetails
}

extension IntervalTable {
    static func insert(
        _ connection: Connection, _ key: AssignmentKey, _ held: HeldInterval, _ text: IntervalText,
        _ total: inout RunningTotal
    ) throws {
        let statement = try connection.statement(
            "INSERT INTO intervals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        try bind(statement, key)
        try statement.bind(3, held.firstOn.microseconds)
        try statement.bind(4, held.id)
        total.add(try bindContents(statement, key, held, text))
        try statement.run()
    }

    /// Writes an interval in place of another; `checksum` is that of the row that goes.
    static func replace(
        _ connection: Connection, _ key: AssignmentKey, _ old: HeldInterval, checksum: Int64, _ new: HeldInterval,
        _ text: IntervalText, _ total: inout RunningTotal
    ) throws {
        guard old.firstOn == new.firstOn else {
            try delete(connection, key, old, checksum: checksum, &total)
            return try insert(connection, key, new, text, &total)
        }
        // Left to itself, SQLite goes by the index of ids, and from there to the row.
        let statement = try connection.statement(
            """
            UPDATE intervals INDEXED BY sqlite_autoindex_intervals_1
            SET begin_at = ?5, end_at = ?6, is_active = ?7, digest = ?8, timestamp = ?9, head = ?10,
                crc = ?11, json = ?12, revision = ?13, since = ?14, custom = ?15
            WHERE calc = ?1 AND device = ?2 AND first_on = ?3 AND id = ?4
            """)
        try bind(statement, key)
        try statement.bind(3, old.firstOn.microseconds)
        try statement.bind(4, old.id)
        total.remove(checksum)
        total.add(try bindContents(statement, key, new, text))
        try statement.run()
    }

    /// Deletes an interval; `checksum` is that of its row.
    static func delete(
        _ connection: Connection, _ key: AssignmentKey, _ held: HeldInterval, checksum: Int64,
        _ total: inout RunningTotal
    ) throws {
        let statement = try connection.statement(
            "DELETE FROM intervals WHERE calc = ? AND device = ? AND first_on = ? AND id = ?")
        try bind(statement, key)
        try statement.bind(3, held.firstOn.microseconds)
        try statement.bind(4, held.id)
        try statement.run()
        total.remove(checksum)
    }

    private static func bindContents(
        _ statement: Statement, _ key: AssignmentKey, _ held: HeldInterval, _ text: IntervalText
    ) throws -> Int64 {
        let details = text.details
        let checksum = checksum(key, held, details).value(text.bytes)
        try statement.bind(5, held.begin.microseconds)
        try statement.bind(6, held.end.microseconds)
        try statement.bind(7, held.isActive ? 1 : 0 as Int64)
        try statement.bind(8, Int64(bitPattern: held.digest))
        try statement.bind(9, details.timestamp.microseconds)
        try statement.bind(10, Int64(details.headCount))
        try statement.bind(11, checksum)
        try statement.bind(12, text.bytes)
        try statement.bind(13, details.revision)
        try statement.bind(14, details.storedSince)
        try statement.bind(15, Int64(details.customCount))
        return checksum
    }
}
