import Synchronization
import Telemetry

/// The time there is in a simulation; it stands still until it is moved.
final class SimulatedClock: Sendable {
    private let moment: Mutex<Timestamp>

    init(_ now: Timestamp) { moment = Mutex(now) }

    var now: Timestamp { moment.withLock { $0 } }

    func advance(bySeconds seconds: Double) { moment.withLock { $0 = $0.advanced(bySeconds: seconds) } }

    /// Moves it to a moment, never back.
    func advance(to later: Timestamp) { moment.withLock { $0 = max($0, later) } }
}

/// A clock that is wrong by some seconds.
final class SkewedClock: Sendable {
    private let clock: SimulatedClock
    private let skew = Mutex(0.0)

    init(_ clock: SimulatedClock) { self.clock = clock }

    var now: Timestamp { clock.now.advanced(bySeconds: skewSeconds) }

    var skewSeconds: Double {
        get { skew.withLock { $0 } }
        set { skew.withLock { $0 = newValue } }
    }
}
