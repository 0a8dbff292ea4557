import MessageChunks
import SQLiteClient
import Telemetry

/// Whose cache a file is.
struct CacheOwner {
    var storeID: UInt64
    /// The worker; nil: any.
    var name: String?

    var nameDigest: Int64? { name.map { Int64(bitPattern: hash64($0.utf8)) } }
}

extension WorkerCache {
    /// Counts the changes of the schema; a file of another version is built anew.
    static let version: Int64 = 4

    private static let pragmas = [
        "journal_mode = WAL", "synchronous = NORMAL", "secure_delete = OFF", "cell_size_check = ON",
        "cache_size = -16384", "wal_autocheckpoint = 4000",
    ]

    /// Deletes a cache file with its log.
    package static func delete(path: String) {
        for suffix in ["", "-wal", "-shm"] { Connection.deleteFile(path + suffix) }
    }

    /// Opens a file, made if there is none; throws `CacheError.corrupt` if it is not what was written, or not ours.
    static func open(_ path: String, _ owner: CacheOwner) throws -> (Connection, CacheContents) {
        let connection = try Connection(path: path, pragmas: pragmas)
        if try connection.integer("SELECT COUNT(*) FROM sqlite_master") == 0 {
            try connection.transaction { try create(on: connection, owner) }
        }
        guard try connection.integer("PRAGMA user_version") == version else {
            throw CacheError.corrupt("it has another version")
        }
        guard try connection.integer("PRAGMA auto_vacuum") == 0 else {
            throw CacheError.corrupt("its header was changed")
        }
        try checkWritable(connection)
        let contents = try CacheContents(connection)
        guard contents.metas["store"] == Int64(bitPattern: owner.storeID) else {
            throw CacheError.corrupt("it belongs to another store")
        }
        guard owner.nameDigest == nil || contents.metas["worker"] == owner.nameDigest else {
            throw CacheError.corrupt("it belongs to another worker")
        }
        return (connection, contents)
    }

    /// A header with one bit turned makes SQLite open a file for reading alone.
    private static func checkWritable(_ connection: Connection) throws(CacheError) {
        do throws(SQLiteError) { try connection.begin() } catch {
            throw error.code == readOnlyCode ? .corrupt("it cannot be written") : CacheError(error)
        }
        connection.rollback()
    }

    /// SQLITE_READONLY
    private static let readOnlyCode: Int32 = 8

    private static func create(on connection: Connection, _ owner: CacheOwner) throws {
        try connection.execute(schema)
        try connection.execute("PRAGMA user_version = \(version)")
        var totals = CacheTotals()
        var metas = ["store": Int64(bitPattern: owner.storeID)]
        metas["worker"] = owner.nameDigest
        for (key, value) in metas {
            let checksum = RowChecksum.meta(key, value)
            try connection.run("INSERT INTO meta VALUES (?, ?, ?)", key, value, checksum)
            totals.metas.add(checksum)
        }
        try totals.write(to: connection)
    }

    /// Every `crc` is `RowChecksum` over the row, without the bytes of `data`: `body` is what stands for those.
    ///
    /// What counts the rows of a device stands in `devices`, of an assignment in `assignments`, and of these two and
    /// `meta` in `totals`, which has one row.
    private static let schema = """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE totals (
            id INTEGER PRIMARY KEY, position INTEGER NOT NULL, meta_count INTEGER NOT NULL, meta_sum INTEGER NOT NULL,
            device_count INTEGER NOT NULL, device_sum INTEGER NOT NULL, assignment_count INTEGER NOT NULL,
            assignment_sum INTEGER NOT NULL, crc INTEGER NOT NULL);
        CREATE TABLE devices (
            device INTEGER PRIMARY KEY, sealed INTEGER, latest INTEGER, chunk_count INTEGER NOT NULL,
            chunk_sum INTEGER NOT NULL, tail_count INTEGER NOT NULL, tail_sum INTEGER NOT NULL,
            tail_messages INTEGER NOT NULL, crc INTEGER NOT NULL);
        CREATE TABLE chunks (
            device INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,
            body INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (device, first));
        CREATE TABLE tail (
            device INTEGER NOT NULL, position INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
            count INTEGER NOT NULL, body INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (device, position)) WITHOUT ROWID;
        CREATE TABLE assignments (
            device INTEGER NOT NULL, calculator INTEGER NOT NULL, calculator_revision INTEGER,
            device_digest INTEGER NOT NULL, geofence_digest INTEGER NOT NULL, applied INTEGER NOT NULL,
            timer INTEGER, is_calculated INTEGER NOT NULL, horizon INTEGER NOT NULL, held_count INTEGER NOT NULL,
            held_sum INTEGER NOT NULL, state_count INTEGER NOT NULL, state_sum INTEGER NOT NULL,
            crc INTEGER NOT NULL, pending BLOB NOT NULL, PRIMARY KEY (device, calculator)) WITHOUT ROWID;
        CREATE TABLE held (
            device INTEGER NOT NULL, calculator INTEGER NOT NULL, first_on INTEGER NOT NULL, id INTEGER NOT NULL,
            begin INTEGER NOT NULL, "end" INTEGER NOT NULL, is_active INTEGER NOT NULL, digest INTEGER NOT NULL,
            crc INTEGER NOT NULL, PRIMARY KEY (device, calculator, first_on)) WITHOUT ROWID;
        CREATE TABLE states (
            device INTEGER NOT NULL, calculator INTEGER NOT NULL, moment INTEGER NOT NULL, pending_from INTEGER,
            is_last INTEGER NOT NULL, count INTEGER NOT NULL, body INTEGER NOT NULL, crc INTEGER NOT NULL,
            data BLOB NOT NULL, PRIMARY KEY (device, calculator, moment)) WITHOUT ROWID;
        """
}
