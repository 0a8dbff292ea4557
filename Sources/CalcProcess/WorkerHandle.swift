import Dispatch
import Logging
import PrimaryStore
import Synchronization
import Telemetry

/// Something asked of a worker from outside.
enum WorkerRequest: Sendable {
    case recalculate(AssignmentKey, TimeRange)
    case setFields(FieldsChange)
}

/// What other threads hold of a worker: they wake it, ask it and stop it.
final class WorkerHandle: Sendable {
    private struct State {
        var isStopping = false
        var hasEnded = false
        var isAwake = false
        var requests: [WorkerRequest] = []
        var failure: String?
    }

    private let setup: Worker.Setup
    private let state = Mutex(State())
    private let signal = DispatchSemaphore(value: 0)

    init(_ setup: Worker.Setup) { self.setup = setup }

    /// Runs the worker on the calling thread until it is stopped or fails.
    func run() {
        do {
            let worker = try Worker(setup)
            try worker.run(self)
        } catch {
            setup.logger.critical(
                "worker stopped", metadata: ["worker": "\(setup.index)", "error": "\(error)"])
            state.withLock { $0.failure = "\(error)" }
        }
        for case .setFields(let change) in state.withLock({ state in
            state.hasEnded = true
            defer { state.requests = [] }
            return state.requests
        }) { change.reply(.failure(Self.ended)) }
    }

    /// What is asked of a worker that has ended.
    private static let ended = StoreError.failed("the part that calculates has stopped")

    var isStopping: Bool { state.withLock { $0.isStopping } }
    var failure: String? { state.withLock { $0.failure } }

    func stop() {
        state.withLock { $0.isStopping = true }
        signal.signal()
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
        if hasEnded, case .setFields(let change) = request { change.reply(.failure(Self.ended)) }
        wake()
    }

    /// What was asked since the last time.
    func takeRequests() -> [WorkerRequest] {
        state.withLock { state in
            defer { state.requests = [] }
            return state.requests
        }
    }

    /// Waits until it is woken or so many seconds have passed.
    func sleep(seconds: Double) {
        _ = signal.wait(timeout: .now() + seconds)
        state.withLock { $0.isAwake = false }
    }
}
