import SQLiteClient

/// The file of a store, looked at without opening it as a store: beside a server, and whatever is wrong with it.
package struct StoreFile: Sendable {
    package let path: String

    package init(folder: String) { path = folder + "/primary.db" }

    /// The version of the SQLite library, such as 3.40.1.
    package static var libraryVersion: String { Connection.libraryVersion }

    /// The schema that this program writes and reads.
    package static var schemaKnown: Int64 { Schema.version }

    /// The schema of the file.
    package func schema() throws(StoreError) -> Int64 {
        try read { try $0.integer("PRAGMA user_version") ?? 0 }
    }

    /// What SQLite finds wrong with the file's pages; nil if nothing. Reads all of them.
    package func damage() throws(StoreError) -> String? {
        let found = try read { try $0.statement("PRAGMA quick_check(1)").first { $0.text(0) } }
        return found == "ok" ? nil : found ?? "no answer"
    }

    private func read<Value>(_ body: (Connection) throws -> Value) throws(StoreError) -> Value {
        do {
            return try body(Connection(path: path, mode: .readOnly, pragmas: ["query_only = ON", "mmap_size = 0"]))
        } catch { throw StoreError(wrapping: error) }
    }
}

extension SQLitePrimaryStore {
    /// The part of an audit that belongs to no slot: with it, one slot after the other gives the whole.
    package func auditTables() throws(StoreError) -> [String] {
        var audit = Audit()
        for table in Totals.tables + ["slots", "log_totals"] {
            try read { connection in
                try connection.transaction(isWriting: false) { audit.look(at: table, connection) }
            }
        }
        try read { connection in
            try connection.transaction(isWriting: false) { audit.lookAtSealedIndex(connection) }
        }
        return audit.findings
    }
}
