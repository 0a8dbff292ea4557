import CSQLite

extension Connection {
    /// Whether a transaction is open. After a full disk or an I/O error SQLite may have rolled it back by itself.
    package var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Begins a transaction: one that will write takes the lock at once, so that it cannot fail half way.
    package func begin(isWriting: Bool = true) throws(SQLiteError) {
        try run(isWriting ? "BEGIN IMMEDIATE" : "BEGIN DEFERRED")
    }

    package func commit() throws(SQLiteError) { try run("COMMIT") }

    /// Rolls back what is open, if anything is.
    package func rollback() {
        // The only failure is that nothing is open any more, which is what is wanted.
        if isInTransaction { try? run("ROLLBACK") }
    }

    /// Runs the body in a transaction: all of it is committed or nothing.
    package func transaction<Result>(isWriting: Bool = true, _ body: () throws -> Result) throws -> Result {
        try begin(isWriting: isWriting)
        do {
            let result = try body()
            try commit()
            return result
        } catch {
            rollback()
            throw error
        }
    }

    /// Runs the body in a savepoint of the open transaction: if it throws, only its own changes are undone, or, if that
    /// fails, the whole transaction.
    package func savepoint<Result>(_ body: () throws -> Result) throws -> Result {
        try run("SAVEPOINT part")
        do {
            let result = try body()
            try run("RELEASE part")
            return result
        } catch {
            undoSavepoint()
            throw error
        }
    }
}

extension Connection {
    private func undoSavepoint() {
        guard isInTransaction else { return }
        do {
            try run("ROLLBACK TO part")
            try run("RELEASE part")
        } catch {
            rollback()
        }
    }
}

// MARK: - Write-ahead log

extension Connection {
    package enum CheckpointMode: Sendable {
        /// Copies what it can without waiting for readers.
        case passive
        /// Waits for readers, so that the log starts again from its beginning.
        case restart
        /// The same, and cuts the log to nothing.
        case truncate
    }

    /// Counts the frames of the write-ahead log at each commit in `walFrameCount`, and leaves checkpointing to the
    /// caller from now on.
    package func trackWAL() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        // The connection closes the handle when it goes, so the hook never outlives it.
        _ = sqlite3_wal_hook(
            handle,
            { context, _, _, frames in
                guard let context else { return SQLITE_OK }
                Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue().setWALFrameCount(Int(frames))
                return SQLITE_OK
            }, context)
    }

    /// Copies the write-ahead log into the file; true if all of it was copied.
    @discardableResult
    package func checkpoint(_ mode: CheckpointMode) throws(SQLiteError) -> Bool {
        let number =
            switch mode {
            case .passive: SQLITE_CHECKPOINT_PASSIVE
            case .restart: SQLITE_CHECKPOINT_RESTART
            case .truncate: SQLITE_CHECKPOINT_TRUNCATE
            }
        var frames: Int32 = 0
        var copied: Int32 = 0
        let code = sqlite3_wal_checkpoint_v2(handle, nil, number, &frames, &copied)
        if code == SQLITE_BUSY { return false }
        guard code == SQLITE_OK else { throw SQLiteError(code, on: handle, sql: "checkpoint") }
        return frames == copied
    }
}
