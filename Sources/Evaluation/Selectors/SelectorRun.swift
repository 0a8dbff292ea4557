import Telemetry

/// A run of a selector that has begun and not been closed.
struct OpenRun: Sendable, Equatable {
    /// The first message that is on, of the run as a whole.
    var first: Int64
    /// The same of the present part, if `max_active` has split the run.
    var partFirst: Int64
    /// Where the present part begins once it is merged with the message before.
    var mergedBegin: Int64
    /// The last message that is on.
    var lastOn: Int64
    /// Whether an off message came since, within `max_inactive`.
    var isWaiting = false
}

/// Where a run, or a part of one, ended.
struct RunEnd: Sendable, Equatable {
    var lastOn: Int64
    /// The first message of the calculator's stream after `lastOn`.
    var after: Int64
    /// Whether `min_duration` keeps it.
    var isLongEnough: Bool
    /// Whether `min_active` keeps the run; nil while the run goes on in another part and is too short so far.
    var isActiveEnough: Bool?
    /// What `min_duration` was compared with; for explanations alone, so it is not saved.
    var span: Int64 = 0
}

/// Why a run, or a part of one, begins or ends at a message.
enum RunCause: UInt8, Sendable {
    /// Begins: the message is on, and another run than the one before; after a gap; behind a part that was long enough.
    case on, onNew, afterGap, splitMaxActive
    /// Begins (`inactive`): a silence, or a message that came late.
    case silence, late
    /// Ends: the message is off, at once or after too long an inactivity; a gap; a part that was long enough.
    case off, maxInactive, gap, maxActive
}

/// What happens to a selector's run at a message.
struct RunEvent: Sendable {
    enum Kind: Sendable {
        case closed(RunEnd)
        /// A run, or a part of one, begins with this message.
        case opened
        /// A run has begun with the message before this one, as this one shows (`inactive`).
        case openedBefore
        /// The run that went on behind an earlier part has ended with this verdict of `min_active`.
        case judged(isActiveEnough: Bool)
    }

    /// The row of the block at which it becomes known.
    var row: Int
    var selector: Int
    var kind: Kind
    var cause: RunCause

    /// What began before comes first, then closings, then openings at one message.
    var order: Int {
        switch kind {
        case .openedBefore: 0
        case .judged: 1
        case .closed: 2
        case .opened: 3
        }
    }
}

/// What a selector makes of a message.
enum MarkupState: UInt8, Sendable {
    case off, on, new, unknown
}
