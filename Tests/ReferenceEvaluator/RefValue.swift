/// The value of a parameter, an expression or a counter, as the reference evaluator sees it.
public enum RefValue: Equatable, Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    /// An object or an array as minimal JSON text.
    case json(String)
}

/// One message: the parameters of a device at one timestamp.
public struct RefMessage: Equatable, Sendable {
    public var timestampMicroseconds: Int64
    public var acceptanceMicroseconds: Int64
    public var values: [String: RefValue]

    public init(timestampMicroseconds: Int64, acceptanceMicroseconds: Int64, values: [String: RefValue]) {
        self.timestampMicroseconds = timestampMicroseconds
        self.acceptanceMicroseconds = acceptanceMicroseconds
        self.values = values
    }
}

/// One interval of a full evaluation; counters without a value are left out.
public struct RefInterval: Equatable, Sendable {
    public var beginMicroseconds: Int64
    public var endMicroseconds: Int64
    /// The first message that the selectors themselves chose.
    public var firstOnMicroseconds: Int64
    public var isActive: Bool
    public var counters: [(String, RefValue)]

    public init(
        beginMicroseconds: Int64, endMicroseconds: Int64, firstOnMicroseconds: Int64, isActive: Bool,
        counters: [(String, RefValue)]
    ) {
        self.beginMicroseconds = beginMicroseconds
        self.endMicroseconds = endMicroseconds
        self.firstOnMicroseconds = firstOnMicroseconds
        self.isActive = isActive
        self.counters = counters
    }

    public static func == (left: RefInterval, right: RefInterval) -> Bool {
        left.beginMicroseconds == right.beginMicroseconds && left.endMicroseconds == right.endMicroseconds
            && left.firstOnMicroseconds == right.firstOnMicroseconds && left.isActive == right.isActive
            && left.counters.count == right.counters.count
            && zip(left.counters, right.counters).allSatisfy { $0.0 == $1.0 && $0.1 == $1.1 }
    }

    /// The value of a counter; nil where the interval has none.
    public subscript(counter: String) -> RefValue? { counters.first { $0.0 == counter }?.1 }
}

/// A calculator that the reference evaluator cannot read.
public struct ReferenceError: Error, Equatable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

extension RefValue {
    /// Whether it counts as true: everything but 0, false and null does.
    var isTrue: Bool {
        switch self {
        case .null: false
        case .boolean(let flag): flag
        case .number(let number): number != 0
        case .string, .json: true
        }
    }

    /// The text that `+` and `tostring()` make of it.
    var text: String {
        switch self {
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .number(let number): Self.text(of: number)
        case .string(let text), .json(let text): text
        }
    }

    /// Whole numbers below 2^53 without fraction or exponent, else the shortest text that reads back the same.
    static func text(of number: Double) -> String {
        if number == number.rounded(.towardZero), abs(number) < 9_007_199_254_740_992 { return String(Int64(number)) }
        return number.description
    }
}
