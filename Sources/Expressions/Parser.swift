import Telemetry

/// Reads tokens into a tree by precedence climbing.
struct Parser {
    private var tokens: [Token]
    private var index = 0
    private var depth = 0

    static func parse(_ source: String) throws(ExpressionError) -> Syntax {
        var parser = Parser(tokens: try Lexer.tokens(of: source))
        guard parser.current.kind != .end else { throw ExpressionError(column: 1, reason: "the expression is empty") }
        let tree = try parser.expression()
        guard parser.current.kind == .end else { throw parser.unexpected("expected an operator or the end") }
        return tree
    }

    private init(tokens: [Token]) { self.tokens = tokens }

    private var current: Token { tokens[index] }

    /// The columns from a start to the end of what was taken last.
    private func range(from start: Int) -> Range<Int> { start..<max(start, tokens[max(0, index - 1)].end) }

    private mutating func take() -> Token {
        defer { if index < tokens.count - 1 { index += 1 } }
        return tokens[index]
    }

    private mutating func take(_ symbol: String) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        _ = take()
        return true
    }

    private mutating func expect(_ symbol: String) throws(ExpressionError) {
        guard take(symbol) else { throw unexpected("expected '\(symbol)'") }
    }

    private func unexpected(_ expectation: String) -> ExpressionError {
        let found =
            switch current.kind {
            case .end: "the end"
            case .number(let number): "the number \(JSONValue.number(number).text)"
            case .string: "a string"
            case .name(let name), .optionalName(let name), .previousName(let name): "'\(name)'"
            case .symbol(let symbol): "'\(symbol)'"
            }
        return ExpressionError(column: current.column, reason: "\(expectation), found \(found)\(mend)")
    }

    /// What was probably meant by a token that cannot stand where it is.
    private var mend: String {
        let before = index > 0 ? tokens[index - 1].kind : .end
        switch (before, current.kind) {
        case (_, .name(let word)) where word.lowercased() == "and": return "; write && for \"and\""
        case (_, .name(let word)) where word.lowercased() == "or": return "; write || for \"or\""
        case (.name(let word), _) where word.lowercased() == "not": return "; write not(…) for \"not\""
        case (.number, .name): return "; a number has no unit"
        case (.number, .symbol(",")): return "; write a point for the decimals"
        case (.symbol("<"), .symbol(">")): return "; write != for \"unequal\""
        default: return ""
        }
    }

    private mutating func expression() throws(ExpressionError) -> Syntax {
        depth += 1
        defer { depth -= 1 }
        guard depth <= ExpressionLimits.depthMax else {
            throw ExpressionError(
                column: current.column, reason: "nested deeper than \(ExpressionLimits.depthMax) levels")
        }
        let start = current.column
        let condition = try binary(1)
        let column = current.column
        guard take("?") else { return condition }
        let whenTrue = try expression()
        try expect(":")
        let whenFalse = try expression()
        return Syntax(
            node: .conditional(condition, whenTrue, whenFalse), column: column, range: range(from: start))
    }

    private mutating func binary(_ lowest: Int) throws(ExpressionError) -> Syntax {
        let start = current.column
        var left = try unary()
        while case .symbol(let symbol) = current.kind, let operation = BinaryOperator(rawValue: symbol),
            operation.precedence >= lowest
        {
            let column = take().column
            let right = try binary(operation.precedence + 1)
            left = Syntax(node: .binary(operation, left, right), column: column, range: range(from: start))
        }
        return left
    }

    private mutating func unary() throws(ExpressionError) -> Syntax {
        guard case .symbol(let symbol) = current.kind, let operation = UnaryOperator(rawValue: symbol) else {
            return try postfix()
        }
        depth += 1
        defer { depth -= 1 }
        guard depth <= ExpressionLimits.depthMax else {
            throw ExpressionError(
                column: current.column, reason: "nested deeper than \(ExpressionLimits.depthMax) levels")
        }
        let column = take().column
        let operand = try unary()
        if operation == .negate, case .literal(.number(let number)) = operand.node {
            return Syntax(node: .literal(.number(-number)), column: column, range: range(from: column))
        }
        return Syntax(node: .unary(operation, operand), column: column, range: range(from: column))
    }

    private mutating func postfix() throws(ExpressionError) -> Syntax {
        let start = current.column
        var value = try primary()
        while current.kind == .symbol("[") {
            let column = take().column
            guard case .string(let path) = current.kind else {
                throw unexpected("expected a quoted JSON path such as '/0/id'")
            }
            _ = take()
            try expect("]")
            value = Syntax(node: .path(value, path), column: column, range: range(from: start))
        }
        return value
    }

    private mutating func primary() throws(ExpressionError) -> Syntax {
        let token = current
        switch token.kind {
        case .number(let number): return leaf(.literal(.number(number)))
        case .string(let text): return leaf(.literal(.string(text)))
        case .optionalName(let name): return leaf(.parameter(name, .optional))
        case .previousName(let name): return leaf(.parameter(name, .previous))
        case .name("true"): return leaf(.literal(.boolean(true)))
        case .name("false"): return leaf(.literal(.boolean(false)))
        case .name("null"): return leaf(.literal(.null))
        case .name(let name):
            _ = take()
            guard current.kind == .symbol("(") else {
                return Syntax(
                    node: .parameter(name, .required), column: token.column, range: range(from: token.column))
            }
            return try call(name, column: token.column)
        case .symbol("("):
            _ = take()
            let inner = try expression()
            try expect(")")
            return inner
        default: throw unexpected("expected a value")
        }
    }

    private mutating func leaf(_ node: Syntax.Node) -> Syntax {
        let token = take()
        return Syntax(node: node, column: token.column, range: range(from: token.column))
    }

    private mutating func call(_ name: String, column: Int) throws(ExpressionError) -> Syntax {
        guard let function = Function.named(name) else {
            let meant = Function.meant(by: name).map { "; did you mean \($0)()?" } ?? ""
            throw ExpressionError(column: column, reason: "there is no function \(name)()\(meant)")
        }
        try expect("(")
        var arguments: [Syntax] = []
        if !take(")") {
            repeat { arguments.append(try expression()) } while take(",")
            guard take(")") else { throw unexpected("expected ',' or ')'") }
        }
        guard function.arguments.contains(arguments.count) else {
            throw ExpressionError(
                column: column, reason: "\(name)() takes \(function.arity), not \(arguments.count): \(function.usage)")
        }
        return Syntax(node: .call(function, arguments), column: column, range: range(from: column))
    }
}
