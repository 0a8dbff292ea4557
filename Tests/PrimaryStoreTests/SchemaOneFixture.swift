import SQLiteClient

/// A store as the program with schema 1 left it: its tables and what it wrote into them.
enum SchemaOneFixture {
    static func make(folder: String) throws {
        let pragmas = ["page_size = 8192", "journal_mode = WAL"]
        let connection = try Connection(path: folder + "/primary.db", pragmas: pragmas)
        for part in [tables, rows] { try connection.execute(part) }
        try connection.execute("PRAGMA user_version = 1")
    }

    private static let tables = """
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

    /// Device 1 with calculator 1, one closed and one active interval, a message in the log.
    private static let rows = #"""
        UPDATE meta SET value = 5 WHERE key = 'registry_revision';
        INSERT INTO meta VALUES ('store_id', -7110709823993349348);
        UPDATE slots SET owner = 'worker', epoch = 1, heart_beat = 1000000;
        UPDATE slots SET rev = 3 WHERE slot = 178;
        INSERT INTO assignments VALUES (1, 1, 1, 0, 1, 2, 0, 2, -2305843009213693952, 2469233645);
        INSERT INTO calc_revisions VALUES (1, 1, 'trips', '{}', 2774116204);
        INSERT INTO calc_revisions VALUES (1, 2, 'trips', '{"name":"trips"}', 824012465);
        INSERT INTO calcs VALUES (1, 'trips', '{"name":"trips"}', 2, 824012465);
        INSERT INTO devices VALUES (1, '350', 'van', '{"ident":"350"}', 1, 862920736);
        INSERT INTO devices VALUES (2, '351', 'car', '{}', 1, 1086209967);
        INSERT INTO feed VALUES (178, 1, 1, 1, 1, 1, 1000000, 5000000, 1000000000, 3298525831, NULL);
        INSERT INTO feed VALUES (178, 2, 1, 1, 1, 2, 7000000, 9000000, 1000000000, 3068147689, NULL);
        INSERT INTO feed VALUES (178, 3, 3, 1, 1, 2, 7000000, 9000000, 1000000000, 3844610854, NULL);
        INSERT INTO intervals VALUES (1, 1, 1000000, 1, 1000000, 5000000, 0, -5639273548392341605, 1000000000,
            18, 4257824273, CAST('{"begin":1,"end":5,"id":1,"timestamp":1000,"value":0}' AS BLOB));
        INSERT INTO intervals VALUES (1, 1, 7000000, 2, 7000000, 9000000, 1, -3311717106163600089, 1000000000,
            18, 1045125405, CAST('{"begin":7,"end":9,"id":2,"timestamp":1000,"value":0}' AS BLOB));
        INSERT INTO jobs VALUES (1, 1, 1, 'messages', -2305843009213693952, 2305843009213693951, -2305843009213693952,
            2305843009213693951, 5, 2, 0, 0, 3000000, 1.5);
        INSERT INTO log VALUES (1, 178, 1, 1, 1441411905,
            X'4F4401010180897A0080897A0003030100000300000000000003000A2FFC649A2B935FBC5DF69064');
        INSERT INTO parameters VALUES (0, 'position.speed');
        """#
}
