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
        let statement = try connection.statement(
            """
            SELECT fields.id, fields.crc, fields.json, intervals.first_on FROM interval_fields AS fields
            CROSS JOIN intervals INDEXED BY intervals_by_id
            WHERE fields.calc = ?1 AND fields.device = ?2
                AND intervals.calc = ?1 AND intervals.device = ?2 AND intervals.id = fields.id
            ORDER BY fields.id
            """)
        try IntervalTable.bind(statement, key)
        var found: [IntervalFields] = []
        try statement.forEachRow { row in
            _ = try fields(row, key)
            found.append(
                IntervalFields(id: row.int64(0), firstOn: Timestamp(microseconds: row.int64(3)), json: row.text(2)))
        }
        return found
    }

    /// Writes the fields of an interval over those that are there; without any there is no row.
    static func write(_ connection: Connection, _ key: AssignmentKey, id: Int64, _ fields: CustomFields) throws {
        guard !fields.isEmpty else { return try delete(connection, key, id: id) }
        let statement = try connection.statement("INSERT OR REPLACE INTO interval_fields VALUES (?, ?, ?, ?, ?)")
        let json = fields.json
        try IntervalTable.bind(statement, key)
        try statement.bind(3, id)
        try statement.bind(4, checksum(key, id, json))
        try statement.bind(5, json)
        try statement.run()
    }

    static func delete(_ connection: Connection, _ key: AssignmentKey, id: Int64) throws {
        let statement = try connection.statement(
            "DELETE FROM interval_fields WHERE calc = ? AND device = ? AND id = ?")
        try IntervalTable.bind(statement, key)
        try statement.bind(3, id)
        try statement.run()
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
