import CSQLite
import Shims

/// A prepared statement; like its connection it belongs to one thread at a time.
///
/// Positions of `?` count from 1 and columns from 0, as in SQLite. What is bound stays until it is bound again. A
/// statement that has been stepped holds its transaction open until `reset()`; `run` and `forEachRow` see to that.
package final class Statement {
    package let sql: String
    private let handle: OpaquePointer

    init(_ sql: String, on connection: OpaquePointer, isPersistent: Bool) throws(SQLiteError) {
        var statement: OpaquePointer?
        let flags = UInt32(isPersistent ? SQLITE_PREPARE_PERSISTENT : 0)
        let code = sqlite3_prepare_v3(connection, sql, -1, flags, &statement, nil)
        guard code == SQLITE_OK else { throw SQLiteError(code, on: connection, sql: sql) }
        guard let statement else {
            throw SQLiteError(extendedCode: SQLITE_MISUSE, message: "an empty statement", sql: sql)
        }
        self.sql = sql
        handle = statement
    }

    deinit { sqlite3_finalize(handle) }

    /// Whether it has been stepped and not yet reset.
    package var isBusy: Bool { sqlite3_stmt_busy(handle) != 0 }

    /// Goes to the next row; false when there is none.
    package func step() throws(SQLiteError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let error = SQLiteError(code, on: sqlite3_db_handle(handle), sql: sql)
            sqlite3_reset(handle)
            throw error
        }
    }

    /// Makes the statement ready to be stepped from the start; bindings stay.
    package func reset() { sqlite3_reset(handle) }

    /// Steps to the end and resets.
    package func run() throws(SQLiteError) {
        while try step() {}
        sqlite3_reset(handle)
    }

    /// Calls the body at each row until it returns false, and resets whatever happens.
    package func forEachRowWhile(_ body: (Statement) throws -> Bool) throws {
        defer { sqlite3_reset(handle) }
        while try step(), try body(self) {}
    }

    /// Calls the body at each row and resets whatever happens.
    package func forEachRow(_ body: (Statement) throws -> Void) throws {
        defer { sqlite3_reset(handle) }
        while try step() { try body(self) }
    }

    /// What the body makes of the first row, nil if there is none; resets whatever happens.
    package func first<Value>(_ body: (Statement) throws -> Value) throws -> Value? {
        defer { sqlite3_reset(handle) }
        return try step() ? try body(self) : nil
    }

    private func check(_ code: Int32) throws(SQLiteError) {
        guard code == SQLITE_OK else { throw SQLiteError(code, on: sqlite3_db_handle(handle), sql: sql) }
    }
}

// MARK: - Binding

extension Statement {
    package func bind(_ position: Int32, _ value: Int64) throws(SQLiteError) {
        try check(sqlite3_bind_int64(handle, position, value))
    }

    package func bind(_ position: Int32, _ value: Double) throws(SQLiteError) {
        try check(sqlite3_bind_double(handle, position, value))
    }

    package func bind(_ position: Int32, _ value: String) throws(SQLiteError) {
        var text = value
        let code = text.withUTF8 { buffer in
            buffer.withMemoryRebound(to: CChar.self) { characters -> Int32 in
                guard let start = characters.baseAddress else { return bindEmptyText(position) }
                return shim_sqlite_bind_text_copy(handle, position, start, Int32(characters.count))
            }
        }
        try check(code)
    }

    package func bind(_ position: Int32, _ value: [UInt8]) throws(SQLiteError) {
        try check(value.withUnsafeBytes { bindCode(position, $0) })
    }

    /// Binds bytes; SQLite takes a copy.
    package func bind(_ position: Int32, _ value: UnsafeRawBufferPointer) throws(SQLiteError) {
        try check(bindCode(position, value))
    }

    package func bindNull(_ position: Int32) throws(SQLiteError) {
        try check(sqlite3_bind_null(handle, position))
    }

    /// Binds values to the positions from 1 on. It boxes each value: for statements that run once a request, not once
    /// a row.
    package func bindAll(_ values: [any Bindable]) throws(SQLiteError) {
        for (index, value) in values.enumerated() { try value.bind(to: self, at: Int32(index + 1)) }
    }

    private func bindCode(_ position: Int32, _ value: UnsafeRawBufferPointer) -> Int32 {
        guard let start = value.baseAddress, !value.isEmpty else { return sqlite3_bind_zeroblob(handle, position, 0) }
        guard value.count <= Int32.max else { return SQLITE_TOOBIG }
        return shim_sqlite_bind_blob_copy(handle, position, start, Int32(value.count))
    }

    private func bindEmptyText(_ position: Int32) -> Int32 { shim_sqlite_bind_text_copy(handle, position, "", 0) }
}

// MARK: - Columns

extension Statement {
    package func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    package func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    package func double(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }

    package func bool(_ column: Int32) -> Bool { sqlite3_column_int64(handle, column) != 0 }

    /// The text of a column, empty for null; bytes that are not UTF-8 are replaced.
    package func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// The number of bytes of a blob or text.
    package func byteCount(_ column: Int32) -> Int { Int(sqlite3_column_bytes(handle, column)) }

    /// A copy of a blob, empty for null.
    package func bytes(_ column: Int32) -> [UInt8] { withBlob(column) { Array($0) } }

    /// Lends the bytes of a blob without a copy; they are gone with the next step or reset.
    package func withBlob<Result, Failure: Error>(
        _ column: Int32, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let start = sqlite3_column_blob(handle, column)
        let count = Int(sqlite3_column_bytes(handle, column))
        return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }

    package func optionalInt64(_ column: Int32) -> Int64? { isNull(column) ? nil : int64(column) }

    package func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    package func optionalBytes(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : bytes(column) }
}
