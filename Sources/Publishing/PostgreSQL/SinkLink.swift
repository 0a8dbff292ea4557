import PostgresClient

/// The connection that a sink has or has not, and the patience with its server.
final class SinkLink {
    let settings: SinkSettings
    /// Is told when rows are staged and when they are applied, before the commit: where tests cut the line.
    var stepObserver: ((Step) -> Void)?
    private var connection: SinkConnection?
    private var deliveryMilliseconds: Int
    /// How long the server may take to answer a cancellation.
    var graceMilliseconds = PostgresConnection.graceMillisecondsDefault {
        didSet { connection?.postgres.graceMilliseconds = graceMilliseconds }
    }

    enum Step: CaseIterable { case staged, applied }

    init(_ settings: SinkSettings) {
        self.settings = settings
        deliveryMilliseconds = settings.deliveryMilliseconds
    }

    /// Connects anew, whatever there was.
    func open(store: String) throws(SinkError) -> SinkConnection {
        close()
        let opened = try SinkConnection(settings, store: store, deliveryMilliseconds: deliveryMilliseconds)
        opened.postgres.graceMilliseconds = graceMilliseconds
        connection = opened
        return opened
    }

    func close() {
        connection?.postgres.close()
        connection = nil
    }

    /// Delivers rows over the connection. Errors about data come back as they are.
    func deliver<Value>(_ body: (SinkConnection) throws(PostgresError) -> Value) throws(LinkFailure) -> Value {
        do throws(PostgresError) {
            let value = try use(body)
            deliveryMilliseconds = settings.deliveryMilliseconds
            return value
        } catch {
            if error.isAboutData { throw .data(error) }
            throw .sink(SinkError(error))
        }
    }

    /// Does what no rows can be at fault for. It does not end the patience that rows may need.
    @discardableResult
    func run<Value>(_ body: (SinkConnection) throws(PostgresError) -> Value) throws(SinkError) -> Value {
        do throws(PostgresError) { return try use(body) } catch { throw SinkError(error) }
    }

    /// Uses the connection; one that is lost is given up.
    private func use<Value>(_ body: (SinkConnection) throws(PostgresError) -> Value) throws(PostgresError) -> Value {
        guard let connection else {
            var error = PostgresError(.connection, "the sink is not open")
            error.isConnectionLost = true
            throw error
        }
        do throws(PostgresError) {
            return try body(connection)
        } catch {
            if error.isDeadline || error.isCancelled {
                deliveryMilliseconds = min(deliveryMilliseconds * 2, settings.deliveryMillisecondsMax)
            }
            if error.isConnectionLost { close() }
            throw error
        }
    }
}

/// Why a call over the link did not succeed.
enum LinkFailure: Error {
    case sink(SinkError)
    /// PostgreSQL cannot take one of the rows.
    case data(PostgresError)

    var sinkError: SinkError {
        switch self {
        case .sink(let error): error
        case .data(let error): SinkError(error)
        }
    }
}
