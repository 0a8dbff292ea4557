import Glibc
import SQLiteClient

/// A copy of a primary store in one file that needs nothing beside it.
package struct Backup: Sendable, Hashable {
    package private(set) var path: String
    /// The number of bytes of the file.
    package let byteCount: Int
    package let schema: Int64
    /// The log position up to which messages are in it.
    package let logPosition: Int64
    package let registryRevision: Int64
    package let counts: Counts

    /// How much of everything there is.
    package struct Counts: Sendable, Hashable {
        package var devices: Int64 = 0
        package var calculators: Int64 = 0
        package var assignments: Int64 = 0
        package var intervals: Int64 = 0
        /// Messages of the log and of the archive.
        package var messages: Int64 = 0
    }

    /// Looks at every page of a file; throws if it is damaged, or is no store that this program can open.
    package init(checking path: String) throws(StoreError) {
        do {
            var status = stat()
            guard stat(path, &status) == 0 else { throw StoreError.notFound(path) }
            let connection = try Connection(path: path, mode: .readOnly, pragmas: ["cell_size_check = ON"])
            try Self.checkSchema(connection, path)
            if let damage = try connection.damage() { throw StoreError.corrupt("\(path): \(damage)") }
            try self.init(describing: connection, path, Int(status.st_size))
        } catch { throw StoreError(wrapping: error) }
    }

    private init(describing connection: Connection, _ path: String, _ byteCount: Int) throws {
        func number(_ sql: String) throws -> Int64 { try connection.integer(sql) ?? 0 }
        self.path = path
        self.byteCount = byteCount
        schema = try number("PRAGMA user_version")
        logPosition = max(
            try number("SELECT value FROM meta WHERE key = 'log_position'"), try number("SELECT MAX(position) FROM log")
        )
        registryRevision = try number("SELECT value FROM meta WHERE key = 'registry_revision'")
        counts = Counts(
            devices: try number("SELECT COUNT(*) FROM devices"), calculators: try number("SELECT COUNT(*) FROM calcs"),
            assignments: try number("SELECT COUNT(*) FROM assignments"),
            intervals: try number("SELECT COUNT(*) FROM intervals"),
            messages: try number("SELECT SUM(count) FROM log") + number("SELECT SUM(count) FROM chunks"))
    }

    /// The same under another name.
    func moved(to path: String) -> Backup {
        var moved = self
        moved.path = path
        return moved
    }

    /// An older schema is brought up to date when the store is opened; a newer one is not known.
    static func checkSchema(_ connection: Connection, _ path: String) throws {
        let schema = try connection.integer("PRAGMA user_version") ?? 0
        let isStore = try connection.integer("SELECT 1 FROM sqlite_schema WHERE name = 'archive_marks'") != nil
        guard schema > 0, isStore else { throw StoreError.invalid("\(path) is not a primary store") }
        guard schema <= Schema.version else {
            throw StoreError.invalid("\(path) has schema \(schema), this program knows \(Schema.version): update it")
        }
    }
}
