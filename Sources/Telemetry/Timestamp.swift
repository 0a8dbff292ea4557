/// A moment, in microseconds since 1970-01-01T00:00:00Z.
///
/// Messages, intervals and log stamps all count in whole microseconds, so that equality is exact. On the wire a
/// timestamp is a number of seconds with up to six decimals.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since the epoch; negative before 1970.
    public var microseconds: Int64

    public static let distantPast = Timestamp(microseconds: .min / 4)
    public static let distantFuture = Timestamp(microseconds: .max / 4)

    @inlinable
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// A moment given in seconds, rounded to the nearest microsecond; values outside ±9e12 s are clamped.
    @inlinable
    public init(seconds: Double) {
        let scaled = (seconds * 1e6).rounded()
        self.microseconds = scaled.isNaN ? 0 : Int64(max(-9e18, min(9e18, scaled)))
    }

    /// Seconds since the epoch.
    @inlinable
    public var seconds: Double { Double(microseconds) / 1e6 }

    @inlinable
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }

    /// The moment `seconds` later (earlier, if negative).
    @inlinable
    public func advanced(bySeconds seconds: Double) -> Timestamp {
        Timestamp(microseconds: microseconds &+ Int64((seconds * 1e6).rounded()))
    }
}

/// A half-open range of time: `lower` belongs to it, `upper` does not.
public struct TimeRange: Hashable, Sendable {
    public var lower: Timestamp
    public var upper: Timestamp

    /// All of time.
    public static let all = TimeRange(lower: .distantPast, upper: .distantFuture)

    public init(lower: Timestamp, upper: Timestamp) {
        self.lower = lower
        self.upper = upper
    }

    /// The range of an API query, whose two ends both belong to it.
    public init(inclusive first: Timestamp, _ last: Timestamp) {
        self.init(lower: first, upper: Timestamp(microseconds: last.microseconds + 1))
    }

    public var isEmpty: Bool { lower >= upper }

    public func contains(_ moment: Timestamp) -> Bool { lower <= moment && moment < upper }

    /// The smallest range that covers both.
    public func union(_ other: TimeRange) -> TimeRange {
        TimeRange(lower: min(lower, other.lower), upper: max(upper, other.upper))
    }
}
