import LocalCache
import Telemetry

/// What is pending for one assignment: ranges that do not touch, in order, each with its first cause.
///
/// A later change in or beside a pending range enlarges it and never delays it: the earliest `since` and `due` stay.
package struct InvalidationList: Sendable, Equatable {
    /// More ranges than this are merged into their neighbours.
    package static let rangesMax = 64

    package private(set) var items: [Invalidation]
    /// The earliest moment that anything added since `forgetLowest()` touches, whatever became of it; before any such
    /// call the past as a whole.
    package private(set) var lowest = Timestamp.distantPast

    package init(_ items: [Invalidation] = []) {
        self.items = items.sorted { $0.range.lower < $1.range.lower }
    }

    package var isEmpty: Bool { items.isEmpty }
    package var ranges: [TimeRange] { items.map(\.range) }
    package var due: Timestamp? { items.map(\.due).min() }
    package var since: Timestamp? { items.map(\.since).min() }
    package var cause: String { items.min { $0.since < $1.since }?.cause ?? "" }

    /// Begins to note anew what is added.
    package mutating func forgetLowest() { lowest = .distantFuture }

    package static func == (left: InvalidationList, right: InvalidationList) -> Bool { left.items == right.items }

    package mutating func add(_ new: Invalidation) {
        lowest = min(lowest, new.range.lower)
        var merged = new
        var kept: [Invalidation] = []
        for item in items {
            if item.isHeld == merged.isHeld, item.range.lower <= merged.range.upper,
                merged.range.lower <= item.range.upper
            {
                merged = Self.merge(item, merged)
            } else {
                kept.append(item)
            }
        }
        let place = kept.firstIndex { $0.range.lower > merged.range.lower } ?? kept.count
        kept.insert(merged, at: place)
        items = kept
        if items.count > Self.rangesMax { mergeNearest() }
    }

    /// Hands everything over to a job; what comes while it runs is pending anew.
    package mutating func take() -> [Invalidation] {
        defer { items = [] }
        return items
    }

    private static func merge(_ first: Invalidation, _ second: Invalidation) -> Invalidation {
        Invalidation(
            range: first.range.union(second.range), since: min(first.since, second.since),
            due: min(first.due, second.due),
            cause: first.since <= second.since ? first.cause : second.cause,
            isConfigured: first.isConfigured || second.isConfigured, isHeld: first.isHeld && second.isHeld)
    }

    private mutating func mergeNearest() {
        func gap(_ index: Int) -> Int64 {
            items[index + 1].range.lower.microseconds &- items[index].range.upper.microseconds
        }
        guard let nearest = (0..<items.count - 1).min(by: { gap($0) < gap($1) }) else { return }
        items[nearest] = Self.merge(items[nearest], items[nearest + 1])
        items.remove(at: nearest + 1)
    }
}
