import Telemetry

/// Why the intervals of a stretch of time are what they are, and what became none.
public struct Explanation: Sendable, Equatable {
    /// Those that overlap the stretch, in the order of their begins.
    public var intervals: [ExplainedInterval] = []
    /// The candidates that overlap it and were refused, in order.
    public var refused: [RefusedCandidate] = []
    /// The messages of it that neither selectors nor counters see.
    public var hidden = HiddenMessages()
    /// Whether there are more intervals or candidates than an explanation takes.
    public var isCut = false
}

/// An interval with the reasons of its borders.
public struct ExplainedInterval: Sendable, Equatable {
    public var interval: Interval
    public var began: ExplainedBorder
    public var ended: ExplainedBorder
    public var messages: ExplainedMessages
}

/// A stretch that might have become an interval and did not.
public struct RefusedCandidate: Sendable, Equatable {
    /// Its first and its last message that is on for all selectors, or for the one whose run it is.
    public var first: Timestamp
    public var last: Timestamp
    /// At least one.
    public var reasons: [ExplainedCause]
    /// Whether it stays refused; false where messages to come may make an interval of it.
    public var isFinal: Bool
    public var began: ExplainedBorder
    public var ended: ExplainedBorder
}

/// Where an interval begins or ends, before it is merged with its neighbours, and why.
public struct ExplainedBorder: Sendable, Equatable {
    /// The first, or the last, message that is on for all selectors.
    public var moment: Timestamp
    /// What the selectors whose run begins or ends there have to say; the first decides.
    public var causes: [ExplainedCause]
    /// The other selectors: they were on before, or still are.
    public var others: [ExplainedCause]
    /// Whether the message beyond the border is merged; nil where the stretch became no interval.
    public var merging: ExplainedMerging?
}

/// One reason, as a code and in words.
public struct ExplainedCause: Sendable, Equatable {
    public enum Code: String, Sendable, CaseIterable {
        /// Of a begin.
        case on
        case onNew = "on_new"
        case afterGap = "after_gap"
        case splitMaxActive = "split_max_active"
        case silence, late
        case alreadyOn = "already_on"
        /// It began before the messages that were looked at.
        case earlier
        /// Of an end (`on_new` too).
        case off
        case maxInactive = "max_inactive"
        case gap
        case maxActive = "max_active"
        case endOfData = "end_of_data"
        case stillOn = "still_on"
        /// Of a refusal.
        case singleMessage = "single_message"
        case minActive = "min_active"
        case minDuration = "min_duration"
        case validateInterval = "validate_interval"
        case noIntersection = "no_intersection"
    }

    public var code: Code
    public var text: String
    /// The selector that decided; nil where it is none of them.
    public var selector: SelectorLabel?
    /// What belongs to the code: seconds and their limit, old and new value, geofence, bucket, source interval.
    public var details: [JSONValue.Member] = []
    /// The message by which it became known, as the selector's expression saw it.
    public var message: TracedMessage?
}

/// A selector by its place, its name and its type.
public struct SelectorLabel: Sendable, Equatable {
    public var index: Int
    public var name: String
    public var type: String
}

/// Whether the message before a begin, or after an end, belongs to the interval.
public struct ExplainedMerging: Sendable, Equatable {
    public enum Code: String, Sendable {
        case merged
        /// No selector asks for it.
        case notAsked = "not_asked"
        /// One of several selectors whose runs share the border does not ask for it.
        case flagMissing = "flag_missing"
        /// The message is further away than a `max_messages_time_diff`.
        case gap
        /// There is no message.
        case noMessage = "no_message"
        /// The run may still go on.
        case open
    }

    public var code: Code
    public var text: String
    /// The message, where there is one.
    public var moment: Timestamp?
    public var details: [JSONValue.Member] = []
}

/// The messages of an interval by what the selectors made of them.
public struct ExplainedMessages: Sendable, Equatable {
    /// All from begin to end, those merged before and after included.
    public var count = 0
    /// Of those between the first and the last that count: on for all selectors.
    public var on = 0
    /// Off for at least one, and absorbed by its `max_inactive`.
    public var off = 0
    /// Off for none, but unknown to at least one.
    public var unknown = 0
    /// On for all selectors that see it, but hidden from at least one by its `validate_message`.
    public var unseen = 0
    /// The first few that were off or unknown.
    public var absorbed: [AbsorbedMessage] = []
    /// Those between begin and end that neither selectors nor counters see.
    public var hidden = HiddenMessages()

    /// The most messages of a kind that are shown.
    public static let samplesMax = 3
}

/// A message inside of an interval that did not count for a selector.
public struct AbsorbedMessage: Sendable, Equatable {
    public var selector: SelectorLabel
    public var isUnknown: Bool
    public var message: TracedMessage
}

/// Messages that neither selectors nor counters see, by what hides them.
public struct HiddenMessages: Sendable, Equatable {
    public enum Cause: String, Sendable {
        case validateMessage = "validate_message"
        case updatePeriod = "update_period"
    }

    public var byValidateMessage = 0
    public var byUpdatePeriod = 0
    /// The first few.
    public var samples: [HiddenMessage] = []

    public var count: Int { byValidateMessage + byUpdatePeriod }
}

/// A message that is hidden.
public struct HiddenMessage: Sendable, Equatable {
    public var cause: HiddenMessages.Cause
    /// Seconds by which it came later than `update_period` allows.
    public var secondsLate: Double?
    public var message: TracedMessage
}
