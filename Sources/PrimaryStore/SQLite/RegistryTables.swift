import SQLiteClient
import Telemetry

/// The rows of devices, calculators and assignments, checked against their CRC.
enum RegistryTables {
    static let deviceColumns = "id, ident, name, json, revision, crc"
    static let calculatorColumns = "id, name, json, revision, crc"
    static let assignmentColumns = """
        calc, device, enabled, auto_created, log_position, calc_revision, device_revision, last_interval, horizon, crc
        """

    static func device(_ row: Statement) throws -> DeviceRecord {
        let record = DeviceRecord(
            id: DeviceID(row.int64(0)), ident: row.text(1), name: row.text(2), json: row.text(3),
            revision: row.int64(4))
        guard checksum(record) == row.int64(5) else { throw StoreError.corrupt("device \(record.id)") }
        return record
    }

    static func calculator(_ row: Statement) throws -> CalculatorRecord {
        let record = CalculatorRecord(
            id: CalculatorID(row.int64(0)), name: row.text(1), json: row.text(2), revision: row.int64(3))
        guard checksum(record) == row.int64(4) else {
            throw StoreError.corrupt("calculator \(record.id), revision \(record.revision)")
        }
        return record
    }

    static func assignment(_ row: Statement) throws -> AssignmentRecord {
        let key = AssignmentKey(calculator: CalculatorID(row.int64(0)), device: DeviceID(row.int64(1)))
        let record = AssignmentRecord(
            key: key, isEnabled: row.bool(2), isAutoCreated: row.bool(3),
            marks: AssignmentMarks(
                logPosition: row.int64(4), calculatorRevision: row.int64(5), deviceRevision: row.int64(6),
                lastIntervalID: row.int64(7), horizon: Timestamp(microseconds: row.int64(8))))
        guard checksum(record) == row.int64(9) else {
            throw StoreError.corrupt("assignment of calculator \(key.calculator) to device \(key.device)")
        }
        return record
    }

    static func findAssignment(_ connection: Connection, _ key: AssignmentKey) throws -> AssignmentRecord? {
        let statement = try connection.statement(
            "SELECT \(assignmentColumns) FROM assignments WHERE device = ? AND calc = ?")
        try statement.bind(1, key.device.rawValue)
        try statement.bind(2, key.calculator.rawValue)
        return try statement.first(assignment)
    }

    static func findDevice(_ connection: Connection, _ id: DeviceID) throws -> DeviceRecord? {
        try connection.statement("SELECT \(deviceColumns) FROM devices WHERE id = ?", id.rawValue).first(device)
    }

    static func findCalculator(_ connection: Connection, _ id: CalculatorID) throws -> CalculatorRecord? {
        try connection.statement("SELECT \(calculatorColumns) FROM calcs WHERE id = ?", id.rawValue)
            .first(calculator)
    }

    /// Writes an assignment over what is there under its key.
    static func write(_ connection: Connection, _ record: AssignmentRecord) throws {
        let statement = try connection.statement(
            "INSERT OR REPLACE INTO assignments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        try statement.bind(1, record.key.calculator.rawValue)
        try statement.bind(2, record.key.device.rawValue)
        try statement.bind(3, record.isEnabled ? 1 : 0 as Int64)
        try statement.bind(4, record.isAutoCreated ? 1 : 0 as Int64)
        try statement.bind(5, record.marks.logPosition)
        try statement.bind(6, record.marks.calculatorRevision)
        try statement.bind(7, record.marks.deviceRevision)
        try statement.bind(8, record.marks.lastIntervalID)
        try statement.bind(9, record.marks.horizon.microseconds)
        try statement.bind(10, checksum(record))
        try statement.run()
    }

    static func checksum(_ record: DeviceRecord) -> Int64 {
        var checksum = RowChecksum()
        checksum.add(record.id.rawValue)
        checksum.add(record.ident)
        checksum.add(record.name)
        checksum.add(record.revision)
        return checksum.value(Array(record.json.utf8))
    }

    static func checksum(_ record: CalculatorRecord) -> Int64 {
        var checksum = RowChecksum()
        checksum.add(record.id.rawValue)
        checksum.add(record.name)
        checksum.add(record.revision)
        return checksum.value(Array(record.json.utf8))
    }

    private static func checksum(_ record: AssignmentRecord) -> Int64 {
        var checksum = RowChecksum(record.key)
        checksum.add(record.isEnabled ? 1 : 0)
        checksum.add(record.isAutoCreated ? 1 : 0)
        checksum.add(record.marks.logPosition)
        checksum.add(record.marks.calculatorRevision)
        checksum.add(record.marks.deviceRevision)
        checksum.add(record.marks.lastIntervalID)
        checksum.add(record.marks.horizon)
        return checksum.valueWithoutBytes
    }
}
