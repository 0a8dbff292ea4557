import HTTPTypes
import Logging
import PrimaryStore
import Synchronization
import Telemetry

/// Knows who may come in: looks tokens up in the store, holds valid ones for a moment, notes their use.
///
/// Secrets stay in memory for as long as they are cached and are never logged.
final class Authenticator: Sendable {
    private struct Known {
        var record: TokenRecord
        var checked: Timestamp
    }

    private struct State {
        var known: [String: Known] = [:]
        var touched: [Int64: Timestamp] = [:]
        /// Counts the times the cache was emptied, so that a look-up begun before does not fill it again.
        var generation = 0
    }

    private let store: any PrimaryStore
    private let pool: BlockingPool
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let limits: APILimits
    private let state = Mutex(State())

    init(
        store: any PrimaryStore, pool: BlockingPool, now: @escaping @Sendable () -> Timestamp, logger: Logger,
        limits: APILimits
    ) {
        self.store = store
        self.pool = pool
        self.now = now
        self.logger = logger
        self.limits = limits
    }

    /// The token of a request; fails with 401 if there is none that is valid.
    func authenticate(_ headers: HTTPFields) async throws(APIFailure) -> TokenRecord {
        guard let header = headers[.authorization] else {
            throw Self.refusal("no token was given", hint: "send the header \"Authorization: FlespiToken …\"")
        }
        guard let secret = Self.secret(header) else {
            throw Self.refusal(
                "the Authorization header must be \"FlespiToken …\" or \"Bearer …\"",
                hint: "send the token's key after it")
        }
        let record = try await record(secret)
        let moment = now()
        guard record.isValid(at: moment) else {
            throw Self.refusal(record.isRevoked ? "the token was revoked" : "the token has expired")
        }
        touch(record.id, at: moment)
        return record
    }

    /// Whether a header has a token that was found valid a moment ago and whose use is noted: nothing is to look up.
    func admitsAtOnce(_ header: String) -> Bool {
        guard let secret = Self.secret(header) else { return false }
        let moment = now()
        return state.withLock { state in
            guard let known = state.known[secret], isFresh(known, at: moment), known.record.isValid(at: moment),
                let touched = state.touched[known.record.id]
            else { return false }
            return moment < touched.advanced(bySeconds: limits.tokenTouchSeconds)
        }
    }

    private func isFresh(_ known: Known, at moment: Timestamp) -> Bool {
        moment < known.checked.advanced(bySeconds: limits.tokenCacheSeconds) && moment >= known.checked
    }

    /// Forgets what is cached: a token was changed.
    func forget() {
        state.withLock {
            $0.known.removeAll()
            $0.generation += 1
        }
    }

    private func record(_ secret: String) async throws(APIFailure) -> TokenRecord {
        let moment = now()
        let (known, generation) = state.withLock { ($0.known[secret], $0.generation) }
        if let known, isFresh(known, at: moment) { return known.record }
        let store = store
        let found = try await pool.run { () throws(APIFailure) in
            do throws(StoreError) { return try store.token(secret: secret) } catch { throw APIFailure(error) }
        }
        guard let found else { throw Self.refusal("the token is unknown") }
        state.withLock {
            guard found.isValid(at: moment), $0.generation == generation else { return }
            if $0.known.count >= limits.tokenCacheMax { $0.known.removeAll() }
            $0.known[secret] = Known(record: found, checked: moment)
        }
        return found
    }

    private func touch(_ id: Int64, at moment: Timestamp) {
        let isDue = state.withLock { state in
            if let last = state.touched[id], moment < last.advanced(bySeconds: limits.tokenTouchSeconds) {
                return false
            }
            state.touched[id] = moment
            return true
        }
        guard isDue else { return }
        let (store, logger) = (store, logger)
        pool.submit {
            do throws(StoreError) { try store.touchTokens([id], at: moment) } catch {
                logger.warning("the use of a token could not be noted", metadata: ["cause": "\(error)"])
            }
        }
    }

    private static func secret(_ header: String) -> String? {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, ["flespitoken", "bearer"].contains(parts[0].lowercased()) else { return nil }
        let secret = parts[1].drop { $0 == " " }
        return secret.isEmpty || secret.utf8.count > 256 ? nil : String(secret)
    }

    private static func refusal(_ reason: String, hint: String? = nil) -> APIFailure {
        var failure = APIFailure(.unauthorized, reason, hint: hint)
        failure.headers[.wwwAuthenticate] = "Bearer"
        return failure
    }
}
