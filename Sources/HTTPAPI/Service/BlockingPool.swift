import Dispatch
import Synchronization

/// Runs calls that block, on a bounded number of threads of their own.
///
/// A call waits in a queue while all threads are taken; a full queue refuses it, so that a slow disk is felt by the
/// clients instead of by the memory.
final class BlockingPool: Sendable {
    private struct State {
        var running = 0
        var waiting: [@Sendable () -> Void] = []
        var head = 0
    }

    private let threadsMax: Int
    private let queueMax: Int
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "odograph.api.blocking", attributes: .concurrent)

    init(threadsMax: Int, queueMax: Int) {
        self.threadsMax = threadsMax
        self.queueMax = queueMax
    }

    /// Runs a body on a thread that may block, and gives its result.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(APIFailure) -> Value
    ) async throws(APIFailure) -> Value {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, APIFailure>, _>) in
            let isTaken = submit {
                do throws(APIFailure) {
                    continuation.resume(returning: .success(try body()))
                } catch { continuation.resume(returning: .failure(error)) }
            }
            if !isTaken {
                continuation.resume(
                    returning: .failure(APIFailure(.busy, "too many requests wait for the store; try again later")))
            }
        }
        return try result.get()
    }

    /// Has a body run soon, without waiting for it; false if the queue is full.
    @discardableResult
    func submit(_ body: @escaping @Sendable () -> Void) -> Bool {
        let (isTaken, starts) = state.withLock { state -> (Bool, Bool) in
            if state.running < threadsMax {
                state.running += 1
                return (true, true)
            }
            guard state.waiting.count - state.head < queueMax else { return (false, false) }
            state.waiting.append(body)
            return (true, false)
        }
        if starts {
            queue.async {
                body()
                while let next = self.next() { next() }
            }
        }
        return isTaken
    }

    /// The next body that waits; with none, the thread is given back.
    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            guard state.head < state.waiting.count else {
                state.waiting.removeAll()
                state.head = 0
                state.running -= 1
                return nil
            }
            state.head += 1
            // What was taken is let go in bulk, so that taking costs the same however long the queue is.
            defer {
                if state.head > 64, state.head * 2 > state.waiting.count {
                    state.waiting.removeFirst(state.head)
                    state.head = 0
                }
            }
            return state.waiting[state.head - 1]
        }
    }
}
