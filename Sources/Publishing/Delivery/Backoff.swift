import Telemetry

/// When to try again after failures: a pause that doubles, shortened by chance so that many do not come at once.
struct Backoff {
    private let limits: DeliveryLimits
    private var failureCount = 0
    private var until: Timestamp?

    init(_ limits: DeliveryLimits) { self.limits = limits }

    /// `chance` is between 0 and 1.
    mutating func failed(isRefused: Bool, at now: Timestamp, chance: Double) {
        let doubled = limits.retrySecondsMin * Double(1 << min(failureCount, 20))
        let seconds = isRefused ? limits.refusedSeconds : min(doubled, limits.retrySecondsMax) * (1 - chance / 2)
        failureCount += 1
        until = now.advanced(bySeconds: seconds)
    }

    mutating func succeeded() { self = Backoff(limits) }

    /// Forgets the pause: whoever mended something need not wait for it.
    mutating func hurry() { until = nil }

    /// The seconds that are left of the pause.
    func secondsLeft(at now: Timestamp) -> Double? {
        guard let until, now < until else { return nil }
        // A clock that was set back must not make the pause longer.
        return min(until.seconds(after: now), max(limits.retrySecondsMax, limits.refusedSeconds))
    }
}

/// Something that is done every so often.
struct Due {
    private let period: Double
    private var next: Timestamp?

    init(every period: Double) { self.period = period }

    func isDue(at now: Timestamp) -> Bool { secondsLeft(at: now) <= 0 }

    mutating func isDone(at now: Timestamp) { next = now.advanced(bySeconds: period) }

    mutating func isDueNow() { next = nil }

    /// The seconds that are left; no more than the period, whatever the clock does.
    func secondsLeft(at now: Timestamp) -> Double { next.map { min(max(0, $0.seconds(after: now)), period) } ?? 0 }
}

extension Timestamp {
    func seconds(after other: Timestamp) -> Double { Double(microseconds - other.microseconds) / 1e6 }
}
