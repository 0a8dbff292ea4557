import CSQLite

/// An error of SQLite, with the statement but never with the values bound to it.
package struct SQLiteError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The extended result code, such as `SQLITE_IOERR_FSYNC`.
    package let extendedCode: Int32
    /// SQLite's own words.
    package let message: String
    /// The statement that failed; nil where there was none.
    package let sql: String?

    package init(extendedCode: Int32, message: String, sql: String? = nil) {
        self.extendedCode = extendedCode
        self.message = message
        self.sql = sql
    }

    /// The error a connection reports for a result code.
    init(_ code: Int32, on handle: OpaquePointer?, sql: String? = nil) {
        let extended = handle.map { sqlite3_extended_errcode($0) } ?? code
        let text = handle.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
        self.init(
            extendedCode: extended & 0xff == code & 0xff ? extended : code,
            message: text.map { String(cString: $0) } ?? "unknown error", sql: sql)
    }

    /// The primary result code, such as `SQLITE_IOERR`.
    package var code: Int32 { extendedCode & 0xff }

    /// The disk or the file's limit is full; the work may succeed later.
    package var isDiskFull: Bool { code == SQLITE_FULL }

    /// Another connection holds a lock; the work may succeed later.
    package var isBusy: Bool { code == SQLITE_BUSY || code == SQLITE_LOCKED }

    /// The file is not what SQLite wrote.
    package var isCorrupt: Bool { code == SQLITE_CORRUPT || code == SQLITE_NOTADB }

    /// Reading, writing or syncing failed: what the file holds is unknown until it is opened anew.
    package var isInputOutput: Bool { code == SQLITE_IOERR }

    /// A constraint of the schema was violated.
    package var isConstraint: Bool { code == SQLITE_CONSTRAINT }

    package var description: String {
        let statement = sql.map { " in \($0)" } ?? ""
        return "SQLite error \(extendedCode): \(message)\(statement)"
    }
}
