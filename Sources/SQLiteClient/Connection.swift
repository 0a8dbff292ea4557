import CSQLite
import Shims

/// A connection to one SQLite file.
///
/// It belongs to one thread at a time (it is opened without SQLite's own mutexes), so it is not `Sendable`. Of all
/// connections to a file one writes and checkpoints; the others are opened read-only. Files are never mapped into
/// memory.
package final class Connection {
    package enum Mode: Sendable { case readWrite, readOnly }

    /// More cached statements than this are dropped, so that made-up SQL cannot grow the cache without end.
    package static let statementCountMax = 256

    /// Has the library not count its memory. It refuses where it has been used before, and goes on counting.
    private static let isPrepared = shim_sqlite_count_no_memory() == SQLITE_OK

    let handle: OpaquePointer
    private var statements: [String: Statement] = [:]
    /// Statements by a cheap digest of their text, before the dictionary, which has to hash all of it.
    private var recent: [Statement?] = Array(repeating: nil, count: 256)
    /// The frames in the write-ahead log after the last commit, counted once `trackWAL()` has been called.
    package private(set) var walFrameCount = 0

    /// Opens a file, made if `mode` allows it, and runs the given pragmas, such as `journal_mode = WAL`.
    package init(
        path: String, mode: Mode = .readWrite, pragmas: [String] = [], busyTimeoutMilliseconds: Int32 = 5000
    ) throws(SQLiteError) {
        let access = mode == .readWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
        _ = Self.isPrepared
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, access | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            let error = SQLiteError(code, on: opened)
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, busyTimeoutMilliseconds)
        for pragma in pragmas { try execute("PRAGMA \(pragma)") }
    }

    // A handle with statements left over lives on until they are finalised.
    deinit { sqlite3_close_v2(handle) }

    /// A prepared statement, from the cache if nobody is stepping the one there.
    package func statement(_ sql: String) throws(SQLiteError) -> Statement {
        let place = Self.place(sql)
        if let known = recent[place], known.sql == sql, !known.isBusy { return known }
        let statement = try knownStatement(sql)
        recent[place] = statement
        return statement
    }

    private func knownStatement(_ sql: String) throws(SQLiteError) -> Statement {
        if let known = statements[sql], !known.isBusy { return known }
        let prepared = try Statement(sql, on: handle, isPersistent: true)
        if statements.count >= Self.statementCountMax { statements.removeAll() }
        statements[sql] = prepared
        return prepared
    }

    /// Where a statement stands among the recent ones: by its length and a few of its bytes.
    private static func place(_ sql: String) -> Int {
        let digest = sql.utf8.withContiguousStorageIfAvailable { text -> Int in
            guard text.count >= 16 else { return text.count }
            var digest = text.count
            for eighth in 1..<8 { digest = digest &* 31 &+ Int(text[text.count * eighth / 8]) }
            return digest
        }
        return (digest ?? 0) & 255
    }

    /// A prepared statement with values bound to its positions from 1 on.
    package func statement(_ sql: String, _ values: any Bindable...) throws(SQLiteError) -> Statement {
        let statement = try statement(sql)
        try statement.bindAll(values)
        return statement
    }

    /// Runs a statement that gives no rows.
    package func run(_ sql: String, _ values: any Bindable...) throws(SQLiteError) {
        let statement = try statement(sql)
        try statement.bindAll(values)
        try statement.run()
    }

    /// The first column of the first row as a number; nil if there is no row or it is null.
    package func integer(_ sql: String, _ values: any Bindable...) throws(SQLiteError) -> Int64? {
        let statement = try statement(sql)
        try statement.bindAll(values)
        defer { statement.reset() }
        return try statement.step() ? statement.optionalInt64(0) : nil
    }

    /// Runs one or several statements without values, and without keeping them prepared.
    package func execute(_ sql: String) throws(SQLiteError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw SQLiteError(code, on: handle, sql: sql) }
    }

    /// The rows that the last statement inserted, updated or deleted.
    package var changeCount: Int { Int(sqlite3_changes64(handle)) }

    package var lastInsertID: Int64 { sqlite3_last_insert_rowid(handle) }

    func setWALFrameCount(_ count: Int) { walFrameCount = count }

    /// The version of the SQLite library, such as 3.40.1.
    package static var libraryVersion: String { String(cString: sqlite3_libversion()) }
}
