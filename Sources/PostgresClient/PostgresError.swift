/// An error of PostgreSQL, of the way to it, or of a value that cannot be sent.
///
/// It tells the statement but no values: neither those bound to it nor those that the server repeats in its messages.
package struct PostgresError: Error, Sendable, Hashable {
    /// Who found it.
    package enum Origin: Sendable, Hashable {
        /// The server answered with an error.
        case server
        /// The server could not be reached, or the connection to it ended.
        case connection
        /// The value, name or call is not one that can be sent.
        case client
        /// The answer did not come within the connection's timeout.
        case deadline
        /// An earlier statement of the same pipeline failed, so this one was not run.
        case aborted
    }

    package var origin: Origin
    /// The five characters of the SQL standard, such as 23505; nil where no server gave any.
    package var sqlState: String?
    /// The server's word, such as ERROR or FATAL.
    package var severity: String?
    /// What is wrong, with values hidden.
    package var message: String
    /// The server's explanation, with values hidden.
    package var detail: String?
    package var hint: String?
    /// Where it happened: the line and column of a COPY, the functions that were running.
    package var context: String?
    package var schema: String?
    package var table: String?
    package var column: String?
    package var constraint: String?
    /// The statement, shortened and with its texts hidden; nil where there was none.
    package var statement: String?
    /// The connection is of no use any more.
    package var isConnectionLost = false
    /// The connection was lost while a COMMIT was on its way: it may have been done or not.
    package var isOutcomeUnknown = false

    package init(_ origin: Origin, _ message: String, sqlState: String? = nil, statement: String? = nil) {
        self.origin = origin
        self.message = message
        self.sqlState = sqlState
        self.statement = statement.map { StatementText.hidden($0) }
    }
}

// MARK: - Kinds

extension PostgresError {
    /// The class of the state, its first two characters.
    private var stateClass: Substring? { sqlState?.prefix(2) }

    /// The same work may succeed later, on a new connection if this one is lost: conflicts, shut-downs, lack of
    /// resources, a server that has become a standby.
    package var isRetryable: Bool {
        if isConnectionLost || origin == .connection || origin == .deadline { return !isRefused }
        switch sqlState {
        case "40001", "40P01", "55P03", "25006", "57P01", "57P02", "57P03", "57P05": return true
        default: return stateClass == "08" || stateClass == "53"
        }
    }

    /// The server or the database does not let this user in, or there is no such database: waiting will not help.
    package var isRefused: Bool { stateClass == "28" || sqlState == "3D000" || sqlState == "57P04" }

    /// The server's disk is full; the work may succeed later.
    package var isDiskFull: Bool { sqlState == "53100" }

    /// The statement was cancelled, by us or by a timeout of the server.
    package var isCancelled: Bool { sqlState == "57014" }

    package var isDeadline: Bool { origin == .deadline }

    /// Two transactions got into each other's way; the whole transaction may be tried again.
    package var isConflict: Bool { sqlState == "40001" || sqlState == "40P01" }

    package var isUniqueViolation: Bool { sqlState == "23505" }
    package var isForeignKeyViolation: Bool { sqlState == "23503" }
    package var isNotNullViolation: Bool { sqlState == "23502" }
    package var isCheckViolation: Bool { sqlState == "23514" }

    /// A constraint of the schema was violated.
    package var isConstraint: Bool { stateClass == "23" }

    package var isUndefinedTable: Bool { sqlState == "42P01" }
    package var isUndefinedColumn: Bool { sqlState == "42703" }

    /// The user may not do this.
    package var isPermissionDenied: Bool { sqlState == "42501" }

    /// The server takes no changes: it is a standby.
    package var isReadOnly: Bool { sqlState == "25006" }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String {
        let name = sqlState.map { "PostgreSQL error \($0)" } ?? "PostgreSQL"
        let parts = [detail.map { " (\($0))" }, context.map { " at \($0)" }, statement.map { " in \($0)" }]
        return "\(name): \(message)" + parts.compactMap { $0 }.joined()
    }

    package var debugDescription: String { description }
}
