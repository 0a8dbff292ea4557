import Telemetry

/// How values change type, in one place.
enum Conversion {
    /// In a numeric context null and false are 0, true is 1, a numeric string is its number; nil is an error.
    static func number(_ value: Value?) -> Double? {
        switch value {
        case .number(let number): number
        case .null: 0
        case .boolean(let flag): flag ? 1 : 0
        case .string(let text): number(parsing: text)
        case .json, nil: nil
        }
    }

    /// A decimal number that fills the whole text, white space around it aside; hexadecimal, infinity and NaN are none.
    static func number(parsing text: String) -> Double? {
        let trimmed = text.utf8.drop { $0 == 0x20 }
        guard let first = trimmed.first, !trimmed.isEmpty else { return nil }
        let isAllowed = trimmed.allSatisfy { byte in
            (0x30...0x39).contains(byte) || [0x2b, 0x2d, 0x2e, 0x45, 0x65, 0x20].contains(byte)
        }
        guard isAllowed, first != 0x65, first != 0x45 else { return nil }
        var end = trimmed.endIndex
        while end > trimmed.startIndex, trimmed[trimmed.index(before: end)] == 0x20 { end = trimmed.index(before: end) }
        guard let value = Double(String(decoding: trimmed[..<end], as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// In a boolean context 0, false, null and errors are false; everything else is true.
    static func boolean(_ value: Value?) -> Bool {
        switch value {
        case nil, .null: false
        case .boolean(let flag): flag
        case .number(let number): number != 0
        case .string, .json: true
        }
    }

    /// The text of a value: numbers as in JSON, `true`, `false`, `null`.
    static func text(_ value: Value) -> String {
        switch value {
        case .string(let text), .json(let text): return text
        case .number(let number) where !number.isFinite: return number.isNaN ? "nan" : number < 0 ? "-inf" : "inf"
        default:
            var writer = JSONWriter()
            writer.write(value)
            return writer.text
        }
    }

    /// A whole number for bit operations: the fraction is cut; nil if it does not fit 64 bits.
    static func integer(_ value: Value?) -> Int64? {
        guard let number = number(value), number.isFinite else { return nil }
        return Int64(exactly: number.rounded(.towardZero))
    }

    /// Whether two values are equal: null only to null, numbers and booleans as numbers, numeric strings as well.
    static func areEqual(_ left: Value, _ right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): return true
        case (.null, _), (_, .null): return false
        case (.string(let text), .string(let pattern)): return Wildcard.matches(text, pattern)
        case (.json(let a), .json(let b)): return a == b
        case (.json, _), (_, .json): return false
        default:
            guard let a = number(left), let b = number(right) else { return false }
            return a == b
        }
    }

    /// The order of two values; nil is an error. Texts that are both no numbers compare by their scalars.
    static func compare(_ left: Value, _ right: Value) -> (less: Bool, equal: Bool)? {
        if let a = number(left), let b = number(right) { return (a < b, a == b) }
        guard case .string(let a) = left, case .string(let b) = right, number(parsing: a) == nil,
            number(parsing: b) == nil
        else { return nil }
        return (a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars), a == b)
    }

    /// What a JSON pointer (`/0/id`) or a plain key leads to; nil where it leads nowhere.
    static func follow(_ path: String, in value: Value) -> Value? {
        guard case .json = value else { return nil }
        let root = JSONValue(value)
        return (path.hasPrefix("/") ? JSONPointer.follow(path, in: root) : JSONPointer.step(path, in: root))?.value
    }
}

/// Patterns with `*` (any run of characters) and `?` (one character).
public enum Wildcard {
    public static func matches(_ text: String, _ pattern: String) -> Bool {
        guard pattern.utf8.contains(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }) else {
            return text == pattern
        }
        return matches(Array(text.unicodeScalars), Array(pattern.unicodeScalars))
    }

    private static func matches(_ text: [UnicodeScalar], _ pattern: [UnicodeScalar]) -> Bool {
        var position = 0
        var place = 0
        var star = -1
        var retry = 0
        while position < text.count {
            if place < pattern.count, pattern[place] == "*" {
                star = place
                retry = position
                place += 1
            } else if place < pattern.count, pattern[place] == "?" || pattern[place] == text[position] {
                position += 1
                place += 1
            } else if star >= 0 {
                place = star + 1
                retry += 1
                position = retry
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }
}
