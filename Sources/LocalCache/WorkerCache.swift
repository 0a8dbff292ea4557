import SQLiteClient
import Telemetry

/// A worker's own copy of what it calculates from: chunks, the open tail, invalidations, intervals held, saved states.
///
/// One SQLite file that one thread owns. It may be deleted at any time: everything in it comes back from the primary
/// store. `synchronous=NORMAL` is enough, since the log position commits together with what was read up to it.
package final class WorkerCache {
    /// Counts the changes of the schema; a file of another version is built anew.
    private static let version: Int64 = 3

    let connection: Connection

    /// Opens the cache of a store, built anew if it belongs to another store, has another version or is damaged.
    package init(path: String, storeID: UInt64) throws(CacheError) {
        do {
            connection = try Self.open(path, storeID) ?? Self.rebuild(path, storeID)
        } catch { throw CacheError(error) }
    }

    private static let pragmas = [
        "journal_mode = WAL", "synchronous = NORMAL", "secure_delete = OFF", "cache_size = -16384",
        "wal_autocheckpoint = 4000",
    ]

    private static func open(_ path: String, _ storeID: UInt64) throws -> Connection? {
        do {
            let connection = try Connection(path: path, pragmas: pragmas)
            try connection.execute(schema)
            let known = try connection.integer("SELECT value FROM meta WHERE key = 'store'")
            let version = try connection.integer("SELECT value FROM meta WHERE key = 'version'")
            guard let known else {
                try connection.run("INSERT INTO meta VALUES ('store', ?)", Int64(bitPattern: storeID))
                try connection.run("INSERT INTO meta VALUES ('version', ?)", Self.version)
                return connection
            }
            return UInt64(bitPattern: known) == storeID && version == Self.version ? connection : nil
        } catch {
            if error.isCorrupt { return nil }
            throw error
        }
    }

    private static func rebuild(_ path: String, _ storeID: UInt64) throws -> Connection {
        for suffix in ["", "-wal", "-shm"] { removeFile(path + suffix) }
        guard let connection = try open(path, storeID) else { throw CacheError.corrupt("\(path) cannot be built anew") }
        return connection
    }

    /// Deletes a cache file with its log.
    package static func delete(path: String) {
        for suffix in ["", "-wal", "-shm"] { removeFile(path + suffix) }
    }

    /// Runs the body in one transaction.
    package func transaction<Result>(_ body: () throws -> Result) throws(CacheError) -> Result {
        do { return try connection.transaction(body) } catch { throw CacheError(error) }
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS devices (
            device INTEGER PRIMARY KEY, sealed INTEGER NOT NULL, latest INTEGER);
        CREATE TABLE IF NOT EXISTS chunks (
            device INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, count INTEGER NOT NULL,
            data BLOB NOT NULL, UNIQUE (device, first));
        CREATE TABLE IF NOT EXISTS tail (
            device INTEGER NOT NULL, position INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
            count INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (device, position)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS assignments (
            device INTEGER NOT NULL, calculator INTEGER NOT NULL, calculator_revision INTEGER NOT NULL,
            device_digest INTEGER NOT NULL, geofence_digest INTEGER NOT NULL, applied INTEGER NOT NULL,
            timer INTEGER, is_calculated INTEGER NOT NULL,
            PRIMARY KEY (device, calculator)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS invalidations (
            device INTEGER NOT NULL, calculator INTEGER NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (device, calculator)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS held (
            device INTEGER NOT NULL, calculator INTEGER NOT NULL, first_on INTEGER NOT NULL, id INTEGER NOT NULL,
            begin INTEGER NOT NULL, "end" INTEGER NOT NULL, is_active INTEGER NOT NULL, digest INTEGER NOT NULL,
            PRIMARY KEY (device, calculator, first_on)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS states (
            device INTEGER NOT NULL, calculator INTEGER NOT NULL, moment INTEGER NOT NULL, pending_from INTEGER,
            is_last INTEGER NOT NULL, count INTEGER NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (device, calculator, moment)) WITHOUT ROWID;
        """
}

extension WorkerCache {
    /// The log position up to which the worker's devices have their messages; 0 in a new cache.
    package func position() throws(CacheError) -> Int64 { try number("position") ?? 0 }

    package func setPosition(_ position: Int64) throws(CacheError) { try setNumber("position", position) }

    /// The epoch of each slot when this cache was last taken up by its owner.
    package func epochs() throws(CacheError) -> [Slot: Int64] {
        let rows = try read("SELECT substr(key, 7), value FROM meta WHERE key LIKE 'epoch-%'") { row in
            (Slot(rawValue: UInt8(truncatingIfNeeded: row.int64(0))), row.int64(1))
        }
        return Dictionary(rows, uniquingKeysWith: { $1 })
    }

    /// Notes the epochs of the owner's slots and forgets those of others; on disk when it returns.
    package func setEpochs(_ epochs: [Slot: Int64]) throws(CacheError) {
        try transaction {
            try run("DELETE FROM meta WHERE key LIKE 'epoch-%'")
            for (slot, epoch) in epochs { try setNumber("epoch-\(slot.rawValue)", epoch) }
        }
        // A commit alone may be lost with the power, a checkpoint is not.
        do { try connection.checkpoint(.passive) } catch { throw CacheError(error) }
    }

    /// The devices whose messages are here: the log position their chunks cover, and their latest message.
    package func devices() throws(CacheError) -> [CachedDevice] {
        try read("SELECT device, sealed, latest FROM devices") { row in
            CachedDevice(
                device: DeviceID(row.int64(0)), sealed: row.int64(1),
                latest: row.optionalInt64(2).map { Timestamp(microseconds: $0) })
        }
    }

    package func setDevice(_ device: CachedDevice) throws(CacheError) {
        try run(
            "INSERT OR REPLACE INTO devices VALUES (?, ?, ?)", device.device.rawValue, device.sealed,
            device.latest?.microseconds)
    }

    /// Forgets a device and everything about it.
    package func removeDevice(_ device: DeviceID) throws(CacheError) {
        for table in ["devices", "chunks", "tail", "assignments", "invalidations", "held", "states"] {
            try run("DELETE FROM \(table) WHERE device = ?", device.rawValue)
        }
    }

    private func number(_ key: String) throws(CacheError) -> Int64? {
        do { return try connection.integer("SELECT value FROM meta WHERE key = ?", key) } catch {
            throw CacheError(error)
        }
    }

    private func setNumber(_ key: String, _ value: Int64) throws(CacheError) {
        try run("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value)
    }

    func run(_ sql: String, _ values: any Bindable...) throws(CacheError) {
        do {
            let statement = try connection.statement(sql)
            try statement.bindAll(values)
            try statement.run()
        } catch { throw CacheError(error) }
    }

    func read<Row>(_ sql: String, _ values: any Bindable..., row: (Statement) throws -> Row) throws(CacheError) -> [Row]
    {
        do {
            let statement = try connection.statement(sql)
            try statement.bindAll(values)
            var rows: [Row] = []
            try statement.forEachRow { rows.append(try row($0)) }
            return rows
        } catch { throw CacheError(error) }
    }
}

/// A device whose messages are in the cache.
package struct CachedDevice: Sendable, Hashable {
    package var device: DeviceID
    /// The log position that the chunks cover; what came after it is in the tail.
    package var sealed: Int64
    package var latest: Timestamp?

    package init(device: DeviceID, sealed: Int64, latest: Timestamp?) {
        self.device = device
        self.sealed = sealed
        self.latest = latest
    }
}
