import Shims

/// What is done to files without a connection, in the way that SQLite does it itself: through its default VFS, which a
/// test may have replaced by a simulated disk.
extension Connection {
    /// Deletes a file; one that is not there, or cannot be deleted, is left alone.
    ///
    /// No connection may be open on it. The deletion is not durable until the folder is synced.
    package static func deleteFile(_ path: String) { _ = shim_sqlite_delete_file(path) }

    /// Makes the names of the files in a folder durable: a file that is synced can still lose its name.
    ///
    /// SQLite syncs a folder only along with a deletion, so a file of this name is made there and deleted.
    package static func syncFolder(_ folder: String) throws(SQLiteError) {
        let code = shim_sqlite_sync_folder(folder + "/.sync")
        guard code == 0 else { throw SQLiteError(code, on: nil, sql: "sync of a folder") }
    }

    /// Writes the write-ahead log of a file anew, byte for byte, and syncs it: what can be read of it is then durable.
    ///
    /// After a sync that failed an operating system goes on showing the bytes and never writes them. Whoever opens
    /// the file would take them for committed, and all that follows them in the log would go with them when the power
    /// does. So it is to be called before a file is opened for writing, with no other connection writing to it; it
    /// costs as much as the log is long, and nothing after a proper close, which leaves no log.
    package static func hardenLog(of path: String) throws(SQLiteError) {
        let code = shim_sqlite_rewrite_log(path + "-wal")
        guard code == 0 else { throw SQLiteError(code, on: nil, sql: "hardening of a log") }
    }
}
