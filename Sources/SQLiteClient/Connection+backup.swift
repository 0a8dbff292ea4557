import CSQLite

extension Connection {
    /// Copies every page of another file into this one, some at a time, with SQLite's online backup.
    ///
    /// What is copied is the state of one moment only if `source` is inside a transaction of its own: without one, each
    /// commit of another connection makes the copy begin again. `progress` is told the pages done and the pages there
    /// are after each step; the copy ends where it throws, and this file is then of no use.
    package func copyPages(
        of source: Connection, pagesPerStep: Int32 = 1024, progress: (_ done: Int, _ total: Int) throws -> Void
    ) throws {
        guard let backup = sqlite3_backup_init(handle, "main", source.handle, "main") else {
            throw SQLiteError(sqlite3_errcode(handle), on: handle, sql: "backup")
        }
        var isFinished = false
        defer { if !isFinished { sqlite3_backup_finish(backup) } }
        while true {
            let code = sqlite3_backup_step(backup, pagesPerStep)
            guard code == SQLITE_OK || code == SQLITE_DONE else {
                // The connection knows why only once the backup is finished.
                isFinished = true
                sqlite3_backup_finish(backup)
                throw SQLiteError(code, on: handle, sql: "backup")
            }
            let total = Int(sqlite3_backup_pagecount(backup))
            try progress(total - Int(sqlite3_backup_remaining(backup)), total)
            if code == SQLITE_DONE { return }
        }
    }

    /// What SQLite finds wrong with the file when it looks at every page and every index; nil if nothing is.
    package func damage() throws -> String? {
        let found = try statement("PRAGMA integrity_check(1)").first { $0.text(0) }
        return found == "ok" ? nil : found ?? "no answer"
    }
}
