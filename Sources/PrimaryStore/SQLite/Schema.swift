import SQLiteClient

/// The tables of `primary.db`, as steps that only ever grow: `user_version` says how many have been taken.
enum Schema {
    /// One step: SQL, and then what SQL alone cannot work out.
    struct Migration: Sendable {
        var sql: String
        var fill: (@Sendable (Connection) throws -> Void)?
    }

    static let version = Int64(migrations.count)

    /// Takes the steps that the file lacks, in one transaction; refuses a file that a newer program made.
    static func migrate(_ connection: Connection) throws {
        let present = try connection.integer("PRAGMA user_version") ?? 0
        guard present <= version else {
            throw StoreError.invalid("primary.db has schema \(present), this program knows \(version): update it")
        }
        guard present < version else { return }
        try connection.transaction {
            for step in migrations.dropFirst(Int(present)) {
                try connection.execute(step.sql)
                try step.fill?(connection)
            }
            try connection.execute("PRAGMA user_version = \(version)")
        }
    }

    /// Refuses a file that this program cannot read as it is.
    static func check(_ connection: Connection) throws {
        let present = try connection.integer("PRAGMA user_version") ?? 0
        guard present == version else {
            throw StoreError.invalid(
                "primary.db has schema \(present), this program reads \(version): open it for writing once")
        }
    }

    /// Times are microseconds. Every `crc` is `RowChecksum` over the row. Of an interval `since` is the moment from
    /// which its text answers for it, 0 where that is `timestamp`, and `custom` the number of bytes of custom fields
    /// before the last brace.
    private static let migrations = [
        Migration(sql: first), Migration(sql: second), SchemaThree.migration, SchemaFour.migration,
        SchemaFive.migration, SchemaSix.migration,
    ]

    private static let first = """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        INSERT INTO meta VALUES ('log_position', 0), ('registry_revision', 0);
        CREATE TABLE parameters (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

        CREATE TABLE log (
            position INTEGER PRIMARY KEY, slot INTEGER NOT NULL, device INTEGER NOT NULL, count INTEGER NOT NULL,
            crc INTEGER NOT NULL, bytes BLOB NOT NULL);
        CREATE INDEX log_by_device ON log (device, position, count);
        CREATE TABLE chunks (
            device INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,
            upto INTEGER NOT NULL, crc INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (device, first));
        CREATE TABLE archive_marks (device INTEGER PRIMARY KEY, position INTEGER NOT NULL);

        CREATE TABLE slots (
            slot INTEGER PRIMARY KEY, owner TEXT, epoch INTEGER NOT NULL, rev INTEGER NOT NULL, heart_beat INTEGER);
        WITH RECURSIVE numbers (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM numbers WHERE n < 255)
        INSERT INTO slots SELECT n, NULL, 0, 0, NULL FROM numbers;

        CREATE TABLE devices (
            id INTEGER PRIMARY KEY AUTOINCREMENT, ident TEXT NOT NULL UNIQUE, name TEXT NOT NULL, json TEXT NOT NULL,
            revision INTEGER NOT NULL, crc INTEGER NOT NULL);
        CREATE TABLE calcs (
            id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, json TEXT NOT NULL, revision INTEGER NOT NULL,
            crc INTEGER NOT NULL);
        CREATE TABLE calc_revisions (
            calc INTEGER NOT NULL, revision INTEGER NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL,
            crc INTEGER NOT NULL, PRIMARY KEY (calc, revision)) WITHOUT ROWID;
        CREATE TABLE assignments (
            calc INTEGER NOT NULL, device INTEGER NOT NULL, enabled INTEGER NOT NULL, auto_created INTEGER NOT NULL,
            log_position INTEGER NOT NULL, calc_revision INTEGER NOT NULL, device_revision INTEGER NOT NULL,
            last_interval INTEGER NOT NULL, horizon INTEGER NOT NULL, crc INTEGER NOT NULL,
            PRIMARY KEY (device, calc)) WITHOUT ROWID;
        CREATE INDEX assignments_by_calc ON assignments (calc, device);
        CREATE TABLE ended_assignments (
            calc INTEGER NOT NULL, device INTEGER NOT NULL, last_interval INTEGER NOT NULL,
            PRIMARY KEY (device, calc)) WITHOUT ROWID;

        CREATE TABLE intervals (
            calc INTEGER NOT NULL, device INTEGER NOT NULL, first_on INTEGER NOT NULL, id INTEGER NOT NULL,
            begin_at INTEGER NOT NULL, end_at INTEGER NOT NULL, is_active INTEGER NOT NULL, digest INTEGER NOT NULL,
            timestamp INTEGER NOT NULL, head INTEGER NOT NULL, crc INTEGER NOT NULL, json BLOB NOT NULL,
            PRIMARY KEY (calc, device, first_on, id)) WITHOUT ROWID;
        CREATE UNIQUE INDEX intervals_by_id ON intervals (calc, device, id);
        CREATE TABLE feed (
            slot INTEGER NOT NULL, rev INTEGER NOT NULL, operation INTEGER NOT NULL, calc INTEGER NOT NULL,
            device INTEGER NOT NULL, id INTEGER NOT NULL, begin_at INTEGER NOT NULL, end_at INTEGER NOT NULL,
            timestamp INTEGER NOT NULL, crc INTEGER NOT NULL, json BLOB, PRIMARY KEY (slot, rev)) WITHOUT ROWID;
        CREATE TABLE jobs (
            id INTEGER PRIMARY KEY, calc INTEGER NOT NULL, device INTEGER NOT NULL, cause TEXT NOT NULL,
            asked_lower INTEGER NOT NULL, asked_upper INTEGER NOT NULL, run_lower INTEGER NOT NULL,
            run_upper INTEGER NOT NULL, messages INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
            deleted INTEGER NOT NULL, started INTEGER NOT NULL, milliseconds REAL NOT NULL);
        CREATE INDEX jobs_by_assignment ON jobs (calc, device, id);

        CREATE TABLE tokens (
            id INTEGER PRIMARY KEY AUTOINCREMENT, sha256 BLOB NOT NULL UNIQUE, prefix TEXT NOT NULL, name TEXT NOT NULL,
            kind TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER, last_used INTEGER,
            revoked INTEGER NOT NULL);
        """

    private static let second = """
        CREATE TABLE entities (
            kind TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL, revision INTEGER NOT NULL,
            crc INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
        CREATE TABLE links (
            kind TEXT NOT NULL, from_id INTEGER NOT NULL, to_id INTEGER NOT NULL, auto_created INTEGER NOT NULL,
            crc INTEGER NOT NULL, PRIMARY KEY (kind, from_id, to_id)) WITHOUT ROWID;
        CREATE INDEX links_by_end ON links (kind, to_id, from_id);
        CREATE TABLE asset_intervals (
            asset INTEGER NOT NULL, begin_at INTEGER NOT NULL, end_at INTEGER, device INTEGER NOT NULL,
            json TEXT NOT NULL, timestamp INTEGER NOT NULL, crc INTEGER NOT NULL,
            PRIMARY KEY (asset, begin_at)) WITHOUT ROWID;

        ALTER TABLE intervals ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE intervals ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE intervals ADD COLUMN custom INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE interval_versions (
            calc INTEGER NOT NULL, device INTEGER NOT NULL, until INTEGER NOT NULL, id INTEGER NOT NULL,
            since INTEGER NOT NULL, first_on INTEGER NOT NULL, begin_at INTEGER NOT NULL, end_at INTEGER NOT NULL,
            digest INTEGER NOT NULL, timestamp INTEGER NOT NULL, head INTEGER NOT NULL, revision INTEGER NOT NULL,
            crc INTEGER NOT NULL, json BLOB NOT NULL, PRIMARY KEY (calc, device, until, id, since)) WITHOUT ROWID;
        CREATE INDEX interval_versions_by_until ON interval_versions (until);
        CREATE TABLE interval_fields (
            calc INTEGER NOT NULL, device INTEGER NOT NULL, id INTEGER NOT NULL, crc INTEGER NOT NULL,
            json TEXT NOT NULL, PRIMARY KEY (calc, device, id)) WITHOUT ROWID;
        """
}
