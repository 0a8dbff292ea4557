import Dispatch
import Logging
import PrimaryStore
import Synchronization
import Telemetry

/// Something asked of a worker from outside.
enum WorkerRequest: Sendable {
    case recalculate(AssignmentKey, TimeRange)
    case setFields(FieldsChange)
    case decideJob(JobDecision)

    /// What is asked of a worker that has ended.
    static let ended = StoreError.failed("the part that calculates has stopped")

    /// Answers whoever waits.
    func refuse(_ error: StoreError) {
        switch self {
        case .recalculate: break
        case .setFields(let change): change.reply(.failure(error))
        case .decideJob(let change): change.reply(.failure(error))
        }
    }
}

/// What other threads hold of a worker: they wake it, ask it and stop it.
final class WorkerHandle: Sendable {
    private struct State {
        var isStopping = false
        var hasEnded = false
        var isAwake = false
        /// Of the registry, as it was last told.
        var registryRevision: Int64 = -1
        var requests: [WorkerRequest] = []
        var failure: String?
    }

    let setup: Worker.Setup
    private let keeper: SlotKeeper
    private let state = Mutex(State())
    private let signal = DispatchSemaphore(value: 0)

    init(_ setup: Worker.Setup, _ keeper: SlotKeeper) {
        self.setup = setup
        self.keeper = keeper
    }

    /// Runs the worker on the calling thread until it is stopped or fails.
    func run() {
        let seat = WorkerSeat(setup, keeper)
        do {
            while !isStopping {
                let isBusy = try seat.round(takeRequests())
                if !isBusy { sleep(seconds: seat.secondsToWait()) }
            }
        } catch {
            setup.logger.critical(
                "worker stopped", metadata: ["worker": "\(setup.index)", "error": "\(error)"])
            state.withLock { $0.failure = "\(error)" }
        }
        seat.close()
        let unanswered = state.withLock { state in
            state.hasEnded = true
            defer { state.requests = [] }
            return state.requests
        }
        for request in unanswered { request.refuse(WorkerRequest.ended) }
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }
    var failure: String? { state.withLock { $0.failure } }

    func stop() {
        state.withLock { $0.isStopping = true }
        signal.signal()
    }

    /// Says that the store has changed: the registry is looked at by all workers, messages by those that watch their
    /// slots, what a push wrote by none, as the worker that owns it knows of it.
    func wake(after notice: CommitNotice) {
        let hasMessages = setup.board.log.take(notice, setup.index)
        let isChanged = state.withLock { state in
            defer { state.registryRevision = notice.registryRevision }
            return state.registryRevision != notice.registryRevision
        }
        if hasMessages || isChanged { wake() }
    }

    /// Says that there may be something to do.
    func wake() {
        let wasAwake = state.withLock { state in
            defer { state.isAwake = true }
            return state.isAwake
        }
        if !wasAwake { signal.signal() }
    }

    func ask(_ request: WorkerRequest) {
        let hasEnded = state.withLock { state in
            if !state.hasEnded { state.requests.append(request) }
            return state.hasEnded
        }
        if hasEnded { request.refuse(WorkerRequest.ended) }
        wake()
    }

    /// What was asked since the last time.
    private func takeRequests() -> [WorkerRequest] {
        state.withLock { state in
            defer { state.requests = [] }
            return state.requests
        }
    }

    /// Waits until it is woken or so many seconds have passed.
    private func sleep(seconds: Double) {
        _ = signal.wait(timeout: .now() + seconds)
        state.withLock { $0.isAwake = false }
    }
}
