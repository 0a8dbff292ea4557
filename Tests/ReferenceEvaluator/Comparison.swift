extension RefInterval {
    /// The first way in which intervals differ from expected ones, in words; nil if they agree.
    ///
    /// All must be equal to the bit, except counters whose name has the prefix `near.`: their numbers, and the numbers
    /// within their JSON, may differ by `tolerance`, relative to the greater of the number and 1.
    public static func disagreement(
        expected: [RefInterval], actual: [RefInterval], tolerance: Double = 1e-9
    ) -> String? {
        for (index, (expected, actual)) in zip(expected, actual).enumerated() {
            if let difference = expected.difference(from: actual, tolerance) {
                return "interval \(index): \(difference)"
            }
        }
        guard expected.count == actual.count else {
            return "expected \(expected.count) intervals, found \(actual.count)"
        }
        return nil
    }

    private func difference(from other: RefInterval, _ tolerance: Double) -> String? {
        let borders = (beginMicroseconds, endMicroseconds, firstOnMicroseconds, isActive)
        let others = (other.beginMicroseconds, other.endMicroseconds, other.firstOnMicroseconds, other.isActive)
        if borders != others { return "expected begin, end, firstOn, active \(borders), found \(others)" }
        let (names, otherNames) = (counters.map(\.0), other.counters.map(\.0))
        if names != otherNames { return "expected counters \(names), found \(otherNames)" }
        for ((name, expected), (_, actual)) in zip(counters, other.counters)
        where !Self.agree(expected, actual, name.hasPrefix("near.") ? tolerance : 0) {
            return "counter \(name): expected \(expected), found \(actual)"
        }
        return nil
    }

    private static func agree(_ expected: RefValue, _ actual: RefValue, _ tolerance: Double) -> Bool {
        expected == actual || (tolerance > 0 && agree(JSONTree(expected), JSONTree(actual), tolerance))
    }

    private static func agree(_ expected: JSONTree, _ actual: JSONTree, _ tolerance: Double) -> Bool {
        switch (expected, actual) {
        case (.number(let first), .number(let second)):
            return abs(first - second) <= tolerance * max(1, abs(first))
        case (.array(let first), .array(let second)):
            return first.count == second.count && zip(first, second).allSatisfy { agree($0, $1, tolerance) }
        case (.object(let first), .object(let second)):
            return first.map(\.key) == second.map(\.key)
                && zip(first, second).allSatisfy { agree($0.value, $1.value, tolerance) }
        default: return expected == actual
        }
    }
}
