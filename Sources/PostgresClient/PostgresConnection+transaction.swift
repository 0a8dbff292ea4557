extension PostgresConnection {
    package enum Isolation: String, Sendable {
        case readCommitted = "READ COMMITTED"
        case repeatableRead = "REPEATABLE READ"
        case serializable = "SERIALIZABLE"
    }

    /// Runs the body in a transaction: all of it is committed or nothing.
    ///
    /// If the connection is lost during the COMMIT nobody can tell which; the error then says so.
    @discardableResult
    package func transaction<Result>(
        isolation: Isolation = .readCommitted, isReadOnly: Bool = false, _ body: () throws -> Result
    ) throws -> Result {
        guard transactionState != .open, transactionState != .failed else {
            throw PostgresError(.client, "a transaction is open already: use a savepoint")
        }
        try execute("BEGIN ISOLATION LEVEL \(isolation.rawValue) \(isReadOnly ? "READ ONLY" : "READ WRITE")")
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
    @discardableResult
    package func savepoint<Result>(_ body: () throws -> Result) throws -> Result {
        try execute("SAVEPOINT part")
        do {
            let result = try body()
            try execute("RELEASE part")
            return result
        } catch {
            undoSavepoint()
            throw error
        }
    }

    /// A COMMIT of a transaction in which a statement failed rolls back and is no error to the server; here it is one.
    private func commit() throws(PostgresError) {
        do throws(PostgresError) {
            let result = try execute("COMMIT")
            guard result.tag == "COMMIT" else {
                throw PostgresError(
                    .server, "the transaction was rolled back, since a statement in it had failed", sqlState: "25P02",
                    statement: "COMMIT")
            }
        } catch {
            var unsure = error
            unsure.isOutcomeUnknown = error.isConnectionLost
            throw unsure
        }
    }

    private func rollback() {
        guard transactionState == .open || transactionState == .failed else { return }
        do { try execute("ROLLBACK") } catch { close() }
    }

    private func undoSavepoint() {
        guard transactionState == .open || transactionState == .failed else { return }
        do { try execute("ROLLBACK TO part; RELEASE part") } catch { rollback() }
    }
}
