import PrimaryStore
import Synchronization
import Telemetry

/// Where the workers are in the log.
///
/// A commit of batches that are none of a worker's passes it by here: a worker that has looked at all before stands
/// behind the commit at once, without being woken for it. So nobody is behind for whom nothing waits.
final class LogBoard: Sendable {
    private struct Standing {
        /// All up to here it has looked at, or none of it was its own.
        var position: Int64
        /// The slots whose log it reads; nil while that is not known.
        var watched: SlotSet?
    }

    private let standings = Mutex<[Int: Standing]>([:])

    /// Sets where a worker begins, wherever one before it was.
    func begin(at position: Int64, _ worker: Int) {
        standings.withLock { $0[worker] = Standing(position: position) }
    }

    /// Sets the slots whose log a worker reads from now on, and gives the position that it had reached with those
    /// before.
    func watch(_ slots: SlotSet, _ worker: Int) -> Int64 {
        standings.withLock { standings in
            standings[worker, default: Standing(position: 0)].watched = slots
            return standings[worker]?.position ?? 0
        }
    }

    /// Notes that a worker has looked at all up to a position.
    func reach(_ position: Int64, _ worker: Int) {
        standings.withLock { standings in
            let known = standings[worker]?.position ?? position
            standings[worker, default: Standing(position: position)].position = max(known, position)
        }
    }

    /// Notes that there is nothing in the log for a worker, as it has no slots.
    func leave(_ worker: Int) { standings.withLock { $0[worker] = Standing(position: .max) } }

    /// Notes that it is not known which slots a worker has.
    func forgetSlots(of worker: Int) { standings.withLock { $0[worker]?.watched = nil } }

    /// Takes note of a commit; true if there may be something in it for a worker.
    ///
    /// Only who had reached what was there before the commit passes it by, so it does not matter if a commit is never
    /// told, or too late.
    func take(_ notice: CommitNotice, _ worker: Int) -> Bool {
        guard !notice.appendedSlots.isEmpty else { return false }
        return standings.withLock { standings in
            guard let standing = standings[worker], let watched = standing.watched,
                watched.isDisjoint(with: notice.appendedSlots)
            else { return true }
            if standing.position >= notice.positionBefore {
                standings[worker]?.position = max(standing.position, notice.lastPosition)
            }
            return false
        }
    }

    /// The position that a worker has reached.
    func position(of worker: Int) -> Int64 { standings.withLock { $0[worker]?.position ?? 0 } }

    /// The position that the first workers have all reached.
    func leastPosition(among workerCount: Int) -> Int64 {
        standings.withLock { standings in (0..<workerCount).map { standings[$0]?.position ?? 0 }.min() ?? 0 }
    }

    /// The position that all workers that have begun have reached; nil while none has.
    var leastKnownPosition: Int64? { standings.withLock { $0.values.lazy.map(\.position).min() } }
}
