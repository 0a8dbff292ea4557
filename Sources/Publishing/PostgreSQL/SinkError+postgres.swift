import PostgresClient

extension SinkError {
    /// Sorts the errors of the database into those that pass by themselves and those that wait for a person.
    ///
    /// A call that was not answered is one of the former, whatever became of it: repeating it changes nothing.
    init(_ error: PostgresError) {
        let isPassing = error.isRetryable || error.isCancelled || error.sqlState == Self.cursorMoved
        self = isPassing ? .retry(error.description) : .refused(error.description)
    }

    init(_ error: MigrationError) {
        if case .database(let found) = error { self.init(found) } else { self = .refused(error.description) }
    }

    /// What the sink has is less than its reader believes, as after a fail-over to a server that was behind: read the
    /// cursors anew.
    static let cursorMoved = "OG001"
}

extension PostgresError {
    /// A value cannot be stored, and waiting will not help: data exceptions, limits of the program, constraints, and
    /// what cannot even be sent.
    var isAboutData: Bool {
        if origin == .client { return !isConnectionLost }
        guard let state = sqlState?.prefix(2) else { return false }
        return state == "22" || state == "23" || state == "54"
    }
}
