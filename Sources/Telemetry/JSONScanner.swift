import Glibc

/// Text that is not JSON, with the place.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The byte offset from the start of the text.
    public var offset: Int
    public var line: Int
    public var column: Int
    public var reason: String

    public var description: String { "line \(line), column \(column): \(reason)" }
}

/// A pull parser for JSON text (RFC 8259), strict, with limits on depth.
///
/// It reads bytes in place and copies only what it returns. Strings are checked for UTF-8, unpaired surrogates are
/// refused. The buffer must outlive the scanner, so a scanner never leaves the closure that lent the bytes.
public struct JSONScanner {
    public static let depthMax = 64

    @usableFromInline let bytes: UnsafeBufferPointer<UInt8>
    @usableFromInline var next = 0

    /// The place of the next byte.
    public var offset: Int { next }

    public init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    public var isAtEnd: Bool {
        var ahead = next
        while ahead < bytes.count, Self.isSpace(bytes[ahead]) { ahead += 1 }
        return ahead >= bytes.count
    }

    /// The next byte that is not white space; nil at the end.
    @inlinable
    public mutating func peek() -> UInt8? {
        // Every white space is 0x20 or less, and so is nothing else that can stand outside of a string.
        if next < bytes.count, bytes[next] > 0x20 { return bytes[next] }
        return peekBehindSpace()
    }

    /// Takes a byte such as `{` or `,` if it comes next.
    @inlinable
    public mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        next &+= 1
        return true
    }

    /// Takes bytes that are not white space if they come next, one by one as they are given.
    @inlinable
    public mutating func take(_ expected: UnsafeRawBufferPointer) -> Bool {
        guard peek() != nil, expected.count <= bytes.count &- next, let known = expected.baseAddress,
            let start = bytes.baseAddress, memcmp(start + next, known, expected.count) == 0
        else { return false }
        next &+= expected.count
        return true
    }

    @inlinable
    public mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard take(byte) else { throw isMissing(byte) }
    }

    /// The place of the scanner as an error.
    public func failure(_ reason: String, at place: Int? = nil) -> JSONError {
        let place = place ?? next
        var line = 1
        var start = 0
        for index in 0..<min(place, bytes.count) where bytes[index] == 0x0a {
            line += 1
            start = index + 1
        }
        return JSONError(offset: place, line: line, column: place - start + 1, reason: reason)
    }

    /// A string, its escapes resolved.
    public mutating func string() throws(JSONError) -> String {
        try expect(UInt8(ascii: "\""))
        let start = next
        while next < bytes.count {
            switch bytes[next] {
            case UInt8(ascii: "\""):
                defer { next += 1 }
                return try text(start..<next)
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw failure("control character in a string; write it as an escape")
            default: next += 1
            }
        }
        throw failure("the string that begins here does not end", at: start - 1)
    }

    /// The raw bytes of a string without escapes, or nil (nothing taken) if it has some.
    public mutating func plainString() -> UnsafeBufferPointer<UInt8>? {
        guard peek() == UInt8(ascii: "\""), let start = bytes.baseAddress else { return nil }
        let count = bytes.count
        var end = next &+ 1
        // Every read is below `count`, the number of bytes that were lent.
        while end < count, start[end] != UInt8(ascii: "\"") {
            guard start[end] >= 0x20, start[end] < 0x80, start[end] != UInt8(ascii: "\\") else { return nil }
            end &+= 1
        }
        guard end < count else { return nil }
        defer { next = end + 1 }
        return UnsafeBufferPointer(rebasing: bytes[(next + 1)..<end])
    }

    /// A number; integers beyond 2^53 are rounded, a number too large for a double is refused.
    public mutating func number() throws(JSONError) -> Double {
        _ = peek()
        let start = next
        let negative = current == UInt8(ascii: "-")
        if negative { next += 1 }
        var mantissa: UInt64 = 0
        let whole = digits(&mantissa)
        guard whole > 0 else { throw failure("expected a value", at: start) }
        if whole > 1, bytes[next - whole] == UInt8(ascii: "0") {
            throw failure("a number has no leading zero", at: start)
        }
        var fraction = 0
        if current == UInt8(ascii: ".") {
            next += 1
            fraction = digits(&mantissa)
            guard fraction > 0 else { throw failure("expected a digit after the point") }
        }
        let exponent = try self.exponent()
        if exponent == nil, whole + fraction <= 19, mantissa <= 1 << 53, fraction <= 22 {
            let value = Double(mantissa) / Self.powersOfTen[fraction]
            return negative ? -value : value
        }
        return try slowNumber(start..<next)
    }

    /// `true`, `false` or `null`.
    public mutating func literal() throws(JSONError) -> Value {
        _ = peek()
        if takeWord("true") { return .boolean(true) }
        if takeWord("false") { return .boolean(false) }
        if takeWord("null") { return .null }
        throw unexpected("expected a value")
    }

    /// Any value; objects and arrays as minimal JSON text.
    public mutating func value() throws(JSONError) -> Value {
        switch peek() {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"), UInt8(ascii: "["): return .json(try JSONValue(&self).text)
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): return try literal()
        default: return .number(try number())
        }
    }

    /// An error that says what stands where something else was expected.
    public mutating func unexpected(_ expectation: String) -> JSONError {
        guard let byte = peek() else { return failure("\(expectation), found the end of the text") }
        let shown = byte < 0x80 && byte >= 0x20 ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
        return failure("\(expectation), found \(shown)")
    }
}

extension JSONScanner {
    private static let powersOfTen: [Double] = (0...22).map { power in (0..<power).reduce(1.0) { sum, _ in sum * 10 } }

    @usableFromInline
    mutating func peekBehindSpace() -> UInt8? {
        while next < bytes.count, Self.isSpace(bytes[next]) { next += 1 }
        return next < bytes.count ? bytes[next] : nil
    }

    @usableFromInline
    mutating func isMissing(_ byte: UInt8) -> JSONError {
        unexpected("expected '\(Character(UnicodeScalar(byte)))'")
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

    private var current: UInt8? { next < bytes.count ? bytes[next] : nil }

    private mutating func digits(_ mantissa: inout UInt64) -> Int {
        guard let start = bytes.baseAddress else { return 0 }
        let count = bytes.count
        var end = next
        // Every read is below `count`, the number of bytes that were lent.
        while end < count {
            let digit = start[end] &- 0x30
            guard digit <= 9 else { break }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            end &+= 1
        }
        defer { next = end }
        return end &- next
    }

    private mutating func exponent() throws(JSONError) -> Int? {
        guard current == UInt8(ascii: "e") || current == UInt8(ascii: "E") else { return nil }
        next += 1
        if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { next += 1 }
        var ignored: UInt64 = 0
        guard digits(&ignored) > 0 else { throw failure("expected a digit in the exponent") }
        return 0
    }

    private func slowNumber(_ range: Range<Int>) throws(JSONError) -> Double {
        let text = String(decoding: bytes[range], as: UTF8.self)
        let value = strtod(text, nil)
        guard value.isFinite else { throw failure("the number is too large", at: range.lowerBound) }
        return value
    }

    private mutating func takeWord(_ word: StaticString) -> Bool {
        guard bytes.count - next >= word.utf8CodeUnitCount else { return false }
        for index in 0..<word.utf8CodeUnitCount where bytes[next + index] != word.utf8Start[index] { return false }
        next += word.utf8CodeUnitCount
        return true
    }

    private func text(_ range: Range<Int>) throws(JSONError) -> String {
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw failure("the string is not UTF-8", at: range.lowerBound)
        }
        return text
    }

    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var unescaped = Array(bytes[start..<next])
        while let byte = current {
            next += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: unescaped, as: UTF8.self) else {
                    throw failure("the string is not UTF-8", at: start)
                }
                return text
            case UInt8(ascii: "\\"): unescaped.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20: throw failure("control character in a string; write it as an escape", at: next - 1)
            default: unescaped.append(byte)
            }
        }
        throw failure("the string that begins here does not end", at: start - 1)
    }

    private mutating func escape() throws(JSONError) -> Character {
        guard let byte = current else { throw failure("the string does not end") }
        next += 1
        switch byte {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Character(UnicodeScalar(byte))
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure("unknown escape", at: next - 2)
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> Character {
        let place = next - 2
        let first = try hexadecimal()
        if let scalar = UnicodeScalar(first) { return Character(scalar) }
        guard first < 0xdc00, takeWord("\\u") else { throw failure("unpaired surrogate", at: place) }
        let second = try hexadecimal()
        guard (0xdc00..<0xe000).contains(second),
            let scalar = UnicodeScalar(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        else { throw failure("unpaired surrogate", at: place) }
        return Character(scalar)
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
                throw failure("expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            next += 1
        }
        return value
    }
}
