import CPostgres
import Glibc

/// A connection to a PostgreSQL server.
///
/// Its calls block, so it belongs to one thread or actor at a time and to none of the shared pool; it is not
/// `Sendable`. Every call ends: after `timeoutMilliseconds` the statement is cancelled, and if the server does not
/// answer that either, the connection is closed. A connection that is lost stays lost; whoever needs another makes one.
package final class PostgresConnection {
    package static let timeoutMillisecondsDefault = 60_000
    package static let graceMillisecondsDefault = 3_000
    /// The protocol counts the parameters of a statement with 16 bits.
    package static let parametersMax = 65_535

    package let settings: PostgresSettings
    /// How long the server may take for a statement, and between two signs of life in a COPY or a pipeline; nil waits
    /// for ever.
    package var timeoutMilliseconds: Int? = timeoutMillisecondsDefault
    /// How long it may take to answer a cancellation, before the connection is given up.
    package var graceMilliseconds = graceMillisecondsDefault
    /// Is told the warnings and notices of the server; without one they are dropped.
    package var noticeHandler: ((PostgresNotice) -> Void)? {
        get { notices.handler }
        set { notices.handler = newValue }
    }

    /// Cancels what this connection is doing, from any thread.
    package let canceller: PostgresCanceller

    var prepared = PreparedStatements()
    let parameters = ParameterList()
    /// A copy or a pipeline is under way, in which no other statement can be run.
    var isBusy = false
    private var handle: OpaquePointer?
    private let notices: NoticeSink

    /// Connects to the first of the hosts that lets us in.
    package init(_ settings: PostgresSettings) throws(PostgresError) {
        let handle = try Self.connect(settings)
        guard let cancel = PQgetCancel(handle) else {
            PQfinish(handle)
            throw PostgresError(.client, "out of memory")
        }
        self.settings = settings
        self.handle = handle
        canceller = PostgresCanceller(cancel)
        notices = NoticeSink()
        notices.attach(to: handle)
        PQsetnonblocking(handle, 1)
    }

    deinit { PQfinish(handle) }

    /// Ends the session. What is open in a transaction is rolled back by the server.
    package func close() {
        PQfinish(handle)
        handle = nil
    }

    /// libpq's handle; an error once the connection is closed or lost.
    func live() throws(PostgresError) -> OpaquePointer {
        if let handle { return handle }
        var error = PostgresError(.connection, "the connection is closed")
        error.isConnectionLost = true
        throw error
    }

    /// The same, for a new statement.
    func idle() throws(PostgresError) -> OpaquePointer {
        guard !isBusy else {
            throw PostgresError(.client, "a COPY or pipeline is under way on the connection")
        }
        return try live()
    }
}

// MARK: - What is known of it

extension PostgresConnection {
    package enum TransactionState: Sendable { case idle, active, open, failed, unknown }

    /// POLLRDHUP, which the C library shows to GNU programs only: the other side sends no more.
    private static let hangUp: Int16 = 0x2000

    /// Whether the connection stands, as far as is known without asking the server; what the server sent is read.
    package var isAlive: Bool {
        guard let handle, PQconsumeInput(handle) == 1 else { return false }
        var descriptor = pollfd(fd: PQsocket(handle), events: Self.hangUp, revents: 0)
        guard poll(&descriptor, 1, 0) >= 0 else { return false }
        let isOver = Int32(descriptor.revents) & (Int32(Self.hangUp) | POLLHUP | POLLERR | POLLNVAL) != 0
        return !isOver && PQstatus(handle) == CONNECTION_OK
    }

    package var transactionState: TransactionState {
        guard let handle else { return .unknown }
        return switch PQtransactionStatus(handle) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_ACTIVE: .active
        case PQTRANS_INTRANS: .open
        case PQTRANS_INERROR: .failed
        default: .unknown
        }
    }

    /// Such as 150018 for 15.18.
    package var serverVersion: Int { handle.map { Int(PQserverVersion($0)) } ?? 0 }

    /// A setting that the server reports by itself, such as `TimeZone` or `server_version`.
    package func parameterStatus(_ name: String) -> String? {
        handle.flatMap { PQparameterStatus($0, name) }.map { String(cString: $0) }
    }

    package var isEncrypted: Bool { handle.map { PQsslInUse($0) == 1 } ?? false }

    /// The number of the server's process, as in `pg_stat_activity`.
    package var processID: Int32 { handle.map { PQbackendPID($0) } ?? 0 }

    /// libpq's last words, which may be about anything.
    var lastWords: String {
        let words = handle.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? ""
        return words.isEmpty ? "the connection to the server was lost" : ServerWords.oneLine(words)
    }
}

/// Where notices go; libpq holds a plain pointer to it.
private final class NoticeSink {
    var handler: ((PostgresNotice) -> Void)?

    /// The connection owns both the sink and the handle, and finishes the handle before it lets go of the sink.
    func attach(to handle: OpaquePointer) {
        PQsetNoticeReceiver(
            handle,
            { context, result in
                guard let context, let result else { return }
                Unmanaged<NoticeSink>.fromOpaque(context).takeUnretainedValue().take(result)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func take(_ result: OpaquePointer) {
        guard let handler else { return }
        let words = PostgresError(result: result, statement: nil)
        handler(
            PostgresNotice(severity: words.severity ?? "", sqlState: words.sqlState ?? "", message: words.message))
    }
}
