import SQLiteClient

/// A store as the program with schema 2 left it: that of schema 1 with its second step, and rows of that.
enum SchemaTwoFixture {
    static func make(folder: String) throws {
        try SchemaOneFixture.make(folder: folder)
        let connection = try Connection(path: folder + "/primary.db")
        for part in [step, rows] { try connection.execute(part) }
        try connection.execute("PRAGMA user_version = 2")
    }

    private static let step = """
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

    /// What had no checksum then: an archive mark, an assignment that ended, a token.
    private static let rows = """
        INSERT INTO archive_marks VALUES (1, 0);
        INSERT INTO ended_assignments VALUES (1, 2, 41);
        INSERT INTO meta VALUES ('last_geofence', 6);
        INSERT INTO tokens (sha256, prefix, name, kind, created, expires, last_used, revoked)
        VALUES (x'0102', 'abcdef', 'ci', 'master', 5, NULL, 9, 0);
        """
}
