import MessageChunks
import SQLiteClient
import Telemetry

/// A row of the saved states without the state's bytes.
struct StateRow {
    var key: AssignmentKey
    var moment: Int64
    var pendingFrom: Int64?
    var isLast: Bool
    var count: Int64
    /// Stands for the bytes: their checksum.
    var body: Int64

    var checksum: Int64 {
        RowChecksum.state(
            key, moment: moment, pendingFrom: pendingFrom, isLast: isLast, count: count, body: body)
    }
}

extension StateRow {
    init(_ key: AssignmentKey, _ state: SavedState) {
        self.init(
            key: key, moment: state.moment.microseconds, pendingFrom: state.pendingFrom?.microseconds,
            isLast: state.isLast, count: Int64(state.count), body: Int64(crc32c(state.bytes)))
    }

    /// Reads a row, from its calculator to its checksum, and compares the last with the others.
    init(_ row: Statement, of device: DeviceID) throws(CacheError) {
        self.init(
            key: AssignmentKey(calculator: CalculatorID(row.int64(0)), device: device), moment: row.int64(1),
            pendingFrom: row.optionalInt64(2), isLast: row.bool(3), count: row.int64(4), body: row.int64(5))
        guard checksum == row.int64(6) else { throw .corrupt(what) }
    }

    /// The state with the bytes of a column, which must be those that the row was written with.
    func state(_ row: Statement, _ column: Int32) throws(CacheError) -> SavedState {
        let bytes = row.bytes(column)
        guard Int64(crc32c(bytes)) == body else { throw .corrupt(what) }
        return SavedState(
            moment: Timestamp(microseconds: moment),
            pendingFrom: pendingFrom.map { Timestamp(microseconds: $0) }, isLast: isLast, count: Int(count),
            bytes: bytes)
    }

    /// Binds all but the bytes, from the device on.
    func bind(to statement: Statement) throws(SQLiteError) -> Statement {
        try statement.bind(1, key.device.rawValue)
        try statement.bind(2, key.calculator.rawValue)
        try statement.bind(3, moment)
        if let pendingFrom { try statement.bind(4, pendingFrom) } else { try statement.bindNull(4) }
        try statement.bind(5, Int64(isLast ? 1 : 0))
        try statement.bind(6, count)
        try statement.bind(7, body)
        try statement.bind(8, checksum)
        return statement
    }

    private var what: String { "a state of calculator \(key.calculator) on device \(key.device)" }
}
