import Glibc

/// Runs calls that block, on a bounded number of threads of their own.
///
/// A call waits in a queue while all threads are taken; a full queue refuses it, so that a slow disk is felt by the
/// clients instead of by the memory. Threads start when they are first needed and end with the pool. (Dispatch would
/// not do: it hardly starts a thread beyond the number of cores while the others block.)
final class BlockingPool: Sendable {
    private let jobs: BlockingQueue

    init(threadsMax: Int, queueMax: Int) {
        jobs = BlockingQueue(threadsMax: threadsMax, queueMax: queueMax)
    }

    deinit { jobs.close() }

    /// Runs a body on a thread that may block, and gives its result.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(APIFailure) -> Value
    ) async throws(APIFailure) -> Value {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, APIFailure>, _>) in
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
    func submit(_ body: @escaping @Sendable () -> Void) -> Bool { jobs.add(body) }
}

/// The jobs of a pool and the threads that take them.
///
/// `@unchecked Sendable`: the variables are touched only between `pthread_mutex_lock` and `pthread_mutex_unlock`.
private final class BlockingQueue: @unchecked Sendable {
    typealias Job = @Sendable () -> Void

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let threadsMax: Int
    private let queueMax: Int
    private var waiting: [Job] = []
    /// How many of `waiting` have been taken; they are let go in bulk, so that taking costs the same at any length.
    private var taken = 0
    private var threadCount = 0
    private var idleCount = 0
    private var isClosed = false

    init(threadsMax: Int, queueMax: Int) {
        self.threadsMax = threadsMax
        self.queueMax = queueMax
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func add(_ job: @escaping Job) -> Bool {
        let isTaken = take(job)
        // Whoever is woken finds the lock free.
        if isTaken { pthread_cond_signal(condition) }
        return isTaken
    }

    private func take(_ job: @escaping Job) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        let length = waiting.count - taken
        guard !isClosed, length < queueMax else { return false }
        if idleCount <= length, threadCount < threadsMax, startThread() { threadCount += 1 }
        guard threadCount > 0 else { return false }
        waiting.append(job)
        return true
    }

    /// Ends the threads once they have done what is queued.
    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    private func startThread() -> Bool {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let queue = Unmanaged<BlockingQueue>.fromOpaque(context).takeRetainedValue()
                while let job = queue.next() { job() }
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    /// The next job, waited for; nil once the queue is closed and empty.
    private func next() -> Job? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while taken == waiting.count {
            if isClosed { return nil }
            idleCount += 1
            pthread_cond_wait(condition, mutex)
            idleCount -= 1
        }
        let job = waiting[taken]
        taken += 1
        if taken == waiting.count || taken > 64 && taken * 2 > waiting.count {
            waiting.removeFirst(taken)
            taken = 0
        }
        return job
    }
}
