import Dispatch
import Foundation
import Synchronization

@testable import CalcProcess

/// Moves a clock by a second in every millisecond, in a thread of its own, and wakes who waits for a time to come.
final class Pace: Sendable {
    private enum State { case goes, stands, hasEnded }

    private let clock: SimulatedClock
    private let state = Mutex(State.goes)
    private let signal = DispatchSemaphore(value: 0)
    private let hasStopped = DispatchSemaphore(value: 0)

    init(_ clock: SimulatedClock) { self.clock = clock }

    /// Begins, until `end`.
    func begin(_ process: CalcProcess) {
        state.withLock { $0 = .goes }
        Thread.detachNewThread { [self] in
            while advance() {
                // What wakes all workers and changes nothing.
                try? process.setReplays(isPaused: nil, share: nil)
                _ = signal.wait(timeout: .now() + .milliseconds(1))
            }
            hasStopped.signal()
        }
    }

    func stand() { state.withLock { $0 = .stands } }

    func go() { state.withLock { $0 = .goes } }

    func end() {
        state.withLock { $0 = .hasEnded }
        signal.signal()
        hasStopped.wait()
    }

    /// False at the end. The lock is held meanwhile, so that the clock stands once `stand` returns.
    private func advance() -> Bool {
        state.withLock { state in
            if state == .goes { clock.advance(bySeconds: 1) }
            return state != .hasEnded
        }
    }
}
