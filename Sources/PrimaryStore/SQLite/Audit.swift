import SQLiteClient
import Telemetry

/// Reads everything of some slots, and of what belongs to no slot, and compares it with what is noted.
///
/// Each slot is read in a transaction of its own, so that none holds the write-ahead log for long.
struct Audit {
    /// More findings than this are not looked for.
    static let findingCountMax = 1000

    private(set) var findings: [String] = []
    /// The streams of messages of each slot, and the assignments, as of a revision of the registry.
    private var streams: [Slot: [DeviceID]] = [:]
    private var keys: [Slot: [AssignmentKey]] = [:]
    private var registryRevision: Int64?

    /// Looks at one slot, inside a read transaction.
    mutating func look(at slot: Slot, _ connection: Connection) {
        guard findings.count < Self.findingCountMax else { return }
        attempt { audit in
            try audit.listStreams(connection)
            let row = try SlotTable.find(connection, slot)
            let log = try LogTotals.load(connection)[Int(slot.rawValue)]
            audit.attempt { try $0.lookAtFeed(row, connection) }
            audit.attempt { try $0.lookAtLog(slot, log, connection) }
            for device in audit.streams[slot] ?? [] { audit.attempt { try $0.lookAtChunks(device, connection) } }
            for key in audit.keys[slot] ?? [] { audit.attempt { try $0.look(at: key, connection) } }
        }
    }

    /// Looks at what belongs to no slot, table by table.
    mutating func look(at table: String, _ connection: Connection) {
        if Totals.tables.contains(table) { attempt { _ in try Totals.check(connection, table) } }
        attempt { audit in
            if let damage = try connection.statement("PRAGMA integrity_check(\(table))").first({ $0.text(0) }),
                damage != "ok"
            {
                audit.findings.append("\(table): \(damage)")
            }
        }
        attempt { audit in
            if let checked = CheckedTable.all.first(where: { $0.name == table }) {
                try checked.forEach(connection) { _ in }
            } else {
                try Self.readRegistry(table, connection)
            }
        }
    }

    /// Looks at the index by which sealed chunks are found: it must have the rows of the table.
    mutating func lookAtSealedIndex(_ connection: Connection) {
        attempt { audit in
            func sums(_ index: String) throws -> [Int64] {
                let sql = "SELECT COUNT(*), SUM(upto), SUM(device) FROM chunks \(index)"
                return try connection.statement(sql).first { row in (0..<3).map { row.int64($0) } } ?? []
            }
            if try sums("INDEXED BY chunks_by_upto") != sums("NOT INDEXED") {
                audit.findings.append("the index of chunks by what they cover is not that of its rows")
            }
        }
    }

    /// Notes what a look throws, and goes on.
    private mutating func attempt(_ body: (inout Audit) throws -> Void) {
        do { try body(&self) } catch {
            let error = StoreError(wrapping: error)
            if case .corrupt(let what) = error { findings.append(what) } else { findings.append("\(error)") }
        }
    }

    private mutating func note(_ difference: String?) {
        if let difference { findings.append(difference) }
    }
}

// MARK: - What there is

extension Audit {
    /// Streams and assignments come and go with a change of the registry only.
    private mutating func listStreams(_ connection: Connection) throws {
        let revision = try MetaTable.value(connection, "registry_revision") ?? 0
        guard revision != registryRevision else { return }
        streams = [:]
        keys = [:]
        var seen: Set<DeviceID> = []
        try connection.statement("SELECT id FROM devices ORDER BY id").forEachRow { row in
            let device = DeviceID(row.int64(0))
            if seen.insert(device).inserted { streams[Slot(device: device), default: []].append(device) }
        }
        try connection.statement("SELECT calc, device FROM assignments ORDER BY device, calc").forEachRow { row in
            let key = AssignmentKey(calculator: CalculatorID(row.int64(0)), device: DeviceID(row.int64(1)))
            keys[Slot(device: key.device), default: []].append(key)
        }
        registryRevision = revision
    }

    private static func readRegistry(_ table: String, _ connection: Connection) throws {
        func read<Row>(_ columns: String, _ make: (Statement) throws -> Row) throws {
            try connection.statement("SELECT \(columns) FROM \(table)").forEachRow { _ = try make($0) }
        }
        switch table {
        case "devices": try read(RegistryTables.deviceColumns, RegistryTables.device)
        case "calcs": try read(RegistryTables.calculatorColumns, RegistryTables.calculator)
        case "calc_revisions": try read("calc, name, json, revision, crc", RegistryTables.calculator)
        case "assignments": try read(RegistryTables.assignmentColumns, RegistryTables.assignment)
        case "entities": try read(EntityTables.entityColumns, EntityTables.entity)
        case "links": try read(EntityTables.linkColumns, EntityTables.link)
        case "asset_intervals": try read(EntityTables.assetColumns, EntityTables.assetInterval)
        default: break
        }
    }
}

// MARK: - One slot

extension Audit {
    private mutating func lookAtFeed(_ slot: SlotRow, _ connection: Connection) throws {
        var present = RunningTotal()
        try connection.statement(
            """
            SELECT rev, operation, calc, device, id, begin_at, end_at, timestamp, crc, json FROM feed
            WHERE slot = ? ORDER BY rev
            """, Int(slot.slot.rawValue)
        ).forEachRow { row in
            present.add(row.int64(8))
            attempt { _ in _ = try FeedTable.row(row, slot.slot) }
        }
        note(present.difference(from: slot.feed, "feed rows of slot \(slot.slot.rawValue)"))
    }

    private mutating func lookAtLog(_ slot: Slot, _ log: LogTotal, _ connection: Connection) throws {
        var present = RunningTotal()
        try connection.statement(
            "SELECT position, device, count, crc, bytes FROM log WHERE slot = ? ORDER BY position",
            Int(slot.rawValue)
        ).forEachRow { row in
            present.add(row.int64(3))
            attempt { _ in
                let entry = try LogEntry(row)
                guard Slot(device: entry.device) == slot else {
                    throw StoreError.corrupt("the slot of the log batch at position \(entry.position)")
                }
            }
        }
        note(present.difference(from: log.rows, "log batches of slot \(slot.rawValue)"))
    }

    private mutating func lookAtChunks(_ device: DeviceID, _ connection: Connection) throws {
        for chunk in try DamageScan(connection, device).damaged {
            findings.append("device \(device): \(chunk.reason)")
        }
    }

    private mutating func look(at key: AssignmentKey, _ connection: Connection) throws {
        let noted = try RegistryTables.totals(connection, key)
        var intervals = RunningTotal()
        var places: [Int64: Timestamp] = [:]
        try IntervalTable.forEach(connection, key, IntervalQuery()) { held, row in
            intervals.add(row.int64(8))
            places[held.id] = held.firstOn
        }
        note(intervals.difference(from: noted.intervals, "intervals of \(key.words)"))
        if try IntervalTable.indexed(connection, key) != places {
            findings.append("the index of the intervals of \(key.words) is not that of its rows")
        }
        var versions = RunningTotal()
        try VersionTable.forEach(connection, key) { _, _, checksum in versions.add(checksum) }
        note(versions.difference(from: noted.versions, "versions of intervals of \(key.words)"))
        var fields = RunningTotal()
        try FieldsTable.forEach(connection, key) { _, _, checksum in fields.add(checksum) }
        note(fields.difference(from: noted.fields, "custom fields of \(key.words)"))
    }
}

extension IntervalTable {
    /// The first ON messages of an assignment's intervals by their ids, as the index has them.
    fileprivate static func indexed(_ connection: Connection, _ key: AssignmentKey) throws -> [Int64: Timestamp] {
        let statement = try connection.statement(
            "SELECT id, first_on FROM intervals INDEXED BY intervals_by_id WHERE calc = ? AND device = ?")
        try bind(statement, key)
        var places: [Int64: Timestamp] = [:]
        try statement.forEachRow { places[$0.int64(0)] = Timestamp(microseconds: $0.int64(1)) }
        return places
    }
}

extension SQLitePrimaryStore {
    package func audit(slots: SlotSet) throws(StoreError) -> [String] {
        var audit = Audit()
        for slot in slots.slots {
            try read { connection in
                try connection.transaction(isWriting: false) { audit.look(at: slot, connection) }
            }
        }
        return slots == .all ? audit.findings + (try auditTables()) : audit.findings
    }
}
