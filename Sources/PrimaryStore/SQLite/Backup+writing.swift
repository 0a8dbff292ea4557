import Glibc
import SQLiteClient

extension Backup {
    /// Seconds for which one state of the store is held however much is written meanwhile.
    package static let holdSecondsMax = 5.0
    /// Bytes of write-ahead log up to which it is held longer.
    package static let walBytesMax = 192 << 20

    /// Copies the store of a folder into a file, beside a server that goes on writing.
    ///
    /// The file appears under its name only once it is whole, checked and on disk. It gets a store id of its own, so
    /// that a cache which saw what came later is never taken for its own, however the file comes into its place.
    /// `progress` is told the pages done and the pages there are.
    package static func write(
        folder: String, to path: String, isReplacing: Bool, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(StoreError) -> Backup {
        do {
            let source = folder + "/primary.db"
            guard access(source, F_OK) == 0 else { throw StoreError.notFound(source) }
            guard isReplacing || access(path, F_OK) != 0 else { throw StoreError.invalid("\(path) exists") }
            guard !DurableFile.areSame(source, path) else { throw StoreError.invalid("\(path) is the store itself") }
            let partial = path + ".partial"
            defer { DurableFile.deleteDatabase(partial) }
            try copy(source, to: partial, progress)
            let checked = try Backup(checking: partial)
            // What is left beside a file that is replaced would be taken for the new one's.
            DurableFile.deleteSidecars(path)
            try DurableFile.move(partial, to: path)
            return checked.moved(to: path)
        } catch { throw StoreError(wrapping: error) }
    }

    /// Copies a store into a file with an id of its own, as it is at one moment, and makes it durable.
    static func copy(_ source: String, to path: String, _ progress: (_ done: Int, _ total: Int) -> Void) throws {
        DurableFile.deleteDatabase(path)
        try copyPages(source, to: path, progress)
        try DurableFile.sync(path)
    }

    private static func copyPages(
        _ source: String, to path: String, _ progress: (_ done: Int, _ total: Int) -> Void
    ) throws {
        warm(source)
        let copy = try Connection(
            path: path, pragmas: ["journal_mode = OFF", "synchronous = OFF", "cache_size = -16384"])
        try hold(source) { store, start in
            try copy.copyPages(of: store) { done, total in
                progress(done, total)
                try checkHold(source, since: start)
            }
        }
        // A file that needs no log beside it.
        try copy.execute("PRAGMA journal_mode = DELETE")
        try giveID(copy)
    }

    /// Gives a copy of a store, of whatever schema, an id and an incarnation of its own.
    private static func giveID(_ copy: Connection) throws {
        let id = Int64(bitPattern: try RandomBytes.integer())
        guard try copy.integer("PRAGMA user_version") ?? 0 >= SchemaThree.version else {
            return try copy.run("UPDATE meta SET value = ? WHERE key = 'store_id'", id)
        }
        try Totals.install(copy)
        try MetaTable.set(copy, "store_id", id)
        try MetaTable.set(copy, MetaTable.feedIncarnation, Int64(bitPattern: try RandomBytes.integer()))
    }

    /// Lends a read-only connection inside a transaction, which sees one state of the store.
    private static func hold(
        _ path: String, _ body: (_ store: Connection, _ start: ContinuousClock.Instant) throws -> Void
    ) throws {
        let store = try Connection(path: path, mode: .readOnly, pragmas: ["query_only = ON", "mmap_size = 0"])
        try store.transaction(isWriting: false) {
            // The first read is what makes a transaction see one state.
            try checkSchema(store, path)
            try body(store, ContinuousClock.now)
        }
    }

    /// Gives up where the server writes so much that its log would grow beyond what is promised.
    private static func checkHold(_ source: String, since start: ContinuousClock.Instant) throws {
        guard ContinuousClock.now - start > .seconds(holdSecondsMax) else { return }
        var status = stat()
        guard stat(source + "-wal", &status) == 0, Int(status.st_size) > walBytesMax else { return }
        throw StoreError.database(
            "\(source) is written faster than it can be copied: make the backup at a quieter time, or stop the server")
    }

    /// Reads the file into memory, as far as it has room, before a state is held: holding is then short.
    ///
    /// No connection of this process is open on it: closing a file lets go of every lock that a process has on it.
    private static func warm(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let room = sysconf(Int32(_SC_AVPHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 2
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var done = 0
        while done < room {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return }
            done += count
        }
    }
}
