import Telemetry

/// A function of the language.
public struct Function: Sendable {
    /// What the compiler does with a call.
    enum Role: Sendable {
        /// Computed row by row from its arguments.
        case plain
        case condition, negation, previous, presence, field, mileage, duration, distanceTo, geofence, geofences,
            metadata
        /// A calendar function: its last argument defaults to the message's own timestamp.
        case moment
    }

    /// The arguments of one row: nil is an error.
    struct Arguments {
        var values: [Value?]
        var environment: ExpressionEnvironment

        /// An argument as a number; nil is an error.
        func number(_ index: Int) -> Double? { values[index].flatMap { Conversion.number($0) } }

        /// An argument that must be a string.
        func string(_ index: Int) -> String? {
            if case .string(let text)? = values[index] { text } else { nil }
        }
    }

    public let name: String
    /// The form of a call, such as `round(x[, digits])`.
    public let usage: String
    /// What it gives, in a sentence.
    public let summary: String
    /// How many arguments it takes.
    public let arguments: ClosedRange<Int>
    let role: Role
    /// The result of one row; nil is an error.
    let row: @Sendable (Arguments) -> Value?
    /// The same for one number, where that is all there is to it: run over whole columns.
    let numeric: (@Sendable (Double) -> Double)?
    /// Whether a number that is not finite is an error of the function.
    let isPartial: Bool

    /// Calls with their results, for readers; a test runs them all.
    public var examples: [FunctionExample] { FunctionExample.byName[name] ?? [] }

    init(
        _ usage: String, _ summary: String, _ arguments: ClosedRange<Int>, role: Role = .plain,
        row: @escaping @Sendable (Arguments) -> Value? = { _ in nil }
    ) {
        name = String(usage.prefix { $0 != "(" })
        self.usage = usage
        self.summary = summary
        self.arguments = arguments
        self.role = role
        self.numeric = nil
        self.isPartial = false
        self.row = row
    }

    /// A function of one number; where it is partial, infinity and NaN are errors.
    init(
        _ usage: String, _ summary: String, isPartial: Bool = false, numeric: @escaping @Sendable (Double) -> Double
    ) {
        name = String(usage.prefix { $0 != "(" })
        self.usage = usage
        self.summary = summary
        self.arguments = 1...1
        self.role = .plain
        self.numeric = numeric
        self.isPartial = isPartial
        self.row = { arguments in
            guard let result = arguments.number(0).map(numeric), !isPartial || result.isFinite else { return nil }
            return .number(result)
        }
    }

    /// How many arguments it takes, in words.
    var arity: String {
        let least = arguments.lowerBound
        if least == arguments.upperBound { return least == 1 ? "1 argument" : "\(least) arguments" }
        return arguments.upperBound > 16
            ? "at least \(least) arguments" : "\(least) to \(arguments.upperBound) arguments"
    }

    /// Every function, by topic.
    public static let all: [Function] =
        logic + tests + conversions + mathematics + angles + bits + calendar + moments + movement + texts + formats
        + json + jsonMaking

    /// The function that someone means by a name that there is not.
    static func meant(by name: String) -> String? {
        synonyms[name.lowercased()] ?? nearestName(to: name, among: all.map(\.name))
    }

    /// What other languages call functions of this one.
    private static let synonyms = [
        "len": "length", "strlen": "length", "count": "length", "tolower": "lower", "lowercase": "lower",
        "toupper": "upper", "uppercase": "upper", "substr": "substring", "mid": "substring", "like": "match",
        "ifnull": "coalesce", "nvl": "coalesce", "avg": "average", "mean": "average", "ceiling": "ceil",
        "power": "pow", "ln": "log", "int": "trunc", "number": "tonumber", "str": "tostring", "string": "tostring",
        "find": "indexof", "includes": "contains", "date": "strftime", "format_date": "strftime",
        "limit": "clamp", "typeof": "type", "isset": "exists", "has": "exists",
    ]

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    static func named(_ name: String) -> Function? { byName[name] }
}
