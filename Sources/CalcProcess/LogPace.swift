import Telemetry

/// When a worker takes from the log again.
///
/// What lies in the log is safe and waits for its `update_interval` anyway. So a busy worker lets it gather for a small
/// share of the shortest one: batches of a device that come together cost one transaction, and one write of each page.
/// The first after a rest is taken at once, and where a calculator does not wait, nothing does.
struct LogPace {
    /// The share of the shortest `update_interval` for which the log may gather.
    static let share = 0.01
    /// The longest time in seconds for which it may.
    static let secondsMax = 0.1

    /// 0 for a worker that takes everything at once.
    var secondsMax = 0.0
    private var seconds = 0.0
    private var last: Timestamp?

    init(secondsMax: Double) { self.secondsMax = secondsMax }

    /// Follows the calculators that there are.
    mutating func follow(updateIntervals: some Sequence<Double>) {
        seconds = min(secondsMax, (updateIntervals.min() ?? .infinity) * Self.share)
    }

    /// Notes that a page of the log was taken; where there is more of it, that is due at once.
    mutating func take(at now: Timestamp, isMore: Bool) { last = isMore ? nil : now }

    /// The moment from which the log is due; nil if it is due by now, as it is where the clock was put back.
    func moment(after now: Timestamp) -> Timestamp? {
        guard let last, last <= now else { return nil }
        let due = last.advanced(bySeconds: seconds)
        return now < due ? due : nil
    }
}
