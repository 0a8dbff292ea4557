import Telemetry

/// An operator with two operands.
enum BinaryOperator: String, CaseIterable {
    case or = "||"
    case and = "&&"
    case bitOr = "|"
    case bitXor = "^"
    case bitAnd = "&"
    case equal = "=="
    case notEqual = "!="
    case matches = "~"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case shiftLeft = "<<"
    case shiftRight = ">>"
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case remainder = "%"

    /// How tightly it binds, as in C; all bind to the left.
    var precedence: Int {
        switch self {
        case .or: 1
        case .and: 2
        case .bitOr: 3
        case .bitXor: 4
        case .bitAnd: 5
        case .equal, .notEqual, .matches: 6
        case .less, .lessOrEqual, .greater, .greaterOrEqual: 7
        case .shiftLeft, .shiftRight: 8
        case .add, .subtract: 9
        case .multiply, .divide, .remainder: 10
        }
    }
}

enum UnaryOperator: String {
    case not = "!"
    case negate = "-"
    case bitNot = "~"
}

/// How a parameter is read.
enum ParameterAccess: Hashable {
    /// Missing is an error.
    case required
    /// Missing is null.
    case optional
    /// The value in the previous message, or of the previous interval.
    case previous
}

/// The tree of a parsed expression; each node knows its column and the columns of its text.
struct Syntax {
    indirect enum Node {
        case literal(Value)
        case parameter(String, ParameterAccess)
        /// A JSON path into a value.
        case path(Syntax, String)
        case unary(UnaryOperator, Syntax)
        case binary(BinaryOperator, Syntax, Syntax)
        case conditional(Syntax, Syntax, Syntax)
        case call(Function, [Syntax])
    }

    var node: Node
    /// Where an error in it is shown: of an operator its sign.
    var column: Int
    /// From its first column to the one behind its last, parentheses around it aside.
    var range: Range<Int>

    /// The text of a string literal; nil for anything else.
    var literalText: String? {
        if case .literal(.string(let text)) = node { text } else { nil }
    }
}
