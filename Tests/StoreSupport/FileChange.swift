import Glibc

/// A file of SQLite that is changed behind the back of who has it open, as a fault or a person would.
///
/// It calls the SQLite that the process is linked to, so that all share its locks.
package enum FileChange {
    private typealias Open =
        @convention(c) (
            UnsafePointer<CChar>, UnsafeMutablePointer<OpaquePointer?>, Int32, UnsafePointer<CChar>?
        ) -> Int32
    private typealias Execute =
        @convention(c) (
            OpaquePointer?, UnsafePointer<CChar>, OpaquePointer?, OpaquePointer?, OpaquePointer?
        ) -> Int32
    private typealias Close = @convention(c) (OpaquePointer?) -> Int32

    package struct Failure: Error { package var what: String }

    /// Runs statements on a file that is there.
    package static func run(_ sql: String, on path: String) throws(Failure) {
        let open = try function("sqlite3_open_v2", as: Open.self)
        let execute = try function("sqlite3_exec", as: Execute.self)
        let close = try function("sqlite3_close_v2", as: Close.self)
        var connection: OpaquePointer?
        defer { _ = close(connection) }
        // SQLITE_OPEN_READWRITE
        guard open(path, &connection, 2, nil) == 0 else { throw Failure(what: "open") }
        let code = execute(connection, sql, nil, nil, nil)
        guard code == 0 else { throw Failure(what: "\(code): \(sql)") }
    }

    /// An expression of SQL for the bytes of a column with one of them changed. The 41st byte lies behind the header of
    /// a chunk, and in the text of an interval.
    package static func damaged(_ column: String) -> String {
        """
        CAST(substr(\(column), 1, 40) || CASE substr(\(column), 41, 1) WHEN x'00' THEN x'01' ELSE x'00' END \
        || substr(\(column), 42) AS BLOB)
        """
    }

    private static func function<Function>(_ name: String, as type: Function.Type) throws(Failure) -> Function {
        guard let library = dlopen(nil, RTLD_NOW), let symbol = dlsym(library, name) else {
            throw Failure(what: name)
        }
        // The types above are those of sqlite3.h; a pointer to a C function has the size of a pointer.
        return unsafeBitCast(symbol, to: type)
    }
}
