import MessageChunks
import SQLiteClient
import Telemetry

/// The rows of the table `interval_fields`: the custom fields of the intervals that have any.
enum FieldsTable {
    /// Whether any interval of an assignment has fields: one look into the index.
    static func hasAny(_ connection: Connection, _ key: AssignmentKey) throws -> Bool {
        let statement = try connection.statement("SELECT 1 FROM interval_fields WHERE calc = ? AND device = ? LIMIT 1")
        try IntervalTable.bind(statement, key)
        return try statement.first { _ in true } ?? false
    }

    static func find(_ connection: Connection, _ key: AssignmentKey, id: Int64) throws -> CustomFields? {
        let statement = try connection.statement(
            "SELECT id, crc, json FROM interval_fields WHERE calc = ? AND device = ? AND id = ?")
        try IntervalTable.bind(statement, key)
        try statement.bind(3, id)
        return try statement.first { row in try fields(row, key) }
    }

    /// All of an assignment, with the first ON messages of their intervals, in the order of ids.
    static func all(_ connection: Connection, _ key: AssignmentKey) throws -> [IntervalFields] {
        var rows: [(id: Int64, json: String)] = []
        try forEach(connection, key) { id, json, _ in rows.append((id, json)) }
        return try rows.compactMap { row in
            let firstOn = try IntervalTable.find(connection, key, id: row.id) { held, _ in held.firstOn }
            return firstOn.map { IntervalFields(id: row.id, firstOn: $0, json: row.json) }
        }
    }

    /// Calls the body at the fields of each interval, with the checksum of the row, in the order of ids.
    static func forEach(
        _ connection: Connection, _ key: AssignmentKey, _ body: (_ id: Int64, _ json: String, Int64) throws -> Void
    ) throws {
        let statement = try connection.statement(
            "SELECT id, crc, json FROM interval_fields WHERE calc = ? AND device = ? ORDER BY id")
        try IntervalTable.bind(statement, key)
        try statement.forEachRow { row in
            _ = try fields(row, key)
            try body(row.int64(0), row.text(2), row.int64(1))
        }
    }

    /// Writes the fields of an interval over those that are there; without any there is no row.
    static func write(
        _ connection: Connection, _ key: AssignmentKey, id: Int64, _ fields: CustomFields, _ total: inout RunningTotal
    ) throws {
        try delete(connection, key, id: id, &total)
        guard !fields.isEmpty else { return }
        let statement = try connection.statement("INSERT INTO interval_fields VALUES (?, ?, ?, ?, ?)")
        let json = fields.json
        let checksum = checksum(key, id, json)
        try IntervalTable.bind(statement, key)
        try statement.bind(3, id)
        try statement.bind(4, checksum)
        try statement.bind(5, json)
        try statement.run()
        total.add(checksum)
    }

    static func delete(
        _ connection: Connection, _ key: AssignmentKey, id: Int64, _ total: inout RunningTotal
    ) throws {
        let rows = "interval_fields WHERE calc = ? AND device = ? AND id = ?"
        let present = try connection.statement("SELECT crc FROM \(rows)")
        let statement = try connection.statement("DELETE FROM \(rows)")
        for statement in [present, statement] {
            try IntervalTable.bind(statement, key)
            try statement.bind(3, id)
        }
        guard let checksum = try present.first({ $0.int64(0) }) else { return }
        try statement.run()
        total.remove(checksum)
    }

    private static func fields(_ row: Statement, _ key: AssignmentKey) throws -> CustomFields {
        let json = row.text(2)
        guard checksum(key, row.int64(0), json) == row.int64(1),
            let members = (try? JSONValue(parsing: json))?.members
        else {
            throw StoreError.corrupt(
                "fields of interval \(row.int64(0)) of calculator \(key.calculator) on device \(key.device)")
        }
        return CustomFields(members)
    }

    private static func checksum(_ key: AssignmentKey, _ id: Int64, _ json: String) -> Int64 {
        var checksum = RowChecksum(key)
        checksum.add(id)
        return checksum.value(Array(json.utf8))
    }
}
