import CPostgres
import Glibc

/// What one call may still wait for: first its timeout, then, once the statement is cancelled, the server's last word.
struct Patience {
    var deadline: Deadline
    var isCancelled = false
}

/// Why a wait ended without what was waited for.
enum WaitFailure: Error {
    /// Neither the statement nor its cancellation was answered.
    case silence
    case lost
}

extension PostgresConnection {
    func patience() -> Patience { Patience(deadline: Deadline(milliseconds: timeoutMilliseconds)) }

    /// Waits for the socket. When the time is over, cancels the statement and waits for a moment more.
    private func wait(for events: Int32, _ patience: inout Patience) throws(WaitFailure) -> Int32 {
        guard let handle = try? live() else { throw .lost }
        while true {
            guard let ready = patience.deadline.wait(for: Int16(events), on: PQsocket(handle)) else { throw .lost }
            if ready != 0 { return Int32(ready) }
            guard !patience.isCancelled else { throw .silence }
            patience.isCancelled = true
            canceller.cancel(timeoutMilliseconds: graceMilliseconds)
            patience.deadline = Deadline(milliseconds: graceMilliseconds)
        }
    }

    /// Sends what libpq holds back; reads meanwhile, or server and client would wait for each other.
    func flush(_ patience: inout Patience) throws(WaitFailure) {
        guard let handle = try? live() else { throw .lost }
        while true {
            switch PQflush(handle) {
            case 0: return
            case 1: if try wait(for: POLLIN | POLLOUT, &patience) & ~POLLOUT != 0 { try consume() }
            default: throw .lost
            }
        }
    }

    /// Reads what has come.
    func consume() throws(WaitFailure) {
        guard let handle = try? live(), PQconsumeInput(handle) == 1 else { throw .lost }
    }

    /// Waits until libpq can tell more without blocking.
    func awaitInput(_ patience: inout Patience) throws(WaitFailure) {
        _ = try wait(for: POLLIN, &patience)
        try consume()
    }

    /// The next result of the statement, nil after the last.
    func nextResult(_ patience: inout Patience) throws(WaitFailure) -> OpaquePointer? {
        guard let handle = try? live() else { throw .lost }
        while PQisBusy(handle) == 1 {
            // Bytes that the encryption layer holds make no socket ready: twice 8 KiB are all it can hold.
            for _ in 0..<2 where isEncrypted { if PQisBusy(handle) == 1 { try consume() } }
            if PQisBusy(handle) == 1 { try awaitInput(&patience) }
        }
        return PQgetResult(handle)
    }

    /// Takes all results of a statement; the last of them, or the first error.
    func collect(_ sql: String, _ patience: inout Patience) throws(PostgresError) -> PostgresResult {
        var (last, error): (PostgresResult?, PostgresError?)
        do throws(WaitFailure) {
            try flush(&patience)
            while let result = try nextResult(&patience) {
                do throws(PostgresError) {
                    last = try take(result, sql)
                } catch let found {
                    error = error ?? found
                }
            }
        } catch let failure {
            var ending = ended(failure, sql)
            if let error { ending = error }
            ending.isConnectionLost = true
            throw ending
        }
        if let error { throw settled(error, patience) }
        guard let last else { throw PostgresError(.client, "an empty statement", statement: sql) }
        return last
    }

    /// A result as our own, or the error that it holds. A COPY that nobody feeds is ended.
    func take(_ result: OpaquePointer, _ sql: String) throws(PostgresError) -> PostgresResult {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_SINGLE_TUPLE, PGRES_PIPELINE_SYNC: return PostgresResult(result)
        case PGRES_EMPTY_QUERY:
            PQclear(result)
            throw PostgresError(.client, "an empty statement", statement: sql)
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
            throw PostgresError(.aborted, "not run, since an earlier statement of the pipeline failed", statement: sql)
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            PQclear(result)
            close()
            throw PostgresError(.client, "a COPY needs copyIn or copyOut; the connection is closed", statement: sql)
        default:
            prepared.forgetIfStale(result)
            defer { PQclear(result) }
            throw found(PostgresError(result: result, statement: sql))
        }
    }

    /// An error with what is known of the connection: one that is lost is closed.
    func found(_ error: PostgresError) -> PostgresError {
        guard let handle = try? live(), PQstatus(handle) == CONNECTION_BAD else { return error }
        var lost = error
        lost.isConnectionLost = true
        return lost
    }

    /// A statement that was cancelled since its time was over failed by the deadline.
    func settled(_ error: PostgresError, _ patience: Patience) -> PostgresError {
        var result = error
        if patience.isCancelled, error.isCancelled {
            result.origin = .deadline
            result.message = "cancelled, since it took longer than \(timeoutMilliseconds ?? 0) ms"
        }
        if result.isConnectionLost { close() }
        return result
    }

    /// Closes the connection after a wait in vain, and tells the server's last words if there are any.
    func ended(_ failure: WaitFailure, _ sql: String?) -> PostgresError {
        defer { close() }
        var error: PostgresError
        switch failure {
        case .silence:
            error = PostgresError(.deadline, "no answer of the server, not even to a cancellation", statement: sql)
        case .lost:
            error = PostgresError(.connection, ServerWords.message(lastWords, sqlState: nil), statement: sql)
            if let found = lastError(sql) { error = found }
        }
        error.isConnectionLost = true
        return error
    }

    /// The error that came before the connection broke.
    private func lastError(_ sql: String?) -> PostgresError? {
        guard let handle = try? live() else { return nil }
        for _ in 0..<4 where PQisBusy(handle) == 0 || PQstatus(handle) == CONNECTION_BAD {
            guard let result = PQgetResult(handle) else { continue }
            defer { PQclear(result) }
            if PQresultStatus(result) == PGRES_FATAL_ERROR { return PostgresError(result: result, statement: sql) }
        }
        return nil
    }

    /// The error of a call of libpq that could not even be begun.
    func refused(_ sql: String?) -> PostgresError {
        let words = lastWords
        let error = found(PostgresError(.client, words, statement: sql))
        return error.isConnectionLost ? ended(.lost, sql) : error
    }
}
