import MessageChunks
import SQLiteClient
import Telemetry

/// An assignment with what must be there of it.
struct AssignmentRow: Hashable {
    var record: AssignmentRecord
    var totals = AssignmentTotals()

    init(_ record: AssignmentRecord) { self.record = record }
}

/// The rows that an assignment has: its intervals, their replaced versions, their custom fields.
struct AssignmentTotals: Hashable {
    var intervals = RunningTotal()
    var versions = RunningTotal()
    var fields = RunningTotal()
}

extension RegistryTables {
    static let assignmentColumns = """
        calc, device, enabled, auto_created, log_position, calc_revision, device_revision, last_interval, horizon, \
        interval_count, interval_sum, version_count, version_sum, field_count, field_sum, crc
        """
    private static let assignmentSearch = "SELECT \(assignmentColumns) FROM assignments WHERE device = ? AND calc = ?"
    /// Where the checksum stands among them.
    static let assignmentChecksumColumn: Int32 = 15

    static func assignment(_ row: Statement) throws -> AssignmentRow {
        let found = uncheckedAssignment(row)
        guard checksum(found) == row.int64(assignmentChecksumColumn) else {
            let key = found.record.key
            throw StoreError.corrupt("assignment of calculator \(key.calculator) to device \(key.device)")
        }
        return found
    }

    static func findAssignment(_ connection: Connection, _ key: AssignmentKey) throws -> AssignmentRecord? {
        try findAssignmentRow(connection, key)?.record
    }

    static func findAssignmentRow(_ connection: Connection, _ key: AssignmentKey) throws -> AssignmentRow? {
        let statement = try connection.statement(assignmentSearch)
        try statement.bind(1, key.device.rawValue)
        try statement.bind(2, key.calculator.rawValue)
        return try statement.first(assignment)
    }

    static func totals(_ connection: Connection, _ key: AssignmentKey) throws -> AssignmentTotals {
        try findAssignmentRow(connection, key)?.totals ?? AssignmentTotals()
    }

    /// Writes an assignment over what is there under its key, but for who made it and whether it is enabled.
    static func write(_ connection: Connection, _ row: AssignmentRow) throws {
        try bind(row, to: connection.statement(assignmentUpdate)).run()
        if connection.changeCount == 0 { try bind(row, to: connection.statement(assignmentInsertion)).run() }
    }

    // Nearly every write is over a row that is there, which an update finds in one search. Where it fails, what it is
    // part of is undone: undoing it alone would cost a copy of every page that it and its triggers change.
    private static let assignmentInsertion =
        "INSERT INTO assignments (\(assignmentColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    private static let assignmentUpdate = """
        UPDATE OR FAIL assignments SET log_position = ?5, calc_revision = ?6, device_revision = ?7, last_interval = ?8,
            horizon = ?9, interval_count = ?10, interval_sum = ?11, version_count = ?12, version_sum = ?13,
            field_count = ?14, field_sum = ?15, crc = ?16
        WHERE calc = ?1 AND device = ?2
        """
    private static let flagUpdate =
        "UPDATE OR FAIL assignments SET enabled = ?3, auto_created = ?4, crc = ?16 WHERE calc = ?1 AND device = ?2"

    /// Writes whether an assignment is enabled, and who made it, as it is there.
    static func writeFlags(_ connection: Connection, _ row: AssignmentRow) throws {
        try bind(row, to: connection.statement(flagUpdate)).run()
    }

    private static func bind(_ row: AssignmentRow, to statement: Statement) throws -> Statement {
        for (index, field) in fields(row).enumerated() { try statement.bind(Int32(index + 1), field) }
        try statement.bind(assignmentChecksumColumn + 1, checksum(row))
        return statement
    }

    /// Writes the totals of an assignment if they have changed; one that has ended has none.
    static func change(
        _ connection: Connection, _ key: AssignmentKey, _ body: (inout AssignmentTotals) throws -> Void
    ) throws {
        let present = try findAssignmentRow(connection, key)
        var totals = present?.totals ?? AssignmentTotals()
        try body(&totals)
        guard var row = present, row.totals != totals else { return }
        row.totals = totals
        try write(connection, row)
    }

    /// Gives every assignment the checksum of what it holds.
    static func fillAssignmentChecksums(_ connection: Connection) throws {
        var rows: [AssignmentRow] = []
        try connection.statement("SELECT \(assignmentColumns) FROM assignments").forEachRow { row in
            rows.append(uncheckedAssignment(row))
        }
        for row in rows { try write(connection, row) }
    }

    private static func uncheckedAssignment(_ row: Statement) -> AssignmentRow {
        let key = AssignmentKey(calculator: CalculatorID(row.int64(0)), device: DeviceID(row.int64(1)))
        var found = AssignmentRow(
            AssignmentRecord(
                key: key, isEnabled: row.bool(2), isAutoCreated: row.bool(3),
                marks: AssignmentMarks(
                    logPosition: row.int64(4), calculatorRevision: row.int64(5), deviceRevision: row.int64(6),
                    lastIntervalID: row.int64(7), horizon: Timestamp(microseconds: row.int64(8)))))
        func total(_ column: Int32) -> RunningTotal {
            RunningTotal(count: row.int64(column), sum: row.int64(column + 1))
        }
        found.totals = AssignmentTotals(intervals: total(9), versions: total(11), fields: total(13))
        return found
    }

    private static func fields(_ row: AssignmentRow) -> [Int64] {
        let (record, totals) = (row.record, row.totals)
        return [
            record.key.calculator.rawValue, record.key.device.rawValue, record.isEnabled ? 1 : 0,
            record.isAutoCreated ? 1 : 0, record.marks.logPosition, record.marks.calculatorRevision,
            record.marks.deviceRevision, record.marks.lastIntervalID, record.marks.horizon.microseconds,
            totals.intervals.count, totals.intervals.sum, totals.versions.count, totals.versions.sum,
            totals.fields.count, totals.fields.sum,
        ]
    }

    private static func checksum(_ row: AssignmentRow) -> Int64 {
        var checksum = RowChecksum()
        for field in fields(row) { checksum.add(field) }
        return checksum.valueWithoutBytes
    }
}
