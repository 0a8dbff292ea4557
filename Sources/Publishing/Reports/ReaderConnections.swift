import PostgresClient
import Synchronization

/// Connections for reading, lent to one thread at a time and kept for the next.
///
/// `@unchecked Sendable`: a connection is either among the idle ones, which the mutex guards, or with the one thread
/// that took it out of them.
final class ReaderConnections: @unchecked Sendable {
    /// A connection with what was found out of it.
    private struct Lent {
        var connection: PostgresConnection
        /// It was used before, so it may be lost by now.
        var isReused: Bool
    }

    private struct State {
        var isClosed = false
        var lentCount = 0
    }

    /// Seconds that a host may take to let us in, where the settings say nothing.
    static let connectSeconds = "5"
    /// What the server may take for one statement; our own patience is a little longer.
    static let statementMilliseconds = 30_000
    private static let answerMilliseconds = statementMilliseconds + 2_000

    private let settings: PostgresSettings
    private let connectionsMax: Int
    private let state = Mutex(State())
    /// Guarded by `state`.
    private var idle: [PostgresConnection] = []

    init(_ settings: PostgresSettings, connectionsMax: Int) {
        self.settings =
            settings["connect_timeout"] == nil
            ? settings.setting("connect_timeout", Self.connectSeconds) : settings
        self.connectionsMax = connectionsMax
    }

    /// Runs the body with a connection. One that turns out to be lost is replaced once: reading again changes nothing.
    func withConnection<Value>(
        _ body: (PostgresConnection) throws(PostgresError) -> Value
    ) throws(PostgresError) -> Value {
        let lent = try take()
        do throws(PostgresError) {
            return try run(lent.connection, body)
        } catch {
            guard lent.isReused, error.isConnectionLost else { throw error }
        }
        dropIdle()
        return try run(try take().connection, body)
    }

    /// Closes what is idle now, and what is lent once it comes back.
    func close() {
        state.withLock { $0.isClosed = true }
        dropIdle()
    }

    /// The connections there are.
    var count: Int { state.withLock { $0.lentCount + idle.count } }

    private func run<Value>(
        _ connection: PostgresConnection, _ body: (PostgresConnection) throws(PostgresError) -> Value
    ) throws(PostgresError) -> Value {
        defer { giveBack(connection) }
        return try body(connection)
    }

    private func take() throws(PostgresError) -> Lent {
        let known = try claim()
        if let known { return Lent(connection: known, isReused: true) }
        do throws(PostgresError) {
            return Lent(connection: try connect(), isReused: false)
        } catch {
            state.withLock { $0.lentCount -= 1 }
            throw error
        }
    }

    /// An idle connection; nil if there is none and one may be made.
    private func claim() throws(PostgresError) -> PostgresConnection? {
        let claimed = state.withLock { state -> (isAllowed: Bool, connection: PostgresConnection?) in
            guard !state.isClosed, state.lentCount < connectionsMax else { return (false, nil) }
            state.lentCount += 1
            return (true, idle.popLast())
        }
        guard claimed.isAllowed else {
            throw PostgresError(.connection, "all \(connectionsMax) connections for reading are in use")
        }
        return claimed.connection
    }

    private func connect() throws(PostgresError) -> PostgresConnection {
        let connection = try PostgresConnection(settings)
        connection.timeoutMilliseconds = Self.answerMilliseconds
        try connection.execute(
            """
            SET default_transaction_read_only = on; SET statement_timeout = \(Self.statementMilliseconds); \
            SET application_name = 'odograph dashboard'
            """)
        return connection
    }

    private func giveBack(_ connection: PostgresConnection) {
        let isOfUse = connection.transactionState == .idle && connection.isAlive
        let isKept = state.withLock { state in
            state.lentCount -= 1
            guard isOfUse, !state.isClosed else { return false }
            idle.append(connection)
            return true
        }
        if !isKept { connection.close() }
    }

    private func dropIdle() {
        let dropped = state.withLock { _ in
            defer { idle = [] }
            return idle
        }
        for connection in dropped { connection.close() }
    }
}
