import Logging
import Telemetry

/// The failures of a loop: when it tries again, and what has been said of them.
///
/// Each reason is logged once, not at each attempt.
struct FailureWatch {
    private let logger: Logger
    /// What is not delivered, in words.
    private let what: String
    /// Shortens the pauses: numbers between 0 and 1.
    private let chance: () -> Double
    private var backoff: Backoff
    private var reported: String?
    private var reportedDamage: Set<String> = []

    /// More reasons than this are not remembered.
    private static let damageCountMax = 1_000

    init(_ limits: DeliveryLimits, _ what: String, _ logger: Logger, chance: @escaping () -> Double) {
        self.what = what
        self.chance = chance
        self.logger = logger
        backoff = Backoff(limits)
    }

    func secondsLeft(at now: Timestamp) -> Double? { backoff.secondsLeft(at: now) }

    mutating func hurry() { backoff.hurry() }

    /// Notes a failure in a status; returns the seconds until the next attempt.
    mutating func failed(_ failure: DeliveryFailure, _ status: inout LoopStatus, at now: Timestamp) -> Double {
        backoff.failed(isRefused: failure.isRefused, at: now, chance: chance())
        status.set(failure.isRefused ? .refused(failure.words) : .failing(failure.words), at: now)
        status.retryCount += 1
        status.lastError = failure.words
        if reported != failure.words {
            reported = failure.words
            logger.log(
                level: failure.isRefused ? .error : .warning, "delivery has failed",
                metadata: ["what": "\(what)", "reason": "\(failure.words)"])
        }
        return backoff.secondsLeft(at: now) ?? 0
    }

    mutating func succeeded() {
        backoff.succeeded()
        guard reported != nil else { return }
        reported = nil
        logger.notice("delivery goes on", metadata: ["what": "\(what)"])
    }

    /// Notes what is passed over because it cannot be read.
    mutating func passedOver(_ reason: String, _ status: inout LoopStatus) {
        status.damagedCount += 1
        status.lastError = reason
        guard reportedDamage.count < Self.damageCountMax, reportedDamage.insert(reason).inserted else { return }
        logger.error("delivery passes over what is damaged", metadata: ["what": "\(what)", "reason": "\(reason)"])
    }
}
