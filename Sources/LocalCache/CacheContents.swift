import MessageChunks
import SQLiteClient
import Telemetry

/// The smaller tables of a cache file as they are read, each row checked, and their numbers of rows too.
struct CacheContents {
    var totals: CacheTotals
    var metas: [String: Int64]
    var entries: PagedTable<DeviceID, DeviceEntry>

    /// Reads all of them.
    init(_ connection: Connection) throws {
        totals = try CacheTotals(connection)
        metas = try Self.metas(connection, totals.metas)
        var devices = RowTotal()
        var assignments = RowTotal()
        entries = try Self.entries(connection)
        for entry in entries.values {
            if let written = entry.written { devices.add(written) }
            for written in entry.assignments.written.values { assignments.add(written) }
        }
        guard devices == totals.devices else { throw CacheError.corrupt("a device's row is missing or not its own") }
        guard assignments == totals.assignments else {
            throw CacheError.corrupt("an assignment's row is missing or not its own")
        }
    }

    private static func metas(_ connection: Connection, _ total: RowTotal) throws -> [String: Int64] {
        var metas: [String: Int64] = [:]
        var found = RowTotal()
        try connection.statement("SELECT key, value, crc FROM meta").forEachRow { row in
            let key = row.text(0)
            metas[key] = row.int64(1)
            guard row.int64(2) == RowChecksum.meta(key, row.int64(1)) else {
                throw CacheError.corrupt("row \(key) of meta")
            }
            found.add(row.int64(2))
        }
        guard found == total else { throw CacheError.corrupt("a row of meta is missing or not its own") }
        return metas
    }

    /// The rows of one device and of its assignments, or of all.
    static func entries(
        _ connection: Connection, of device: DeviceID? = nil
    ) throws -> PagedTable<DeviceID, DeviceEntry> {
        var entries = PagedTable<DeviceID, DeviceEntry>()
        let lower = device?.rawValue ?? .min
        let upper = device?.rawValue ?? .max
        let devices = try connection.statement(
            """
            SELECT device, sealed, latest, chunk_count, chunk_sum, tail_count, tail_sum, tail_messages, crc
            FROM devices WHERE device BETWEEN ? AND ?
            """, lower, upper)
        try devices.forEachRow { row in
            entries[DeviceID(row.int64(0))] = try DeviceEntry(row, DeviceID(row.int64(0)))
        }
        let assignments = try connection.statement(
            """
            SELECT device, calculator, calculator_revision, device_digest, geofence_digest, applied, timer,
            is_calculated, horizon, held_count, held_sum, state_count, state_sum, crc, pending
            FROM assignments WHERE device BETWEEN ? AND ?
            """, lower, upper)
        try assignments.forEachRow { row in
            let key = AssignmentKey(calculator: CalculatorID(row.int64(1)), device: DeviceID(row.int64(0)))
            let entry = try AssignmentEntry(row, key)
            entries[key.device, default: DeviceEntry()].assignments[key.calculator] = entry
        }
        return entries
    }
}

extension CacheTotals {
    init(_ connection: Connection) throws {
        let statement = try connection.statement(
            """
            SELECT position, meta_count, meta_sum, device_count, device_sum, assignment_count, assignment_sum, crc
            FROM totals WHERE id = 0
            """)
        let read = try statement.first { row in
            let totals = CacheTotals(
                position: row.int64(0), metas: RowTotal(row, 1), devices: RowTotal(row, 3),
                assignments: RowTotal(row, 5))
            guard RowChecksum.totals(totals) == row.int64(7) else { throw CacheError.corrupt("its totals") }
            return totals
        }
        guard let read else { throw CacheError.corrupt("its totals are missing") }
        self = read
    }

    func write(to connection: Connection) throws {
        let statement = try connection.statement(
            "INSERT OR REPLACE INTO totals VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?)")
        try statement.bind(1, position)
        for (index, total) in [metas, devices, assignments].enumerated() {
            try statement.bind(Int32(2 + 2 * index), total.count)
            try statement.bind(Int32(3 + 2 * index), total.sum)
        }
        try statement.bind(8, RowChecksum.totals(self))
        try statement.run()
    }
}

extension DeviceEntry {
    fileprivate init(_ row: Statement, _ device: DeviceID) throws {
        sealed = row.optionalInt64(1)
        latest = row.optionalInt64(2).map { Timestamp(microseconds: $0) }
        chunks = RowTotal(row, 3)
        tail = RowTotal(row, 5)
        tailMessageCount = row.int64(7)
        written = row.int64(8)
        guard RowChecksum.device(device, self) == written else { throw CacheError.corrupt("row of device \(device)") }
    }
}

extension AssignmentEntry {
    fileprivate init(_ row: Statement, _ key: AssignmentKey) throws {
        cached = row.optionalInt64(2).map { revision in
            CachedAssignment(
                key: key, calculatorRevision: revision, deviceDigest: UInt64(bitPattern: row.int64(3)),
                geofenceDigest: UInt64(bitPattern: row.int64(4)), applied: row.int64(5),
                timer: row.optionalInt64(6).map { Timestamp(microseconds: $0) }, isCalculated: row.bool(7),
                horizon: Timestamp(microseconds: row.int64(8)))
        }
        held = RowTotal(row, 9)
        states = RowTotal(row, 11)
        written = row.int64(13)
        pending = row.bytes(14)
        guard RowChecksum.assignment(key, self) == written else {
            throw CacheError.corrupt("row of calculator \(key.calculator) on device \(key.device)")
        }
    }
}

extension RowTotal {
    init(_ row: Statement, _ column: Int32) {
        self.init(count: row.int64(column), sum: row.int64(column + 1))
    }
}
