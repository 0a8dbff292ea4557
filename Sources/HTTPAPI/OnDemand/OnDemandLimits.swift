import Telemetry

/// What one calculation that is not stored may ask of the server.
package struct OnDemandLimits: Sendable {
    /// Devices, or assignments, of one calculation.
    package var devicesMax = 1_000
    /// Messages read for one calculation, over all devices.
    package var messagesMax = 4_000_000
    /// Stored intervals read for one calculation, over all assignments.
    package var intervalsMax = 200_000
    /// Seconds of work on one calculation; it ends at the next block of messages.
    package var secondsMax = 30.0
    /// Bytes of a calculation's answer.
    package var answerBytesMax = 64 << 20
    /// Samples of each kind in a dry run, where the client says nothing, and at most.
    package var samplesDefault = 5
    package var samplesMax = 100
    /// Messages in one test of an expression.
    package var testMessagesMax = 1_000
    /// The longest bucket of generalized messages, in seconds: a year.
    package var bucketSecondsMax: Int64 = 366 * 86_400

    package init() {}
}

extension APILimits {
    var onDemand: OnDemandLimits {
        var limits = OnDemandLimits()
        limits.answerBytesMax = min(limits.answerBytesMax, answerBytesMax)
        return limits
    }
}

/// What is left of the limits of one calculation.
package struct OnDemandBudget: Sendable {
    /// The limit that was reached.
    package enum Excess: Sendable, Hashable {
        case messages, intervals, seconds, answerBytes
    }

    let limits: OnDemandLimits
    package private(set) var messageCount = 0
    package private(set) var intervalCount = 0
    package private(set) var byteCount = 0
    /// The first limit that was reached; the calculation ends there.
    package private(set) var excess: Excess?
    private let deadline: ContinuousClock.Instant

    /// The time runs from now on.
    package init(_ limits: OnDemandLimits) {
        self.limits = limits
        deadline = .now + .seconds(limits.secondsMax)
    }

    package mutating func take(messages count: Int) {
        messageCount += count
        if messageCount > limits.messagesMax { exceed(.messages) }
        if ContinuousClock.now > deadline { exceed(.seconds) }
    }

    var intervalsLeft: Int { max(0, limits.intervalsMax - intervalCount) }

    package mutating func take(intervals count: Int) {
        intervalCount += count
        if intervalCount > limits.intervalsMax { exceed(.intervals) }
    }

    package mutating func take(bytes count: Int) {
        byteCount += count
        if byteCount > limits.answerBytesMax { exceed(.answerBytes) }
    }

    private mutating func exceed(_ limit: Excess) {
        if excess == nil { excess = limit }
    }

    /// Throws once a limit was reached.
    func check() throws(APIFailure) {
        guard let excess else { return }
        let reason =
            switch excess {
            case .messages: "the calculation would read more than \(limits.messagesMax) messages"
            case .intervals: "the calculation would read more than \(limits.intervalsMax) intervals"
            case .seconds: "the calculation would take longer than \(JSONValue.number(limits.secondsMax).text) s"
            case .answerBytes: "the answer would be over \(limits.answerBytesMax) bytes"
            }
        throw APIFailure(
            .tooLarge, reason,
            hint: "narrow from and to, select fewer devices, or store the calculator: its intervals are kept")
    }
}
