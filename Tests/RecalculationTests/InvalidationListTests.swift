import LocalCache
import Recalculation
import SeededRandom
import Telemetry
import Testing

@Suite("Pending invalidations")
struct InvalidationListTests {
    private static func invalidation(
        _ lower: Int64, _ upper: Int64, since: Int64 = 0, due: Int64 = 10, cause: String = "messages"
    ) -> Invalidation {
        Invalidation(
            range: TimeRange(lower: .at(lower), upper: .at(upper)), since: .at(since), due: .at(due), cause: cause)
    }

    private static func list(_ items: [Invalidation]) -> InvalidationList {
        var list = InvalidationList()
        for item in items { list.add(item) }
        return list
    }

    private static func ranges(_ pairs: [(Int64, Int64)]) -> [TimeRange] {
        pairs.map { TimeRange(lower: .at($0.0), upper: .at($0.1)) }
    }

    @Test(
        "ranges that overlap or touch become one, others stay apart and in order",
        arguments: [
            ([(1, 2), (5, 6)], [(1, 2), (5, 6)]), ([(5, 6), (1, 2)], [(1, 2), (5, 6)]), ([(1, 5), (3, 8)], [(1, 8)]),
            ([(3, 8), (1, 5)], [(1, 8)]), ([(1, 2), (2, 3)], [(1, 3)]), ([(2, 3), (1, 2)], [(1, 3)]),
            ([(1, 9), (3, 4)], [(1, 9)]), ([(3, 4), (1, 9)], [(1, 9)]), ([(1, 2), (4, 5), (7, 8), (2, 7)], [(1, 8)]),
            ([(1, 2), (4, 5), (7, 8), (3, 6)], [(1, 2), (3, 6), (7, 8)]), ([(1, 2), (1, 2)], [(1, 2)]),
        ] as [([(Int64, Int64)], [(Int64, Int64)])])
    func merging(_ added: [(Int64, Int64)], _ expected: [(Int64, Int64)]) {
        #expect(Self.list(added.map { Self.invalidation($0.0, $0.1) }).ranges == Self.ranges(expected))
    }

    @Test("a later change enlarges what is pending and never delays it; the first cause stays")
    func earliest() {
        var list = Self.list([Self.invalidation(5, 6, since: 100, due: 110, cause: "messages")])
        list.add(Self.invalidation(6, 9, since: 105, due: 106, cause: "calculator"))
        #expect(list.items == [Self.invalidation(5, 9, since: 100, due: 106, cause: "messages")])
        list.add(Self.invalidation(1, 5, since: 90, due: 200, cause: "timer"))
        #expect(list.items == [Self.invalidation(1, 9, since: 90, due: 106, cause: "timer")])
        list.add(Self.invalidation(20, 21, since: 80, due: 300, cause: "metadata"))
        #expect(list.since == .at(80) && list.due == .at(106) && list.cause == "metadata")
    }

    @Test("a job takes everything over, and what comes then is pending anew")
    func taking() {
        var list = Self.list([Self.invalidation(1, 2), Self.invalidation(5, 6)])
        #expect(list.take().count == 2)
        #expect(list.isEmpty && list.due == nil && list.since == nil && list.cause.isEmpty && list.take().isEmpty)
        list.add(Self.invalidation(3, 4))
        #expect(list.ranges == Self.ranges([(3, 4)]))
    }

    @Test("the end of the data, as a timer has it, and all of time are ranges like others")
    func extremes() {
        let end = Invalidation(
            range: TimeRange(lower: .distantFuture, upper: .distantFuture), since: .at(1), due: .at(1), cause: "timer")
        var list = Self.list([end, Self.invalidation(1, 2), end])
        #expect(list.items.count == 2 && list.items.last == end)
        list.add(Invalidation(range: .all, since: .at(5), due: .at(5), cause: "calculator"))
        #expect(list.ranges == [.all])
    }

    @Test("more ranges than the limit: the nearest become one, nothing is lost")
    func cap() {
        var list = InvalidationList()
        for index in 0..<Int64(InvalidationList.rangesMax) {
            list.add(Self.invalidation(index * 100, index * 100 + 1, since: 1000 - index))
        }
        #expect(list.items.count == InvalidationList.rangesMax)
        list.add(Self.invalidation(1230, 1231, since: 5))
        #expect(list.items.count == InvalidationList.rangesMax)
        #expect(list.ranges.contains(TimeRange(lower: .at(1200), upper: .at(1231))))
        #expect(list.since == .at(5))
        for index in 0..<Int64(500) { list.add(Self.invalidation(10_000 + index * 7, 10_000 + index * 7 + 1)) }
        #expect(list.items.count == InvalidationList.rangesMax)
    }

    @Test("what is pending covers the seconds that were added and no others", arguments: 0..<200)
    func model(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var list = InvalidationList()
        var seconds: Set<Int64> = []
        var added: [Invalidation] = []
        for step in 0..<Int.random(in: 1...60, using: &random) {
            let lower = Int64.random(in: 0..<100, using: &random)
            let upper = lower + Int64.random(in: 1...(random.chance(0.1) ? 40 : 3), using: &random)
            let new = Self.invalidation(
                lower, upper, since: Int64.random(in: 0...1000, using: &random),
                due: Int64.random(in: 0...1000, using: &random),
                cause: "\(step)")
            list.add(new)
            added.append(new)
            seconds.formUnion(lower..<upper)
        }
        #expect(
            Set((0..<200).filter { second in list.ranges.contains { $0.contains(.at(second)) } }) == seconds,
            "seed \(seed)")
        for (item, next) in zip(list.items, list.items.dropFirst()) {
            #expect(item.range.upper < next.range.lower, "seed \(seed)")
        }
        for item in list.items {
            let parts = added.filter { item.range.contains($0.range.lower) }
            let first = parts.map(\.since).min()
            #expect(item.since == first && item.due == parts.map(\.due).min(), "seed \(seed)")
            #expect(parts.contains { $0.since == first && $0.cause == item.cause }, "seed \(seed)")
        }
    }
}

extension Timestamp {
    static func at(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) }
}
