/// A word of an expression with its column, counted from 1.
struct Token: Equatable {
    enum Kind: Equatable {
        case number(Double)
        case string(String)
        /// A parameter, function or keyword; dots belong to it.
        case name(String)
        /// A name with `$` before it: null where the parameter is missing.
        case optionalName(String)
        /// A name with `#` before it: the value in the previous message.
        case previousName(String)
        case symbol(String)
        case end
    }

    var kind: Kind
    var column: Int
    /// The column behind its last character.
    var end: Int
}

/// Splits the source of an expression into tokens.
struct Lexer {
    private let characters: [Character]
    private var offset = 0

    init(_ source: String) { characters = Array(source) }

    /// All tokens, the last of them `end`.
    static func tokens(of source: String) throws(ExpressionError) -> [Token] {
        guard source.utf8.count <= ExpressionLimits.sourceBytesMax else {
            throw ExpressionError(
                column: ExpressionLimits.sourceBytesMax,
                reason: "the expression is longer than \(ExpressionLimits.sourceBytesMax) bytes")
        }
        var lexer = Lexer(source)
        var tokens: [Token] = []
        repeat {
            var token = try lexer.next()
            token.end = lexer.offset + 1
            tokens.append(token)
        } while tokens.last?.kind != .end
        return tokens
    }

    private static let symbols = [
        "||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "~", "!", "?",
        ":", "(", ")", ",", "[", "]",
    ]

    private mutating func next() throws(ExpressionError) -> Token {
        while offset < characters.count, characters[offset].isWhitespace { offset += 1 }
        let column = offset + 1
        guard offset < characters.count else { return Token(kind: .end, column: column, end: column) }
        let first = characters[offset]
        if first.isASCII, first.isNumber || (first == "." && peek(1)?.isNumber == true) {
            return Token(kind: .number(try number()), column: column, end: column)
        }
        if first == "'" || first == "\"" { return Token(kind: .string(try string(first)), column: column, end: column) }
        if first == "$" || first == "#" {
            offset += 1
            guard let start = peek(0), Self.beginsName(start) else {
                throw ExpressionError(column: column, reason: "a parameter's name must follow '\(first)'")
            }
            let name = word()
            return Token(kind: first == "$" ? .optionalName(name) : .previousName(name), column: column, end: column)
        }
        if Self.beginsName(first) { return Token(kind: .name(word()), column: column, end: column) }
        return Token(kind: .symbol(try symbol()), column: column, end: column)
    }

    private func peek(_ ahead: Int) -> Character? {
        offset + ahead < characters.count ? characters[offset + ahead] : nil
    }

    private static func beginsName(_ character: Character) -> Bool { character.isLetter || character == "_" }

    private mutating func word() -> String {
        let start = offset
        while let character = peek(0), Self.beginsName(character) || character.isNumber || character == "." {
            offset += 1
        }
        return String(characters[start..<offset])
    }

    private mutating func number() throws(ExpressionError) -> Double {
        let start = offset
        if characters[offset] == "0", peek(1) == "x" || peek(1) == "X" { return try hexadecimal() }
        func digits() { while let digit = peek(0), digit.isASCII, digit.isNumber { offset += 1 } }
        digits()
        if peek(0) == "." {
            offset += 1
            digits()
        }
        if peek(0) == "e" || peek(0) == "E" {
            let mark = offset
            offset += 1
            if peek(0) == "+" || peek(0) == "-" { offset += 1 }
            if peek(0)?.isNumber == true { digits() } else { offset = mark }
        }
        let text = String(characters[start..<offset])
        guard let value = Double(text), value.isFinite else {
            throw ExpressionError(column: start + 1, reason: "'\(text)' is not a number")
        }
        return value
    }

    private mutating func hexadecimal() throws(ExpressionError) -> Double {
        let start = offset
        offset += 2
        while peek(0)?.isHexDigit == true { offset += 1 }
        guard let value = UInt64(String(characters[(start + 2)..<offset]), radix: 16) else {
            throw ExpressionError(column: start + 1, reason: "a hexadecimal number needs 1 to 16 digits after 0x")
        }
        return Double(value)
    }

    private mutating func string(_ quote: Character) throws(ExpressionError) -> String {
        let start = offset
        var text = ""
        offset += 1
        while let character = peek(0) {
            offset += 1
            if character == quote { return text }
            guard character == "\\", let escaped = peek(0) else {
                text.append(character)
                continue
            }
            offset += 1
            switch escaped {
            case "n": text.append("\n")
            case "t": text.append("\t")
            case "\\", "'", "\"", "/": text.append(escaped)
            default: text += "\\\(escaped)"
            }
        }
        throw ExpressionError(column: start + 1, reason: "the string that begins here does not end")
    }

    private mutating func symbol() throws(ExpressionError) -> String {
        for symbol in Self.symbols where characters[offset...].starts(with: symbol) {
            offset += symbol.count
            return symbol
        }
        let found = characters[offset]
        let mend =
            switch found {
            case "=": "; compare with =="
            case "“", "”", "‘", "’", "„", "«", "»", "`": "; strings stand in ' or \""
            default: ""
            }
        throw ExpressionError(column: offset + 1, reason: "'\(found)' has no meaning here\(mend)")
    }
}
