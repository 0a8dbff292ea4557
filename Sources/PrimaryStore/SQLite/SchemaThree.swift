import MessageChunks
import SQLiteClient
import Telemetry

/// The third step of the schema: horizons, messages kept apart, held jobs, settings, damaged chunks, and a checksum and
/// a running total for everything that had none.
enum SchemaThree {
    static let version: Int64 = 3
    static let migration = Schema.Migration(sql: tables + columns + sums, fill: fill)

    private static let tables = """
        CREATE TABLE horizons (
            device INTEGER PRIMARY KEY, horizon INTEGER NOT NULL, crc INTEGER NOT NULL);
        CREATE TABLE horizon_states (
            calc INTEGER NOT NULL, device INTEGER NOT NULL, calc_revision INTEGER NOT NULL, bytes BLOB NOT NULL,
            crc INTEGER NOT NULL, PRIMARY KEY (device, calc)) WITHOUT ROWID;
        CREATE TABLE apart_messages (
            device INTEGER NOT NULL, id INTEGER NOT NULL, reason TEXT NOT NULL, timestamp INTEGER,
            accepted INTEGER NOT NULL, json TEXT NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (device, id))
            WITHOUT ROWID;
        CREATE TABLE apart_counts (
            device INTEGER NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, dropped INTEGER NOT NULL,
            crc INTEGER NOT NULL, PRIMARY KEY (device, reason)) WITHOUT ROWID;
        CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE damaged_chunks (
            id INTEGER PRIMARY KEY, device INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
            count INTEGER NOT NULL, upto INTEGER NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL,
            bytes BLOB NOT NULL, crc INTEGER NOT NULL);
        CREATE INDEX damaged_chunks_by_device ON damaged_chunks (device);
        CREATE TABLE chunk_months (
            device INTEGER NOT NULL, month INTEGER NOT NULL, count INTEGER NOT NULL, sum INTEGER NOT NULL,
            PRIMARY KEY (device, month)) WITHOUT ROWID;
        CREATE TABLE log_totals (id INTEGER PRIMARY KEY, totals BLOB NOT NULL, crc INTEGER NOT NULL);
        CREATE TABLE totals (name TEXT PRIMARY KEY, count INTEGER NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID;

        """

    private static let columns = """
        ALTER TABLE jobs ADD COLUMN outcome TEXT NOT NULL DEFAULT 'done';
        CREATE INDEX jobs_held ON jobs (id) WHERE outcome = 'held';
        ALTER TABLE meta ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE parameters ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE archive_marks ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE ended_assignments ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE jobs ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE tokens ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE slots ADD COLUMN feed_count INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE slots ADD COLUMN feed_sum INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE slots ADD COLUMN trimmed INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE slots ADD COLUMN crc INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE assignments ADD COLUMN interval_count INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE assignments ADD COLUMN interval_sum INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE assignments ADD COLUMN version_count INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE assignments ADD COLUMN version_sum INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE assignments ADD COLUMN field_count INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE assignments ADD COLUMN field_sum INTEGER NOT NULL DEFAULT 0;

        """

    /// A sum is of the rows' checksums, each of 32 bits.
    private static let sums = """
        UPDATE slots SET
            feed_count = (SELECT COUNT(*) FROM feed WHERE feed.slot = slots.slot),
            feed_sum = (SELECT COALESCE(SUM(crc), 0) FROM feed WHERE feed.slot = slots.slot);
        """ + ["interval", "version", "field"].map(assignmentSums).joined()

    private static func assignmentSums(_ name: String) -> String {
        let table = name == "interval" ? "intervals" : "interval_\(name)s"
        let rows = "FROM \(table) AS t WHERE t.calc = assignments.calc AND t.device = assignments.device"
        return """

            UPDATE assignments SET \(name)_count = (SELECT COUNT(*) \(rows)),
                \(name)_sum = (SELECT COALESCE(SUM(crc), 0) \(rows));
            """
    }

    /// The tables of later steps.
    private static let later: Set = ["device_drivers"]

    @Sendable
    private static func fill(_ connection: Connection) throws {
        for table in CheckedTable.all where !later.contains(table.name) { try table.fillChecksums(connection) }
        try fillSlots(connection)
        try RegistryTables.fillAssignmentChecksums(connection)
        try ChunkMonths.fill(connection)
        try Totals.fill(connection, Totals.tables.filter { !later.contains($0) })
    }

    /// What the log still holds of each slot, and the slot times by it.
    private static func fillSlots(_ connection: Connection) throws {
        var logs = Array(repeating: LogTotal(), count: Slot.count)
        try connection.statement("SELECT slot, crc, bytes FROM log").forEachRow { row in
            guard let slot = UInt8(exactly: row.int64(0)) else { throw StoreError.corrupt("the slot of a log batch") }
            logs[Int(slot)].rows.add(row.int64(1))
            // A damaged batch is told when it is read; it must not keep the store from being opened.
            guard let chunk = try? MessageChunk(row.bytes(2)) else { return }
            logs[Int(slot)].time = max(logs[Int(slot)].time, chunk.latestAcceptance)
        }
        try LogTotals.write(connection, logs)
        for row in try SlotTable.all(connection, isChecked: false) { try SlotTable.write(connection, row) }
    }
}
