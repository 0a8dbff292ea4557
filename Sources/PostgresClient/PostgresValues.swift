/// A moment, to the microsecond, as `timestamptz` holds it.
package struct PostgresTimestamp: Sendable, Hashable, Comparable {
    /// Since 1970 UTC; the greatest and the smallest number stand for infinity and its opposite.
    package var microseconds: Int64

    package static let infinity = PostgresTimestamp(microseconds: .max)
    package static let negativeInfinity = PostgresTimestamp(microseconds: .min)

    package init(microseconds: Int64) { self.microseconds = microseconds }

    package static func < (a: Self, b: Self) -> Bool { a.microseconds < b.microseconds }

    /// From 1970 to 2000, where the server begins to count.
    static let epochMicroseconds: Int64 = 946_684_800_000_000
    /// 4714 BC, where the server's years begin.
    static let first: Int64 = -210_866_803_200_000_000
}

/// A day of the calendar, as `date` holds it.
package struct PostgresDate: Sendable, Hashable, Comparable {
    /// Since 1970-01-01; the greatest and the smallest number stand for infinity and its opposite.
    package var days: Int32

    package init(days: Int32) { self.days = days }

    package static func < (a: Self, b: Self) -> Bool { a.days < b.days }

    static let epochDays: Int32 = 10957
}

/// A UUID.
package struct PostgresUUID: Sendable, Hashable, CustomStringConvertible {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads 32 hexadecimal digits, with or without hyphens; nil for anything else.
    package init?(_ text: String) {
        let digits = text.filter { $0 != "-" }
        guard digits.utf8.count == 32, digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }),
            let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    package var description: String {
        let digits = [high, low].map { value in
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
        var result = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { result.append("-") }
            result.append(digit)
        }
        return result
    }
}

/// A JSON value as text, which the server parses: `jsonb`.
package struct PostgresJSON: Sendable, Hashable {
    package var text: String

    package init(_ text: String) { self.text = text }
}

/// A text whose type the server finds out from where it stands: for enumerations, intervals and other types that have
/// no type here.
package struct PostgresUntyped: Sendable, Hashable {
    package var text: String

    package init(_ text: String) { self.text = text }
}
