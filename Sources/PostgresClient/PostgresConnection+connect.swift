import CPostgres
import Glibc

extension PostgresConnection {
    /// How long a host may take when neither the settings nor the environment say.
    private static let connectSecondsDefault = 10

    /// The handle of a connection to the first host that answers.
    static func connect(_ settings: PostgresSettings) throws(PostgresError) -> OpaquePointer {
        let surroundings = PostgresSettings.Surroundings(
            environment: { getenv($0).map { String(cString: $0) } }, isFile: { access($0, R_OK) == 0 })
        var failures: [PostgresError] = []
        for attempt in settings.attempts(surroundings) {
            let seconds = attempt["connect_timeout"] ?? surroundings.environment("PGCONNECT_TIMEOUT")
            do throws(PostgresError) {
                return try connect(attempt, seconds: seconds.flatMap { Int($0) } ?? connectSecondsDefault)
            } catch {
                failures.append(error)
            }
        }
        // A host that may answer later counts for more than one that refuses.
        var error =
            failures.first { $0.isRetryable } ?? failures.first ?? PostgresError(.client, "there is no host")
        if failures.count > 1 { error.message = failures.map(\.message).joined(separator: "; ") }
        throw error
    }

    private static func connect(_ parameters: [String: String], seconds: Int) throws(PostgresError) -> OpaquePointer {
        let pairs = parameters.sorted { $0.key < $1.key }
        let handle = withCStrings(pairs.map(\.key)) { keywords in
            withCStrings(pairs.map(\.value)) { values in PQconnectStartParams(keywords, values, 0) }
        }
        guard let handle else { throw PostgresError(.client, "out of memory") }
        do throws(PostgresError) {
            try establish(handle, until: Deadline(milliseconds: seconds > 0 ? seconds * 1000 : nil))
        } catch {
            PQfinish(handle)
            throw error
        }
        return handle
    }

    /// Speaks with the server until it lets us in.
    private static func establish(_ handle: OpaquePointer, until deadline: Deadline) throws(PostgresError) {
        // The verbose form is the only one that tells the SQLSTATE of a refusal.
        PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        var state = PQstatus(handle) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            guard state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING else {
                throw PostgresError(connecting: String(cString: PQerrorMessage(handle)))
            }
            let events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT
            guard let ready = deadline.wait(for: Int16(events), on: PQsocket(handle)), ready != 0 else {
                var error = PostgresError(.connection, "no connection to \(place(handle)) within the connect_timeout")
                error.isConnectionLost = true
                throw error
            }
            state = PQconnectPoll(handle)
        }
        PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
    }

    private static func place(_ handle: OpaquePointer) -> String {
        let host = PQhost(handle).map { String(cString: $0) } ?? "the host"
        return PQport(handle).map { "\(host):\(String(cString: $0))" } ?? host
    }

    /// Lends a list of C strings that ends with a null.
    private static func withCStrings<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let list = copies.map { UnsafePointer($0) } + [nil]
        return list.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
