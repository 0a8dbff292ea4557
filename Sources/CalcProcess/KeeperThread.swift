import Dispatch
import PrimaryStore
import Synchronization

/// What keeps the slots of a process in a thread of its own, so that no long job makes a beat late.
final class KeeperThread: Sendable {
    private struct State {
        var isStopping = false
        var failure: String?
    }

    private let state = Mutex(State())
    private let signal = DispatchSemaphore(value: 0)

    var failure: String? { state.withLock { $0.failure } }

    /// Works on the calling thread until it is stopped, or until the store will never do its part again; `changed` is
    /// called when the workers' slots may have changed.
    func run(_ keeper: SlotKeeper, changed: () -> Void) {
        while !state.withLock({ $0.isStopping }) {
            do throws(StoreError) {
                if try keeper.step() { changed() }
            } catch {
                state.withLock { $0.failure = "\(error)" }
                return
            }
            _ = signal.wait(timeout: .now() + keeper.secondsToWait())
        }
    }

    func stop() {
        state.withLock { $0.isStopping = true }
        signal.signal()
    }
}
