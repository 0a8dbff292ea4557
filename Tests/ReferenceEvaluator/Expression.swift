/// An expression as a tree.
indirect enum Expression: Equatable {
    case constant(RefValue)
    /// A parameter or field; `isOptional` for `$name`.
    case name(String, isOptional: Bool)
    /// `#name`.
    case previous(String)
    case pointer(Expression, String)
    case unary(String, Expression)
    case binary(String, Expression, Expression)
    case conditional(Expression, Expression, Expression)
    case call(String, [Expression])

    /// Reads the text of an expression.
    init(_ text: String) throws(ReferenceError) {
        var parser = ExpressionParser(tokens: try ExpressionLexer.tokens(of: text))
        self = try parser.whole()
    }

    /// Whether it reads the message or interval before, as `#x` or `previous('x')`.
    var readsPrevious: Bool {
        switch self {
        case .constant, .name: false
        case .previous: true
        case .pointer(let operand, _), .unary(_, let operand): operand.readsPrevious
        case .binary(_, let left, let right): left.readsPrevious || right.readsPrevious
        case .conditional(let condition, let yes, let no):
            condition.readsPrevious || yes.readsPrevious || no.readsPrevious
        case .call(let function, let arguments):
            function == "previous" || arguments.contains(where: \.readsPrevious)
        }
    }

    /// Every name that is read, whether as `x`, `$x`, `#x`, `previous('x')` or `exists('x')`.
    var names: [String] {
        switch self {
        case .constant: []
        case .name(let name, _), .previous(let name): [name]
        case .pointer(let operand, _), .unary(_, let operand): operand.names
        case .binary(_, let left, let right): left.names + right.names
        case .conditional(let condition, let yes, let no): condition.names + yes.names + no.names
        case .call(let function, let arguments):
            if ["previous", "exists"].contains(function), case .constant(.string(let name))? = arguments.first {
                [name]
            } else {
                arguments.flatMap(\.names)
            }
        }
    }
}

/// Reads expressions by C's precedence, one function a level.
struct ExpressionParser {
    private let tokens: [Token]
    private var index = 0

    /// From the loosest to the tightest binary operators.
    private static let levels: [[String]] = [
        ["||"], ["&&"], ["|"], ["^"], ["&"], ["==", "!=", "~"], ["<", "<=", ">", ">="], ["<<", ">>"], ["+", "-"],
        ["*", "/", "%"],
    ]

    init(tokens: [Token]) { self.tokens = tokens }

    mutating func whole() throws(ReferenceError) -> Expression {
        let result = try conditional()
        guard index == tokens.count else { throw ReferenceError("expression: unexpected \(tokens[index])") }
        return result
    }

    private mutating func conditional() throws(ReferenceError) -> Expression {
        let condition = try binary(level: 0)
        guard take("?") else { return condition }
        let yes = try conditional()
        try expect(":")
        return .conditional(condition, yes, try conditional())
    }

    private mutating func binary(level: Int) throws(ReferenceError) -> Expression {
        guard level < Self.levels.count else { return try unary() }
        var left = try binary(level: level + 1)
        while index < tokens.count, case .symbol(let symbol) = tokens[index], Self.levels[level].contains(symbol) {
            index += 1
            left = .binary(symbol, left, try binary(level: level + 1))
        }
        return left
    }

    private mutating func unary() throws(ReferenceError) -> Expression {
        for symbol in ["-", "!", "~"] where take(symbol) { return .unary(symbol, try unary()) }
        return try postfix()
    }

    private mutating func postfix() throws(ReferenceError) -> Expression {
        var operand = try primary()
        while take("[") {
            guard index < tokens.count, case .string(let pointer) = tokens[index] else {
                throw ReferenceError("expression: expected a JSON pointer")
            }
            index += 1
            try expect("]")
            operand = .pointer(operand, pointer)
        }
        return operand
    }

    private mutating func primary() throws(ReferenceError) -> Expression {
        guard index < tokens.count else { throw ReferenceError("expression: unexpected end") }
        let token = tokens[index]
        index += 1
        switch token {
        case .number(let number): return .constant(.number(number))
        case .string(let text): return .constant(.string(text))
        case .name("$", let name): return .name(name, isOptional: true)
        case .name("#", let name): return .previous(name)
        case .name(_, let name): return try word(name)
        case .symbol("("):
            let inner = try conditional()
            try expect(")")
            return inner
        case .symbol(let symbol): throw ReferenceError("expression: unexpected '\(symbol)'")
        }
    }

    private mutating func word(_ name: String) throws(ReferenceError) -> Expression {
        if take("(") {
            let arguments = try arguments()
            guard FunctionCall.arities[name]?.contains(arguments.count) == true else {
                throw ReferenceError("expression: no function \(name) with \(arguments.count) arguments")
            }
            return .call(name, arguments)
        }
        switch name {
        case "true": return .constant(.boolean(true))
        case "false": return .constant(.boolean(false))
        case "null": return .constant(.null)
        default: return .name(name, isOptional: false)
        }
    }

    private mutating func arguments() throws(ReferenceError) -> [Expression] {
        if take(")") { return [] }
        var arguments = [try conditional()]
        while take(",") { arguments.append(try conditional()) }
        try expect(")")
        return arguments
    }

    private mutating func take(_ symbol: String) -> Bool {
        guard index < tokens.count, tokens[index] == .symbol(symbol) else { return false }
        index += 1
        return true
    }

    private mutating func expect(_ symbol: String) throws(ReferenceError) {
        guard take(symbol) else { throw ReferenceError("expression: expected '\(symbol)'") }
    }
}
