import Calculators
import Expressions
import Telemetry

/// The states that a selector of type `expression` gives to messages.
enum ExpressionSelector {
    /// True is on, false is off; an error or null is unknown.
    static func boolean(_ values: ValueColumn) -> [MarkupState] {
        switch values.uniform {
        case .boolean, .number: return values.numbers.map { $0 != 0 ? .on : .off }
        default: return (0..<values.count).map { state(values, $0) }
        }
    }

    private static func state(_ values: ValueColumn, _ row: Int) -> MarkupState {
        switch values.kind(row) {
        case .boolean, .number: values.numbers[row] != 0 ? .on : .off
        case .string, .json: .on
        case .null, .absent, .error: .unknown
        }
    }

    /// The value of the message before is on, another is a new run; an error is unknown. `last` goes on to the last
    /// value seen.
    static func change(_ values: ValueColumn, last: inout Value?) -> [MarkupState] {
        (0..<values.count).map { row in
            guard let value = values[row] else { return .unknown }
            defer { last = value }
            return value == last ? .on : .new
        }
    }
}
