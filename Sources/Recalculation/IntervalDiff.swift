import LocalCache
import Telemetry

/// An interval with the text that is stored of it.
package struct RenderedInterval: Sendable, Equatable {
    package var interval: Interval
    package var head: [UInt8]
    package var tail: [UInt8]
    package var digest: UInt64

    package init(_ interval: Interval) {
        self.interval = interval
        head = interval.head
        tail = interval.tail
        digest = mix64(hash64(head) ^ hash64(tail) &* 31)
    }
}

/// The difference between the intervals held and those just calculated.
package struct IntervalDiff: Sendable, Equatable {
    package var deleted: [HeldInterval] = []
    /// What is new or changed, with the interval it continues.
    package var written: [(new: RenderedInterval, held: HeldInterval?)] = []
    package var unchangedCount = 0

    /// Matches by the first message that is on, then by greatest overlap with ties to the older id; what is alike in
    /// text, activity and first message is left out.
    ///
    /// What is held and ends before the horizon is frozen: it is never deleted, and changes only by growing beyond the
    /// horizon.
    package init(held: [HeldInterval], calculated: [RenderedInterval], horizon: Timestamp = .distantPast) {
        var matches: [Int: HeldInterval] = [:]
        var heldByFirst = Dictionary(held.map { ($0.firstOn, $0) }, uniquingKeysWith: { first, _ in first })
        let calculated = calculated.filter { new in
            new.interval.end >= horizon || Self.mayEnd(new.interval, heldByFirst[new.interval.firstOn], horizon)
        }
        for (index, new) in calculated.enumerated() {
            if let match = heldByFirst.removeValue(forKey: new.interval.firstOn) { matches[index] = match }
        }
        let rest = heldByFirst.values.filter { $0.end >= horizon }.sorted { $0.firstOn < $1.firstOn }
        let taken = Self.matchByOverlap(
            rest, calculated.indices.filter { matches[$0] == nil }.map { ($0, calculated[$0].interval) }, &matches)
        deleted = rest.filter { !taken.contains($0.id) }
        for (index, new) in calculated.enumerated() {
            if let match = matches[index], match.digest == new.digest, match.isActive == new.interval.isActive,
                match.firstOn == new.interval.firstOn
            {
                unchangedCount += 1
            } else {
                written.append((new, matches[index]))
            }
        }
    }

    /// Whether an interval that ends before the horizon is told: one that still reached it, and one that was open.
    private static func mayEnd(_ new: Interval, _ held: HeldInterval?, _ horizon: Timestamp) -> Bool {
        guard let held else { return false }
        return held.end >= horizon
            || (held.isActive && !new.isActive && held.begin == new.begin && held.end == new.end)
    }

    /// Pairs what is left of both sides, the greatest overlap first; returns the ids that found a partner.
    private static func matchByOverlap(
        _ held: [HeldInterval], _ calculated: [(index: Int, interval: Interval)],
        _ matches: inout [Int: HeldInterval]
    ) -> Set<Int64> {
        var pairs: [(overlap: Int64, held: HeldInterval, index: Int)] = []
        var start = 0
        for (index, interval) in calculated {
            while start < held.count, held[start].end < interval.begin { start += 1 }
            for candidate in held[start...] {
                if candidate.begin > interval.end { break }
                let overlap =
                    min(candidate.end, interval.end).microseconds - max(candidate.begin, interval.begin).microseconds
                if overlap >= 0 { pairs.append((overlap, candidate, index)) }
            }
        }
        pairs.sort { ($1.overlap, $0.held.id, $0.index) < ($0.overlap, $1.held.id, $1.index) }
        var taken: Set<Int64> = []
        for pair in pairs where matches[pair.index] == nil && !taken.contains(pair.held.id) {
            matches[pair.index] = pair.held
            taken.insert(pair.held.id)
        }
        return taken
    }

    package static func == (left: IntervalDiff, right: IntervalDiff) -> Bool {
        left.deleted == right.deleted && left.unchangedCount == right.unchangedCount
            && left.written.elementsEqual(right.written) { $0.new == $1.new && $0.held == $1.held }
    }
}
