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
        /// The name of the geofence in which the interval began.
        case geofence(RouteColumns)
        /// The valid positions as an encoded polyline.
        case route(RouteColumns)
        /// Whole messages or parts of them: counters of type `message` and `dataset`.
        case message(MessageCounter)
        /// A value that goes from message to message, for the counters after it to read.
        case variable(VariableCounter)
        /// The intervals of another calculator inside this one.
        case source(SourceCounter)
        /// The sum of another counter from interval to interval.
        case accumulator(AccumulatorCounter)
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
    public var readsMessages: Bool { kind.readsMessages }

    /// The programs over messages, `validate_message` included.
    public var messagePrograms: [Program] {
        let own: [Program] =
            switch kind {
            case .values(let program, _): [program]
            case .variable(let variable): [variable.program]
            case .message(let message): message.fields.map(\.program) + [message.extremum?.program].compactMap { $0 }
            default: []
            }
        return [validateMessage].compactMap { $0 } + own
    }
}

extension Counter.Kind {
    var readsMessages: Bool {
        switch self {
        case .values, .route, .message, .variable: true
        case .interval, .active, .datetime, .geofence, .source, .accumulator, .specified: false
        }
    }
}

/// The columns that a position is read from.
public struct RouteColumns: Sendable {
    public var latitude: Int
    public var longitude: Int
    public var valid: Int

    public init(_ layout: inout ColumnLayout) {
        latitude = layout.slot("position.latitude")
        longitude = layout.slot("position.longitude")
        valid = layout.slot("position.valid")
    }
}

/// What a counter of type `message` or `dataset` keeps.
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

    /// What a `dataset` does with a field that is an error or null.
    public enum Unknown: Sendable {
        /// The message is passed over.
        case passesMessageOver
        /// The field is left out (`allow_unknown`).
        case leavesFieldOut
    }

    public var method: Method
    /// Empty: the whole message.
    public var fields: [Field]
    public var extremum: Extremum?
    /// nil: as a counter of type `message` does, errors are left out and null is written.
    public var unknown: Unknown?
    /// The slot that holds whole messages as JSON; used where `fields` is empty.
    public var wholeMessage: Int?

    /// The name of the column that holds whole messages as JSON text.
    public static let wholeMessageName = "$message"
    /// The most fields of a counter.
    public static let fieldsMax = 64
}

/// A running value: what a counter of type `variable` computes at each message.
public struct VariableCounter: Sendable {
    public var name: String
    public var program: Program
    /// The slot that counters after it read the value from.
    public var slot: Int
    /// Whether its own program reads the value at the message before.
    public var readsItself: Bool

    /// The name of the column that programs read a variable from, as `Program` has it.
    public static func slotName(_ variable: String) -> String { "@\(variable)" }
}

/// What a counter of type `calc` collects of another calculator's intervals.
public struct SourceCounter: Sendable {
    public enum Method: String, CaseIterable, Sendable {
        case each, aggregate, first, last
        case aggregateByField = "aggregate_by_field"
    }

    /// One field of the result.
    public struct Field: Sendable {
        public var name: String
        public var program: Program
        /// How the values of several intervals become one; nil: numbers are summed, of others the first is taken.
        public var aggregate: Calculators.Method?
    }

    public var source: SourceReference
    public var method: Method
    /// Empty: all fields of the source interval.
    public var fields: [Field]
    public var allowsStartBefore: Bool
    public var allowsFinishAfter: Bool
}

/// What a counter of type `accumulator` adds up.
public struct AccumulatorCounter: Sendable {
    /// The counter before it whose values are added.
    public var counter: String
    /// The sum starts anew where an interval begins in another hour, day, week, month or year than the one before.
    public var resetUnit: CalendarUnit?
    /// The sum starts anew where it is true.
    public var reset: Program?
}
