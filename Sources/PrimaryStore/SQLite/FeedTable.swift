import MessageChunks
import SQLiteClient
import Telemetry

/// The rows of the table `feed`: one slot's changes of intervals, numbered.
enum FeedTable {
    /// Writes a row and returns its checksum; the slot's total is the caller's.
    static func append(_ connection: Connection, _ row: FeedRow) throws -> Int64 {
        let checksum = checksum(row)
        let statement = try connection.statement("INSERT INTO feed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        try statement.bind(1, Int64(row.slot.rawValue))
        try statement.bind(2, row.revision)
        try statement.bind(3, row.operation.number)
        try statement.bind(4, row.key.calculator.rawValue)
        try statement.bind(5, row.key.device.rawValue)
        try statement.bind(6, row.id)
        try statement.bind(7, row.begin.microseconds)
        try statement.bind(8, row.end.microseconds)
        try statement.bind(9, row.timestamp.microseconds)
        try statement.bind(10, checksum)
        if let json = row.json { try statement.bind(11, json) } else { try statement.bindNull(11) }
        try statement.run()
        return checksum
    }

    /// Rows after a revision until a limit, with one row at least if there is any.
    static func rows(
        _ connection: Connection, _ slot: Slot, _ after: Int64, _ countMax: Int, byteCountMax: Int = .max,
        _ withBodies: Bool
    ) throws -> [FeedRow] {
        let statement = try connection.statement(
            """
            SELECT rev, operation, calc, device, id, begin_at, end_at, timestamp, crc, json FROM feed
            WHERE slot = ? AND rev > ? ORDER BY rev LIMIT ?
            """, Int(slot.rawValue), after, countMax)
        var rows: [FeedRow] = []
        var byteCount = 0
        var isCut = false
        try statement.forEachRowWhile { row in
            var change = try self.row(row, slot)
            if withBodies, change.operation != .deleted { try addBody(connection, &change) }
            byteCount += change.json?.count ?? 0
            isCut = byteCount > byteCountMax && !rows.isEmpty
            if !isCut { rows.append(change) }
            return !isCut
        }
        let slotRow = try SlotTable.find(connection, slot)
        try checkCursor(connection, slotRow, after)
        try checkNumbers(rows, slotRow, after, isWhole: rows.count < countMax && !isCut)
        return rows
    }

    /// What the interval of a row is by now: all of it, since a text beside an earlier begin would be neither.
    private static func addBody(_ connection: Connection, _ change: inout FeedRow) throws {
        guard let stored = try IntervalTable.find(connection, change.key, id: change.id, IntervalTable.stored) else {
            return
        }
        change.json = stored.json
        (change.begin, change.end) = (stored.begin, stored.end)
        change.timestamp = max(change.timestamp, stored.timestamp)
        (change.isActive, change.calculatorRevision) = (stored.isActive, stored.calculatorRevision)
    }

    /// Refuses to go on after a row that was dropped since: whoever read it may have missed others too.
    private static func checkCursor(_ connection: Connection, _ slot: SlotRow, _ after: Int64) throws {
        guard after > 0, after < slot.trimmedRevision else { return }
        let row = try connection.integer(
            "SELECT 1 FROM feed WHERE slot = ? AND rev = ?", Int(slot.slot.rawValue), after)
        if row == nil { throw StoreError.cursorTooOld(slot: slot.slot, snapshotRevision: slot.revision) }
    }

    /// Throws if a row has vanished between these or behind them.
    private static func checkNumbers(_ rows: [FeedRow], _ slot: SlotRow, _ after: Int64, isWhole: Bool) throws {
        let name = "feed of slot \(slot.slot.rawValue)"
        guard after <= slot.revision else { return }
        var last = max(after, slot.trimmedRevision)
        for row in rows where row.revision > slot.trimmedRevision {
            guard row.revision == last + 1 else {
                throw StoreError.corrupt("\(name): row \(last + 1) is missing")
            }
            last = row.revision
        }
        if isWhole, last < slot.revision { throw StoreError.corrupt("\(name): row \(last + 1) is missing") }
    }

    static func row(_ row: Statement, _ slot: Slot) throws -> FeedRow {
        let name = "feed row \(row.int64(0)) of slot \(slot.rawValue)"
        guard let operation = ChangeOperation(number: row.int64(1)) else { throw StoreError.corrupt(name) }
        let result = FeedRow(
            slot: slot, revision: row.int64(0), operation: operation,
            key: AssignmentKey(calculator: CalculatorID(row.int64(2)), device: DeviceID(row.int64(3))),
            id: row.int64(4), begin: Timestamp(microseconds: row.int64(5)), end: Timestamp(microseconds: row.int64(6)),
            timestamp: Timestamp(microseconds: row.int64(7)), json: row.optionalBytes(9))
        guard checksum(result) == row.int64(8) else { throw StoreError.corrupt(name) }
        return result
    }

    private static func checksum(_ row: FeedRow) -> Int64 {
        var checksum = RowChecksum(row.key)
        checksum.add(Int64(row.slot.rawValue))
        checksum.add(row.revision)
        checksum.add(row.operation.number)
        checksum.add(row.id)
        checksum.add(row.begin)
        checksum.add(row.end)
        checksum.add(row.timestamp)
        return row.json.map { checksum.value($0) } ?? checksum.valueWithoutBytes
    }
}

extension FeedRow {
    /// A row that tells of an interval that goes; its number is given when it is appended.
    init(deleting held: HeldInterval, of key: AssignmentKey, json: [UInt8], at moment: Timestamp) {
        self.init(
            slot: Slot(device: key.device), revision: 0, operation: .deleted, key: key, id: held.id, begin: held.begin,
            end: held.end, timestamp: moment, json: json)
    }
}

extension ChangeOperation {
    /// The number of the operation in the file; never changed.
    fileprivate var number: Int64 {
        switch self {
        case .deleted: 0
        case .created: 1
        case .updated: 2
        case .activated: 3
        case .deactivated: 4
        }
    }

    fileprivate init?(number: Int64) {
        guard let found = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = found
    }
}
