import Glibc
import MessageChunks
import Telemetry

@testable import PrimaryStore

/// A store whose file is changed behind its back, as a fault or a person would.
///
/// It calls the SQLite that the store itself is linked to, so that both share its locks.
enum DamagedStore {
    private typealias Open =
        @convention(c) (
            UnsafePointer<CChar>, UnsafeMutablePointer<OpaquePointer?>, Int32, UnsafePointer<CChar>?
        ) -> Int32
    private typealias Execute =
        @convention(c) (
            OpaquePointer?, UnsafePointer<CChar>, OpaquePointer?, OpaquePointer?, OpaquePointer?
        ) -> Int32
    private typealias Close = @convention(c) (OpaquePointer?) -> Int32

    struct Failure: Error { var what: String }

    /// Runs statements on the store of a folder, or on another file in it.
    static func run(_ sql: String, in folder: String, file: String = "primary.db") throws {
        let open = try function("sqlite3_open_v2", as: Open.self)
        let execute = try function("sqlite3_exec", as: Execute.self)
        let close = try function("sqlite3_close_v2", as: Close.self)
        var connection: OpaquePointer?
        // SQLITE_OPEN_READWRITE
        guard open("\(folder)/\(file)", &connection, 2, nil) == 0 else { throw Failure(what: "open") }
        defer { _ = close(connection) }
        let code = execute(connection, sql, nil, nil, nil)
        guard code == 0 else { throw Failure(what: "\(code): \(sql)") }
    }

    private static func function<Function>(_ name: String, as type: Function.Type) throws -> Function {
        guard let library = dlopen(nil, RTLD_NOW), let symbol = dlsym(library, name) else {
            throw Failure(what: name)
        }
        // The types above are those of sqlite3.h; a pointer to a C function has the size of a pointer.
        return unsafeBitCast(symbol, to: type)
    }

    /// Writes another text over that of an interval, with the checksum that belongs to it.
    static func rewrite(
        _ interval: StoredInterval, of key: AssignmentKey, in folder: String, _ old: String, _ new: String
    ) throws {
        let text = String(decoding: interval.json, as: UTF8.self).replacing(old, with: new)
        let details = IntervalDetails(
            timestamp: interval.timestamp, since: interval.timestamp, headCount: interval.headCount,
            revision: interval.calculatorRevision)
        let checksum = IntervalTable.checksum(key, interval.held, details).value(Array(text.utf8))
        try run(
            """
            UPDATE intervals SET json = CAST('\(text)' AS BLOB), crc = \(checksum), since = 0
            WHERE calc = \(key.calculator) AND device = \(key.device) AND id = \(interval.id)
            """, in: folder)
    }

    /// Sets the last id that an assignment is said to have given, with the checksum that belongs to it.
    static func setLastID(_ id: Int64, of record: AssignmentRecord, in folder: String) throws {
        let marks = record.marks
        var checksum = RowChecksum(record.key)
        for field in [
            record.isEnabled ? 1 : 0, record.isAutoCreated ? 1 : 0, marks.logPosition, marks.calculatorRevision,
            marks.deviceRevision, id, marks.horizon.microseconds,
        ] { checksum.add(field) }
        try run(
            """
            UPDATE assignments SET last_interval = \(id), crc = \(checksum.valueWithoutBytes)
            WHERE calc = \(record.key.calculator) AND device = \(record.key.device)
            """, in: folder)
    }

    /// Turns one bit of a blob around, in the first row that a condition names.
    static func flipBit(
        in table: String, column: String, where condition: String, folder: String, file: String = "primary.db"
    ) throws {
        // The 41st byte lies behind the header of a chunk, and in the text of an interval.
        try run(
            """
            UPDATE \(table) SET \(column) = CAST(substr(\(column), 1, 40) || CASE substr(\(column), 41, 1)
                WHEN x'00' THEN x'01' ELSE x'00' END || substr(\(column), 42) AS BLOB)
            WHERE \(condition)
            """, in: folder, file: file)
    }
}
