import Telemetry

/// A function of the language.
public struct Function: Sendable {
    /// What the compiler does with a call.
    enum Role: Sendable {
        /// Computed row by row from its arguments.
        case plain
        case condition, negation, previous, presence, field, mileage, duration, distanceTo, metadata
        /// A calendar function: its argument defaults to the message's own timestamp.
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
        self.row = row
    }

    /// A function of one number.
    init(_ usage: String, _ summary: String, numeric: @escaping @Sendable (Double) -> Double) {
        name = String(usage.prefix { $0 != "(" })
        self.usage = usage
        self.summary = summary
        self.arguments = 1...1
        self.role = .plain
        self.numeric = numeric
        self.row = { arguments in arguments.number(0).map { .number(numeric($0)) } }
    }

    var arity: String {
        arguments.lowerBound == arguments.upperBound
            ? "\(arguments.lowerBound)"
            : arguments.upperBound > 16
                ? "at least \(arguments.lowerBound)" : "\(arguments.lowerBound) to \(arguments.upperBound)"
    }

    /// Every function, by topic.
    public static let all: [Function] = logic + tests + conversions + mathematics + calendar + movement + texts + json

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    static func named(_ name: String) -> Function? { byName[name] }
}
