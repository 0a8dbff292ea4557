/// A word of an expression.
enum Token: Equatable {
    case number(Double)
    case string(String)
    /// A name with its mark: `""`, `"$"` or `"#"`.
    case name(mark: String, String)
    case symbol(String)
}

/// Cuts the text of an expression into tokens.
struct ExpressionLexer {
    private let scalars: [Unicode.Scalar]
    private var index = 0

    private init(_ text: String) { scalars = Array(text.unicodeScalars) }

    static func tokens(of text: String) throws(ReferenceError) -> [Token] {
        var lexer = ExpressionLexer(text)
        var tokens: [Token] = []
        while let token = try lexer.next() { tokens.append(token) }
        return tokens
    }

    private mutating func next() throws(ReferenceError) -> Token? {
        while index < scalars.count, scalars[index].properties.isWhitespace { index += 1 }
        guard index < scalars.count else { return nil }
        let scalar = scalars[index]
        if Self.isDigit(scalar) { return .number(try number()) }
        if scalar == "'" || scalar == "\"" { return .string(try string(quote: scalar)) }
        if scalar == "$" || scalar == "#" {
            index += 1
            guard index < scalars.count, Self.isNameStart(scalars[index]) else {
                throw ReferenceError("expression: expected a name after \(scalar)")
            }
            return .name(mark: String(scalar), name())
        }
        if Self.isNameStart(scalar) { return .name(mark: "", name()) }
        return .symbol(try symbol())
    }

    private mutating func name() -> String {
        let start = index
        while index < scalars.count,
            Self.isNameStart(scalars[index]) || Self.isDigit(scalars[index])
                || scalars[index] == "."
        {
            index += 1
        }
        return String(String.UnicodeScalarView(scalars[start..<index]))
    }

    private mutating func number() throws(ReferenceError) -> Double {
        let start = index
        if scalars[index] == "0", index + 1 < scalars.count, scalars[index + 1] == "x" || scalars[index + 1] == "X" {
            index += 2
            while index < scalars.count, scalars[index].properties.isASCIIHexDigit { index += 1 }
            let digits = String(String.UnicodeScalarView(scalars[start + 2..<index]))
            guard let value = UInt64(digits, radix: 16) else { throw ReferenceError("expression: malformed number") }
            return Double(value)
        }
        skipDigits()
        if index + 1 < scalars.count, scalars[index] == ".", Self.isDigit(scalars[index + 1]) {
            index += 1
            skipDigits()
        }
        guard let value = Double(String(String.UnicodeScalarView(scalars[start..<index]))) else {
            throw ReferenceError("expression: malformed number")
        }
        return value
    }

    private mutating func skipDigits() {
        while index < scalars.count, Self.isDigit(scalars[index]) { index += 1 }
    }

    private mutating func string(quote: Unicode.Scalar) throws(ReferenceError) -> String {
        index += 1
        var text = String.UnicodeScalarView()
        while index < scalars.count, scalars[index] != quote {
            if scalars[index] == "\\", index + 1 < scalars.count { index += 1 }
            text.append(scalars[index])
            index += 1
        }
        guard index < scalars.count else { throw ReferenceError("expression: the string does not end") }
        index += 1
        return String(text)
    }

    private mutating func symbol() throws(ReferenceError) -> String {
        if index + 1 < scalars.count {
            let pair = String(String.UnicodeScalarView(scalars[index...index + 1]))
            if ["==", "!=", "<=", ">=", "&&", "||", "<<", ">>"].contains(pair) {
                index += 2
                return pair
            }
        }
        guard "+-*/%<>&|^~!?:(),[]".unicodeScalars.contains(scalars[index]) else {
            throw ReferenceError("expression: unexpected '\(scalars[index])'")
        }
        index += 1
        return String(scalars[index - 1])
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || scalar.value > 127
    }
}
