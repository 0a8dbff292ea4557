import Telemetry

/// The intervals of one asset, in the order of time and without overlaps.
struct AssetTimeline {
    private(set) var intervals: [AssetInterval]

    /// Takes intervals that do not overlap, in the order of time.
    init(_ intervals: [AssetInterval]) { self.intervals = intervals }

    /// Lays an interval over what is there: what it covers goes, of what it cuts the rest stays.
    mutating func overlay(_ new: AssetInterval) {
        let end = new.end ?? .distantFuture
        let first = firstIndex { ($0.end ?? .distantFuture) > new.begin }
        let last = firstIndex { $0.begin >= end }
        let covered = intervals[first..<max(first, last)]
        var pieces: [AssetInterval] = []
        if var left = covered.first, left.begin < new.begin {
            left.end = new.begin
            pieces.append(left)
        }
        if new.device.rawValue != 0 { pieces.append(new) }
        if var right = covered.last, (right.end ?? .distantFuture) > end {
            right.begin = end
            pieces.append(right)
        }
        intervals.replaceSubrange(first..<max(first, last), with: pieces)
    }

    /// The first interval for which the condition holds; it holds for all after it.
    private func firstIndex(where condition: (AssetInterval) -> Bool) -> Int {
        var range = intervals.indices
        while let middle = range.isEmpty ? nil : (range.lowerBound + range.upperBound) / 2 {
            range = condition(intervals[middle]) ? range.lowerBound..<middle : middle + 1..<range.upperBound
        }
        return range.lowerBound
    }
}
