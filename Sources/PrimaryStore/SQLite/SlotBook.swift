import SQLiteClient
import Telemetry

/// The rows of the log of one slot, and its time.
struct LogTotal: Hashable {
    var rows = RunningTotal()
    /// The greatest acceptance stamp of its messages, or tick.
    var time = Timestamp.distantPast
}

/// The slots as the writer's transaction has them; what it changes is written once, before the commit.
///
/// A part of a transaction that fails is undone by noting what it replaced: copying everything for each part would cost
/// more than the part.
struct SlotBook {
    private var rows: [Slot: SlotRow] = [:]
    private(set) var logs: [LogTotal]
    private var isLogChanged = false
    private var replacedRows: [(slot: Slot, row: SlotRow?)] = []
    private var replacedLogs: [(slot: Slot, log: LogTotal)] = []

    init(_ connection: Connection) throws { logs = try LogTotals.load(connection) }

    func row(_ connection: Connection, _ slot: Slot) throws -> SlotRow {
        try rows[slot] ?? SlotTable.find(connection, slot)
    }

    mutating func set(_ row: SlotRow) {
        replacedRows.append((row.slot, rows.updateValue(row, forKey: row.slot)))
    }

    mutating func changeLog(_ slot: Slot, _ body: (inout LogTotal) -> Void) {
        let index = Int(slot.rawValue)
        replacedLogs.append((slot, logs[index]))
        body(&logs[index])
        isLogChanged = true
    }

    /// Begins a part that can be undone.
    mutating func beginPart() {
        replacedRows.removeAll(keepingCapacity: true)
        replacedLogs.removeAll(keepingCapacity: true)
    }

    mutating func undoPart() {
        for (slot, row) in replacedRows.reversed() { rows[slot] = row }
        for (slot, log) in replacedLogs.reversed() { logs[Int(slot.rawValue)] = log }
        beginPart()
    }

    /// Writes what was changed.
    func flush(_ connection: Connection) throws {
        for row in rows.values { try SlotTable.write(connection, row) }
        if isLogChanged { try LogTotals.write(connection, logs) }
    }

    /// Ends a transaction; the totals of the log stay known.
    mutating func endTransaction() {
        rows.removeAll(keepingCapacity: true)
        isLogChanged = false
        beginPart()
    }
}

/// The one row of the table `log_totals`: an append of any number of batches writes it once.
enum LogTotals {
    private static let byteCount = 24

    static func load(_ connection: Connection) throws -> [LogTotal] {
        guard let bytes = try CheckedTable.logTotals.find(connection, 1)?[1].blob,
            bytes.count == Slot.count * byteCount
        else { throw StoreError.corrupt("the totals of the log are missing") }
        return bytes.withUnsafeBytes { bytes in
            (0..<Slot.count).map { slot in
                func field(_ index: Int) -> Int64 {
                    Int64(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: slot * byteCount + index * 8, as: Int64.self))
                }
                return LogTotal(
                    rows: RunningTotal(count: field(0), sum: field(1)), time: Timestamp(microseconds: field(2)))
            }
        }
    }

    static func write(_ connection: Connection, _ logs: [LogTotal]) throws {
        precondition(logs.count == Slot.count, "there is a total for every slot")
        var fields: [Int64] = []
        fields.reserveCapacity(3 * logs.count)
        for log in logs {
            fields.append(log.rows.count.littleEndian)
            fields.append(log.rows.sum.littleEndian)
            fields.append(log.time.microseconds.littleEndian)
        }
        let bytes = fields.withUnsafeBytes { Array($0) }
        try CheckedTable.logTotals.put(connection, [.integer(1), .blob(bytes)])
    }
}
