import Expressions
import Telemetry

/// How the values of an interval's messages become one.
public enum Method: String, CaseIterable, Sendable {
    case first, last, minimum, maximum, average, summary, difference, duration, distinct

    /// The other spellings that are taken.
    static let aliases = ["min": Method.minimum, "max": .maximum]

    static var words: [String] { allCases.map(\.rawValue) + aliases.keys.sorted() }

    init?(word: String) {
        guard let method = Method(rawValue: word) ?? Self.aliases[word] else { return nil }
        self = method
    }
}

/// Says what is computed over each interval.
public struct Counter: Sendable {
    public enum Kind: Sendable {
        /// A value a message, made one by a method: counters of type `expression` and `parameter`.
        case values(Program, Method)
        /// An expression over the interval's own fields.
        case interval(Program)
        /// Whether the interval is still open.
        case active
        /// The begin or the end as local text.
        case datetime(TimeFormat, Border)
        /// The valid positions as an encoded polyline.
        case route(RouteColumns)
        /// Whole messages or parts of them.
        case message(MessageCounter)
        /// A constant.
        case specified(Value)
    }

    public enum Border: String, CaseIterable, Sendable {
        case begin, end
    }

    public var name: String
    public var kind: Kind
    /// Hides messages from this counter alone.
    public var validateMessage: Program?

    /// Whether the result lists messages, so that it is rebuilt from them rather than saved.
    public var listsMessages: Bool {
        switch kind {
        case .route, .message: true
        case .values(_, .distinct): true
        default: false
        }
    }

    /// Whether messages are needed at all.
    public var readsMessages: Bool {
        switch kind {
        case .values, .route, .message: true
        case .interval, .active, .datetime, .specified: false
        }
    }
}

/// The columns that a route is drawn from.
public struct RouteColumns: Sendable {
    public var latitude: Int
    public var longitude: Int
    public var valid: Int

    init(_ layout: inout ColumnLayout) {
        latitude = layout.slot("position.latitude")
        longitude = layout.slot("position.longitude")
        valid = layout.slot("position.valid")
    }
}

/// What a counter of type `message` keeps.
public struct MessageCounter: Sendable {
    public enum Method: String, CaseIterable, Sendable {
        case first, last, each
        case aggregateByField = "aggregate_by_field"
    }

    /// One field of the result.
    public struct Field: Sendable {
        public var name: String
        public var program: Program
        /// How the values of a group become one (`aggregate_by_field`).
        public var aggregate: Calculators.Method
    }

    /// The message where an expression is least or greatest.
    public struct Extremum: Sendable {
        public var isMaximum: Bool
        public var program: Program
    }

    public var method: Method
    /// Empty: the whole message.
    public var fields: [Field]
    public var extremum: Extremum?
    /// The slot that holds whole messages as JSON; used where `fields` is empty.
    public var wholeMessage: Int?

    /// The name of the column that holds whole messages as JSON text.
    public static let wholeMessageName = "$message"
}
