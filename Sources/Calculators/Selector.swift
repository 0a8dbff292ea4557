import Expressions
import Telemetry

/// Says which stretches of a device's messages count.
public struct Selector: Sendable {
    public enum Kind: Sendable {
        /// On where the expression is true.
        case boolean(Program)
        /// Every stretch of one value is a run of its own.
        case change(Program)
        /// Every hour, day, week, month or year of the calculator's time zone is a run; nil: all messages are one.
        case datetime(CalendarUnit?)
        /// On inside a geofence; each geofence is a run of its own.
        case geofence(GeofenceSelector)
        /// On at both sides of a silence, and in messages that came late, of more than the threshold in microseconds.
        case inactive(threshold: Int64, acceptance: Int)
        /// On inside the intervals of another calculator; each is a run of its own.
        case source(SourceReference)
    }

    public var name: String
    public var kind: Kind
    /// Hides messages from this selector alone.
    public var validateMessage: Program?
    public var options: Options

    /// The timing and merging of a selector; seconds are kept as microseconds, 0 is off.
    public struct Options: Sendable, Equatable {
        public var invert = false
        public var maxMessagesTimeDiff: Int64 = 0
        public var maxInactive: Int64 = 0
        /// nil: runs of one message are dropped, where the selector's kind does that.
        public var minActive: Int64?
        public var maxActive: Int64 = 0
        public var minDuration: Int64 = 0
        public var mergesBefore = false
        public var mergesAfter = false
        public var mergesUnknown = false
    }

    /// Whether a run of one message is dropped when `min_active` is not given (rule 13 of the language).
    public var dropsSingleMessages: Bool {
        guard options.minActive == nil else { return false }
        return switch kind {
        case .boolean, .geofence, .source: true
        case .change, .datetime, .inactive: false
        }
    }

    /// Whether the passing of time alone may open a run.
    public var isInactive: Bool { if case .inactive = kind { true } else { false } }
}

/// What a selector of type `geofence` looks at.
public struct GeofenceSelector: Sendable {
    public var position: RouteColumns
    /// Geofences of its own; nil: those assigned to the calculator.
    public var inline: GeofenceSet?
    /// Whether a leg that touches a geofence between two messages outside counts.
    public var detectsCrossing: Bool

    /// The most geofences that one selector may have of its own.
    public static let inlineMax = 64
}

/// The intervals of another calculator on the same device, as a selector or a counter reads them.
public struct SourceReference: Sendable {
    public var calculator: CalculatorID
    /// The fields of a source interval that the programs read.
    public var layout: ColumnLayout
    /// Source intervals that fail it are passed over.
    public var validateInterval: Program?
}
