extension RefInterval {
    /// The first way in which intervals differ from expected ones, in words; nil if they agree.
    ///
    /// All must be equal to the bit, except numbers of counters whose name has the prefix `near.`: those may differ by
    /// `tolerance`, relative to the greater of the number and 1.
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
        if expected == actual { return true }
        guard tolerance > 0, case .number(let first) = expected, case .number(let second) = actual else { return false }
        return abs(first - second) <= tolerance * max(1, abs(first))
    }
}
