import Synchronization

/// Counts what came in and what was answered, since the start.
final class RequestMetrics: Sendable {
    struct Key: Hashable, Sendable {
        var method: String
        /// The template of the route, or `unknown`.
        var route: String
        var status: Int
    }

    struct Tally {
        var count: Int64 = 0
        var seconds = 0.0

        mutating func add(_ seconds: Double) {
            count += 1
            self.seconds += seconds
        }
    }

    struct Counts {
        var requests: [Key: Tally] = [:]
        var messagesAccepted: Int64 = 0
        var messagesRefused: Int64 = 0
        var messagesApart: Int64 = 0
        var inFlight = 0
        /// Requests that were answered from memory, before the router.
        var answeredAtOnce: Int64 = 0
        /// Requests with messages that were taken in front of the router.
        var storedAtOnce: Int64 = 0
        /// Reports whose intervals were read from the store, in front of the router or behind it.
        var reportsRead: Int64 = 0
    }

    private let counts = Mutex(Counts())

    var present: Counts { counts.withLock { $0 } }

    /// Counts a request in; false if there are too many in work.
    func begin(max: Int) -> Bool {
        counts.withLock {
            guard $0.inFlight < max else { return false }
            $0.inFlight += 1
            return true
        }
    }

    func end() { counts.withLock { $0.inFlight -= 1 } }

    /// Counts an answer. The keys are bounded: methods and templates are the server's own.
    func answered(_ key: Key, seconds: Double) {
        counts.withLock { $0.requests[key, default: Tally()].add(seconds) }
    }

    /// Counts a request that is answered at once; false if there are too many in work.
    func answeredAtOnce(_ key: Key, seconds: Double, max: Int) -> Bool {
        counts.withLock {
            guard $0.inFlight < max else { return false }
            $0.requests[key, default: Tally()].add(seconds)
            $0.answeredAtOnce += 1
            return true
        }
    }

    /// Counts a request whose messages were taken in front of the router.
    func storedAtOnce(_ key: Key, seconds: Double) {
        counts.withLock {
            $0.requests[key, default: Tally()].add(seconds)
            $0.storedAtOnce += 1
        }
    }

    func reportRead() { counts.withLock { $0.reportsRead += 1 } }

    func messages(accepted: Int, refused: Int = 0, apart: Int = 0) {
        counts.withLock {
            $0.messagesApart += Int64(apart)
            $0.messagesAccepted += Int64(accepted)
            $0.messagesRefused += Int64(refused)
        }
    }
}
