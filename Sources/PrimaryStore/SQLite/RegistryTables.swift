import MessageChunks
import SQLiteClient
import Telemetry

/// The rows of devices, calculators and assignments, checked against their CRC.
enum RegistryTables {
    static let deviceColumns = "id, ident, name, json, revision, crc"
    static let calculatorColumns = "id, name, json, revision, crc"

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

    static func findDevice(_ connection: Connection, _ id: DeviceID) throws -> DeviceRecord? {
        try connection.statement("SELECT \(deviceColumns) FROM devices WHERE id = ?", id.rawValue).first(device)
    }

    static func findCalculator(_ connection: Connection, _ id: CalculatorID) throws -> CalculatorRecord? {
        try connection.statement("SELECT \(calculatorColumns) FROM calcs WHERE id = ?", id.rawValue)
            .first(calculator)
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
}
