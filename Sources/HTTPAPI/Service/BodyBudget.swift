import HTTPTypes
import Synchronization

/// The memory that bodies of requests may hold together, and who was told to come again because of it.
///
/// Bytes are counted as they come, not as they are announced: a sender that announces much and sends slowly takes
/// nothing from the others.
final class BodyBudget: Sendable {
    struct Counts: Sendable, Hashable {
        /// Bytes of bodies that are held now, and the most that ever were.
        var byteCount = 0
        var byteCountMost = 0
        /// Requests refused because bodies held all the memory they may.
        var refusedForMemory: Int64 = 0
        /// Messages refused because too much of the log waits to be calculated.
        var refusedForLog: Int64 = 0
    }

    private let counts = Mutex(Counts())

    var present: Counts { counts.withLock { $0 } }

    /// Takes room for more bytes of a body; false if there is none.
    func take(_ byteCount: Int, max: Int) -> Bool {
        counts.withLock { counts in
            guard counts.byteCount + byteCount <= max else { return false }
            counts.byteCount += byteCount
            counts.byteCountMost = Swift.max(counts.byteCountMost, counts.byteCount)
            return true
        }
    }

    func giveBack(_ byteCount: Int) {
        guard byteCount > 0 else { return }
        counts.withLock { $0.byteCount -= byteCount }
    }

    func noteRefusalForMemory() { counts.withLock { $0.refusedForMemory += 1 } }

    func noteRefusalForLog() { counts.withLock { $0.refusedForLog += 1 } }
}

extension APIFailure {
    /// More comes than can be taken: the same request may be sent again after so many seconds.
    static func overloaded(_ reason: String, seconds: Int) -> APIFailure {
        var failure = APIFailure(
            .overloaded, reason, hint: "nothing of the request was stored; send it again after \(seconds) s")
        failure.headers[.retryAfter] = String(seconds)
        return failure
    }
}
