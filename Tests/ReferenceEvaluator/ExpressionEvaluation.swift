/// The outcome "error" of an expression.
struct ExpressionFailure: Error {}

/// What the names and functions of an expression refer to: a message among others, or an interval after others.
protocol Scope {
    var surroundings: Surroundings { get }
    /// The value of a parameter or field; nil where it is absent.
    func value(of name: String) -> RefValue?
    func previousValue(of name: String) throws(ExpressionFailure) -> RefValue
    /// The moment that `hour()` and its like take without an argument, in seconds.
    func moment() throws(ExpressionFailure) -> Double
    func mileage() throws(ExpressionFailure) -> Double
    func secondsSincePrevious() throws(ExpressionFailure) -> Double
    func position() throws(ExpressionFailure) -> Position
}

extension Expression {
    /// The value in a scope; throws where the outcome is an error.
    func value(in scope: some Scope) throws(ExpressionFailure) -> RefValue {
        switch self {
        case .constant(let value): return value
        case .name(let name, let isOptional):
            if let value = scope.value(of: name) { return value }
            if isOptional { return .null }
            throw ExpressionFailure()
        case .previous(let name): return try scope.previousValue(of: name)
        case .pointer(let operand, let pointer):
            guard case .json(let text) = try operand.value(in: scope), let tree = try? JSONTree(text),
                let element = tree.element(at: pointer)
            else { throw ExpressionFailure() }
            return element.value
        case .unary(let symbol, let operand): return try Self.unary(symbol, operand, scope)
        case .binary(let symbol, let left, let right): return try Self.binary(symbol, left, right, scope)
        case .conditional(let condition, let yes, let no):
            return try condition.isTrue(in: scope) ? yes.value(in: scope) : no.value(in: scope)
        case .call(let function, let arguments):
            return try FunctionCall(name: function, arguments: arguments).value(in: scope)
        }
    }

    /// The outcome with the error as nil.
    func outcome(in scope: some Scope) -> RefValue? { try? value(in: scope) }

    /// The truth in a boolean context, where an error counts as false (rule 37).
    func isTrue(in scope: some Scope) -> Bool { outcome(in: scope)?.isTrue ?? false }

    private static func unary(
        _ symbol: String, _ operand: Expression, _ scope: some Scope
    ) throws(ExpressionFailure) -> RefValue {
        switch symbol {
        case "!": return .boolean(!operand.isTrue(in: scope))
        case "-": return .number(-(try operand.value(in: scope).arithmeticNumber()))
        default: return .number(Double(~(try operand.value(in: scope).bits())))
        }
    }

    private static func binary(
        _ symbol: String, _ left: Expression, _ right: Expression, _ scope: some Scope
    ) throws(ExpressionFailure) -> RefValue {
        switch symbol {
        case "&&": return .boolean(left.isTrue(in: scope) && right.isTrue(in: scope))
        case "||": return .boolean(left.isTrue(in: scope) || right.isTrue(in: scope))
        default:
            return try Operators.apply(symbol, try left.value(in: scope), try right.value(in: scope))
        }
    }
}
