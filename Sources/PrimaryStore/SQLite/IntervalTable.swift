import MessageChunks
import SQLiteClient
import Telemetry

/// The rows of the table `intervals`: clustered by calculator, device and first ON message, so that a range of time is
/// one run of pages.
///
/// Intervals of one assignment ascend together in first ON message, begin and end: runs are disjoint, and a border is
/// extended by at most the one message next to it.
enum IntervalTable {
    /// The columns of a row, in this order; those of a version stand in the same places.
    static let columns = """
        id, first_on, begin_at, end_at, is_active, digest, timestamp, head, crc, json, revision, since, custom
        """

    /// Where the text stands among them.
    static let textColumn: Int32 = 9

    private static let searchByID =
        "SELECT \(columns) FROM intervals INDEXED BY intervals_by_id WHERE calc = ? AND device = ? AND id = ?"
    private static let searchByFirstOn =
        "SELECT \(columns) FROM intervals WHERE calc = ? AND device = ? AND first_on = ? ORDER BY id LIMIT 1"
    private static let searchFromFirstOn =
        "SELECT \(columns) FROM intervals WHERE calc = ? AND device = ? AND first_on >= ? ORDER BY first_on, id"

    /// Calls the body at each row of a query, in the order of time; columns as above, checked against the CRC.
    static func forEach(
        _ connection: Connection, _ key: AssignmentKey, _ query: IntervalQuery,
        _ body: (HeldInterval, Statement) throws -> Void
    ) throws {
        if let moment = query.asOf { return try forEach(connection, key, query, asOf: moment, body) }
        if let ids = query.ids { return try forEach(connection, key, ids: ids, query, body) }
        let isDescending = query.isReversed || query.isLastOnly
        let statement = try connection.statement(
            """
            SELECT \(columns) FROM intervals WHERE calc = ? AND device = ? AND first_on >= ? AND first_on <= ?
            ORDER BY first_on \(isDescending ? "DESC" : "ASC"), id \(isDescending ? "DESC" : "ASC")
            """)
        let bounds = try firstOnBounds(connection, key, query.range)
        try bind(statement, key)
        try statement.bind(3, bounds.lowerBound)
        try statement.bind(4, bounds.upperBound)
        var left = query.isLastOnly ? min(1, query.countMax ?? 1) : query.countMax ?? .max
        guard left > 0 else { return }
        try statement.forEachRowWhile { row in
            let held = try held(row, key)
            guard query.range.map({ held.overlaps($0) }) ?? true else { return true }
            try body(held, row)
            left -= 1
            return left > 0
        }
    }

    /// One row by its id.
    static func find<Value>(
        _ connection: Connection, _ key: AssignmentKey, id: Int64, _ body: (HeldInterval, Statement) throws -> Value
    ) throws -> Value? {
        let statement = try connection.statement(searchByID)
        try bind(statement, key)
        try statement.bind(3, id)
        return try statement.first { row in try body(try held(row, key), row) }
    }

    /// Calls the body at each row with an id above one, in the order of ids, until it returns false.
    static func forEach(
        _ connection: Connection, _ key: AssignmentKey, after id: Int64,
        _ body: (HeldInterval, Statement) throws -> Bool
    ) throws {
        let statement = try connection.statement(
            """
            SELECT \(columns) FROM intervals INDEXED BY intervals_by_id WHERE calc = ? AND device = ? AND id > ?
            ORDER BY id
            """)
        try bind(statement, key)
        try statement.bind(3, id)
        try statement.forEachRowWhile { row in try body(try held(row, key), row) }
    }

    /// One row by its first ON message.
    static func find<Value>(
        _ connection: Connection, _ key: AssignmentKey, firstOn: Timestamp,
        _ body: (HeldInterval, Statement) throws -> Value
    ) throws -> Value? {
        let statement = try connection.statement(searchByFirstOn)
        try bind(statement, key)
        try statement.bind(3, firstOn.microseconds)
        return try statement.first { row in try body(try held(row, key), row) }
    }

    /// Calls the body at rows in the order of time, from a first ON message on, until one is not wanted or the body
    /// returns false.
    static func forEach(
        _ connection: Connection, _ key: AssignmentKey, from firstOn: Timestamp,
        while isWanted: (_ firstOn: Timestamp, _ id: Int64) -> Bool, _ body: (HeldInterval, Statement) throws -> Bool
    ) throws {
        let statement = try connection.statement(searchFromFirstOn)
        try bind(statement, key)
        try statement.bind(3, firstOn.microseconds)
        try statement.forEachRowWhile { row in
            guard isWanted(Timestamp(microseconds: row.int64(1)), row.int64(0)) else { return false }
            return try body(held(row, key), row)
        }
    }

    static func stored(_ held: HeldInterval, _ row: Statement) -> StoredInterval {
        let details = details(row)
        return StoredInterval(
            held: held, timestamp: details.timestamp, calculatorRevision: details.revision, json: row.bytes(9),
            headCount: details.headCount)
    }

    static func details(_ row: Statement) -> IntervalDetails {
        let timestamp = Timestamp(microseconds: row.int64(6))
        let since = row.int64(11)
        return IntervalDetails(
            timestamp: timestamp, since: since == 0 ? timestamp : Timestamp(microseconds: since),
            headCount: Int(row.int64(7)), revision: row.int64(10), customCount: Int(row.int64(12)),
            checksum: row.int64(8))
    }

    /// The row's checksum but for its text.
    static func checksum(_ key: AssignmentKey, _ held: HeldInterval, _ details: IntervalDetails) -> RowChecksum {
        var checksum = RowChecksum(key)
        checksum.add(held.id)
        checksum.add(held.firstOn)
        checksum.add(held.begin)
        checksum.add(held.end)
        checksum.add(held.isActive ? 1 : 0)
        checksum.add(Int64(bitPattern: held.digest))
        checksum.add(details.timestamp)
        checksum.add(Int64(details.headCount))
        // Rows of the first schema have none of these, and keep the checksum that they were written with.
        guard details.revision != 0 || details.storedSince != 0 || details.customCount != 0 else { return checksum }
        checksum.add(details.revision)
        checksum.add(details.storedSince)
        checksum.add(Int64(details.customCount))
        return checksum
    }

    static func bind(_ statement: Statement, _ key: AssignmentKey) throws {
        try statement.bind(1, key.calculator.rawValue)
        try statement.bind(2, key.device.rawValue)
    }

    /// The interval of a row, whatever its checksum says.
    static func uncheckedHeld(_ row: Statement) -> HeldInterval {
        HeldInterval(
            id: row.int64(0), firstOn: Timestamp(microseconds: row.int64(1)),
            begin: Timestamp(microseconds: row.int64(2)), end: Timestamp(microseconds: row.int64(3)),
            isActive: row.bool(4), digest: UInt64(bitPattern: row.int64(5)))
    }

    private static func held(_ row: Statement, _ key: AssignmentKey) throws -> HeldInterval {
        let held = uncheckedHeld(row)
        guard row.withBlob(9, checksum(key, held, details(row)).value) == row.int64(8) else {
            throw StoreError.corrupt(
                "interval \(held.id) of calculator \(key.calculator) on device \(key.device)")
        }
        return held
    }

    private static func forEach(
        _ connection: Connection, _ key: AssignmentKey, ids: [Int64], _ query: IntervalQuery,
        _ body: (HeldInterval, Statement) throws -> Void
    ) throws {
        var found: [HeldInterval] = []
        for id in Set(ids) {
            guard let held = try find(connection, key, id: id, { held, _ in held }) else { continue }
            if query.range.map({ held.overlaps($0) }) ?? true { found.append(held) }
        }
        let isDescending = query.isReversed || query.isLastOnly
        found.sort { isDescending ? $1.precedes($0) : $0.precedes($1) }
        for held in found.prefix(query.isLastOnly ? min(1, query.countMax ?? 1) : query.countMax ?? .max) {
            _ = try find(connection, key, id: held.id, body)
        }
    }

    /// The first ON messages among which the intervals of a range are: those inside, and those of the neighbours that
    /// reach in from either side.
    private static func firstOnBounds(
        _ connection: Connection, _ key: AssignmentKey, _ range: TimeRange?
    ) throws -> ClosedRange<Int64> {
        guard let range, !range.isEmpty else { return range == nil ? Int64.min...Int64.max : 0...0 }
        let before = try connection.statement(
            """
            SELECT first_on, end_at FROM intervals WHERE calc = ? AND device = ? AND first_on < ?
            ORDER BY first_on DESC
            """)
        try bind(before, key)
        var lower = range.lower.microseconds
        try before.bind(3, lower)
        try before.forEachRowWhile { row in
            guard row.int64(1) >= range.lower.microseconds else { return false }
            lower = row.int64(0)
            return true
        }
        let after = try connection.statement(
            """
            SELECT first_on, begin_at FROM intervals WHERE calc = ? AND device = ? AND first_on >= ?
            ORDER BY first_on
            """)
        try bind(after, key)
        var upper = range.upper.microseconds - 1
        try after.bind(3, upper + 1)
        try after.forEachRowWhile { row in
            guard row.int64(1) < range.upper.microseconds else { return false }
            upper = row.int64(0)
            return true
        }
        return lower...max(lower, upper)
    }
}

extension HeldInterval {
    /// Whether first or last message or anything between lies in a range.
    func overlaps(_ range: TimeRange) -> Bool { !range.isEmpty && begin < range.upper && end >= range.lower }

    func precedes(_ other: HeldInterval) -> Bool { (firstOn, id) < (other.firstOn, other.id) }
}
