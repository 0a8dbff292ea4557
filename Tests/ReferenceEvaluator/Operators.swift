import Foundation

extension RefValue {
    /// The number in arithmetic and order: null and false 0, true 1, numeric strings cast.
    func arithmeticNumber() throws(ExpressionFailure) -> Double {
        switch self {
        case .null: return 0
        case .boolean(let flag): return flag ? 1 : 0
        case .number(let number): return number
        case .string(let text):
            guard let number = Self.number(ofNumericString: text) else { throw ExpressionFailure() }
            return number
        case .json: throw ExpressionFailure()
        }
    }

    /// The truncated number as bits.
    func bits() throws(ExpressionFailure) -> Int64 {
        let number = try arithmeticNumber().rounded(.towardZero)
        guard number.isFinite, abs(number) < 9_223_372_036_854_775_808 else { throw ExpressionFailure() }
        return Int64(number)
    }

    func string() throws(ExpressionFailure) -> String {
        guard case .string(let text) = self else { throw ExpressionFailure() }
        return text
    }

    /// The number a string spells: an optional sign, digits, a fraction, an exponent and nothing else.
    static func number(ofNumericString text: String) -> Double? {
        var rest = Substring(text)
        if rest.hasPrefix("-") || rest.hasPrefix("+") { rest.removeFirst() }
        guard takeDigits(&rest) else { return nil }
        if rest.hasPrefix(".") {
            rest.removeFirst()
            guard takeDigits(&rest) else { return nil }
        }
        if rest.hasPrefix("e") || rest.hasPrefix("E") {
            rest.removeFirst()
            if rest.hasPrefix("-") || rest.hasPrefix("+") { rest.removeFirst() }
            guard takeDigits(&rest) else { return nil }
        }
        return rest.isEmpty ? Double(text) : nil
    }

    private static func takeDigits(_ text: inout Substring) -> Bool {
        let digits = text.prefix { ("0"..."9").contains($0) }
        text = text.dropFirst(digits.count)
        return !digits.isEmpty
    }
}

/// The binary operators whose two sides are always evaluated.
enum Operators {
    static func apply(_ symbol: String, _ left: RefValue, _ right: RefValue) throws(ExpressionFailure) -> RefValue {
        switch symbol {
        case "+": return try sum(left, right)
        case "-": return .number(try left.arithmeticNumber() - right.arithmeticNumber())
        case "*": return .number(try left.arithmeticNumber() * right.arithmeticNumber())
        case "/", "%": return .number(try quotient(symbol, left.arithmeticNumber(), right.arithmeticNumber()))
        case "==": return .boolean(isEqual(left, right))
        case "!=": return .boolean(!isEqual(left, right))
        case "~":
            return .boolean(
                isMatch(Array(try left.string().unicodeScalars), try right.string().unicodeScalars.map { $0 }))
        case "<", "<=", ">", ">=": return .boolean(try isInOrder(symbol, left, right))
        default: return .number(Double(try bitwise(symbol, left.bits(), right.bits())))
        }
    }

    private static func sum(_ left: RefValue, _ right: RefValue) throws(ExpressionFailure) -> RefValue {
        switch (left, right) {
        case (.string, _), (_, .string): .string(left.text + right.text)
        default: .number(try left.arithmeticNumber() + right.arithmeticNumber())
        }
    }

    private static func quotient(
        _ symbol: String, _ left: Double, _ right: Double
    ) throws(ExpressionFailure) -> Double {
        guard right != 0 else { throw ExpressionFailure() }
        return symbol == "/" ? left / right : fmod(left, right)
    }

    /// Equality: null is distinct, numbers and booleans compare as numbers, wildcards count on the right side.
    static func isEqual(_ left: RefValue, _ right: RefValue) -> Bool {
        switch (left, right) {
        case (.null, _), (_, .null): return left == .null && right == .null
        case (.string(let text), .string(let pattern)):
            return isMatch(Array(text.unicodeScalars), Array(pattern.unicodeScalars))
        case (.json(let text), .json(let other)): return (try? JSONTree(text)) == (try? JSONTree(other))
        case (.json, _), (_, .json): return false
        default:
            guard let first = try? left.arithmeticNumber(), let second = try? right.arithmeticNumber() else {
                return false
            }
            return first == second
        }
    }

    /// Whether a whole text matches a pattern of `*` (any scalars) and `?` (one).
    static func isMatch(_ text: [Unicode.Scalar], _ pattern: [Unicode.Scalar]) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = Array(pattern.dropFirst())
        if first == "*" { return (0...text.count).contains { isMatch(Array(text.dropFirst($0)), rest) } }
        guard let scalar = text.first, first == "?" || first == scalar else { return false }
        return isMatch(Array(text.dropFirst()), rest)
    }

    private static func isInOrder(
        _ symbol: String, _ left: RefValue, _ right: RefValue
    ) throws(ExpressionFailure) -> Bool {
        if case .string(let first) = left, case .string(let second) = right,
            RefValue.number(ofNumericString: first) == nil, RefValue.number(ofNumericString: second) == nil
        {
            let (before, after) = (first.unicodeScalars.map(\.value), second.unicodeScalars.map(\.value))
            let isBefore = before.lexicographicallyPrecedes(after)
            switch symbol {
            case "<": return isBefore
            case "<=": return isBefore || before == after
            case ">": return !isBefore && before != after
            default: return !isBefore
            }
        }
        let (first, second) = (try left.arithmeticNumber(), try right.arithmeticNumber())
        switch symbol {
        case "<": return first < second
        case "<=": return first <= second
        case ">": return first > second
        default: return first >= second
        }
    }

    private static func bitwise(
        _ symbol: String, _ left: Int64, _ right: Int64
    ) throws(ExpressionFailure) -> Int64 {
        switch symbol {
        case "&": return left & right
        case "|": return left | right
        case "^": return left ^ right
        default:
            guard (0...63).contains(right) else { throw ExpressionFailure() }
            return symbol == "<<" ? left << right : left >> right
        }
    }
}
