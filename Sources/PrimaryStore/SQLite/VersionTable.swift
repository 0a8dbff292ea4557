import MessageChunks
import SQLiteClient
import Telemetry

/// The rows of the table `interval_versions`: what closed intervals were before a push replaced or deleted them,
/// clustered by assignment and the moment of that push.
enum VersionTable {
    /// Where in the table a version is.
    struct Place: Hashable {
        var until: Int64
        var id: Int64
        var since: Int64
    }

    /// In the places of `IntervalTable.columns`, and then until when it was valid.
    private static let columns = """
        id, first_on, begin_at, end_at, 0, digest, timestamp, head, crc, json, revision, since, 0, until
        """

    /// Keeps the text of a closed interval as valid from `details.since` until a moment; one that was valid at no
    /// moment, because the clock was put back, is not kept.
    static func keep(
        _ connection: Connection, _ key: AssignmentKey, _ held: HeldInterval, _ text: IntervalText, until: Timestamp,
        _ total: inout RunningTotal
    ) throws {
        let details = text.details
        guard !held.isActive, details.since < until else { return }
        let statement = try connection.statement(
            "INSERT OR IGNORE INTO interval_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        let checksum = checksum(key, held, details, until: until.microseconds).value(text.bytes)
        try IntervalTable.bind(statement, key)
        try statement.bind(3, until.microseconds)
        try statement.bind(4, held.id)
        try statement.bind(5, details.since.microseconds)
        try statement.bind(6, held.firstOn.microseconds)
        try statement.bind(7, held.begin.microseconds)
        try statement.bind(8, held.end.microseconds)
        try statement.bind(9, Int64(bitPattern: held.digest))
        try statement.bind(10, details.timestamp.microseconds)
        try statement.bind(11, Int64(details.headCount))
        try statement.bind(12, details.revision)
        try statement.bind(13, checksum)
        try statement.bind(14, text.bytes)
        try statement.run()
        if connection.changeCount == 0 {
            // One of the same place is there, because the clock was put back: the later one stays.
            let place = Place(until: until.microseconds, id: held.id, since: details.since.microseconds)
            try delete(connection, key, place, &total)
            try statement.run()
        }
        total.add(checksum)
    }

    /// Deletes a version if it is there.
    static func delete(
        _ connection: Connection, _ key: AssignmentKey, _ place: Place, _ total: inout RunningTotal
    ) throws {
        let rows = "interval_versions WHERE calc = ? AND device = ? AND until = ? AND id = ? AND since = ?"
        let present = try connection.statement("SELECT crc FROM \(rows)")
        let statement = try connection.statement("DELETE FROM \(rows)")
        for statement in [present, statement] {
            try IntervalTable.bind(statement, key)
            try statement.bind(3, place.until)
            try statement.bind(4, place.id)
            try statement.bind(5, place.since)
        }
        guard let checksum = try present.first({ $0.int64(0) }) else { return }
        try statement.run()
        total.remove(checksum)
    }

    /// Calls the body at each version of an assignment, with its checksum.
    static func forEach(
        _ connection: Connection, _ key: AssignmentKey, _ body: (HeldInterval, Place, Int64) throws -> Void
    ) throws {
        let statement = try connection.statement(
            "SELECT \(columns) FROM interval_versions WHERE calc = ? AND device = ?")
        try IntervalTable.bind(statement, key)
        try statement.forEachRow { row in
            let place = Place(until: row.int64(13), id: row.int64(0), since: row.int64(11))
            try body(try held(row, key), place, row.int64(8))
        }
    }

    /// The versions of an assignment that were valid at a moment, each with its place.
    static func valid(
        _ connection: Connection, _ key: AssignmentKey, at moment: Timestamp
    ) throws -> [(held: HeldInterval, place: Place)] {
        let statement = try connection.statement(
            "SELECT \(columns) FROM interval_versions WHERE calc = ? AND device = ? AND until > ? AND since <= ?")
        try IntervalTable.bind(statement, key)
        try statement.bind(3, moment.microseconds)
        try statement.bind(4, moment.microseconds)
        var found: [(held: HeldInterval, place: Place)] = []
        try statement.forEachRow { row in
            let place = Place(until: row.int64(13), id: row.int64(0), since: row.int64(11))
            found.append((try held(row, key), place))
        }
        return found
    }

    static func find(
        _ connection: Connection, _ key: AssignmentKey, _ place: Place, _ body: (HeldInterval, Statement) throws -> Void
    ) throws {
        let statement = try connection.statement(
            """
            SELECT \(columns) FROM interval_versions
            WHERE calc = ? AND device = ? AND until = ? AND id = ? AND since = ?
            """)
        try IntervalTable.bind(statement, key)
        try statement.bind(3, place.until)
        try statement.bind(4, place.id)
        try statement.bind(5, place.since)
        _ = try statement.first { row in try body(try held(row, key), row) }
    }

    /// Deletes versions that were replaced before a moment, the oldest first; returns how many.
    static func prune(_ connection: Connection, before moment: Timestamp, countMax: Int) throws -> Int {
        var found: [(key: AssignmentKey, place: Place)] = []
        try connection.statement(
            """
            SELECT calc, device, until, id, since FROM interval_versions INDEXED BY interval_versions_by_until
            WHERE until < ? ORDER BY until LIMIT ?
            """, moment.microseconds, countMax
        ).forEachRow { row in
            let key = AssignmentKey(calculator: CalculatorID(row.int64(0)), device: DeviceID(row.int64(1)))
            found.append((key, Place(until: row.int64(2), id: row.int64(3), since: row.int64(4))))
        }
        for (key, places) in Dictionary(grouping: found, by: \.key) {
            try RegistryTables.change(connection, key) { totals in
                for (_, place) in places { try delete(connection, key, place, &totals.versions) }
            }
        }
        return found.count
    }

    private static func held(_ row: Statement, _ key: AssignmentKey) throws -> HeldInterval {
        let held = IntervalTable.uncheckedHeld(row)
        let checksum = checksum(key, held, IntervalTable.details(row), until: row.int64(13))
        guard row.withBlob(9, checksum.value) == row.int64(8) else {
            throw StoreError.corrupt(
                "a version of interval \(held.id) of calculator \(key.calculator) on device \(key.device)")
        }
        return held
    }

    private static func checksum(
        _ key: AssignmentKey, _ held: HeldInterval, _ details: IntervalDetails, until: Int64
    ) -> RowChecksum {
        var details = details
        details.customCount = 0
        var checksum = IntervalTable.checksum(key, held, details)
        checksum.add(until)
        return checksum
    }
}
