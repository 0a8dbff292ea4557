import LocalCache
import Recalculation
import SeededRandom
import Telemetry
import Testing

@Suite("The difference of intervals")
struct IntervalDiffTests {
    private static func interval(
        _ begin: Int64, _ end: Int64, firstOn: Int64? = nil, value: Double = 0, isActive: Bool = false
    ) -> RenderedInterval {
        RenderedInterval(
            Interval(
                begin: .at(begin), end: .at(end), firstOn: .at(firstOn ?? begin), isActive: isActive,
                counters: [.init(name: "n", value: .number(value))]))
    }

    private static func held(_ id: Int64, _ rendered: RenderedInterval) -> HeldInterval {
        let interval = rendered.interval
        return HeldInterval(
            id: id, firstOn: interval.firstOn, begin: interval.begin, end: interval.end, isActive: interval.isActive,
            digest: rendered.digest)
    }

    /// The id that each calculated interval continues; 0 where it is unchanged or new.
    private static func ids(_ diff: IntervalDiff) -> [Int64] { diff.written.map { $0.held?.id ?? 0 } }

    @Test("what is alike is left out")
    func unchanged() {
        let intervals = [Self.interval(0, 10), Self.interval(20, 30, isActive: true)]
        let diff = IntervalDiff(
            held: intervals.enumerated().map { Self.held(Int64($0 + 1), $1) }, calculated: intervals)
        #expect(diff.unchangedCount == 2 && diff.written.isEmpty && diff.deleted.isEmpty)
    }

    @Test(
        "a change of borders, counters or activity is written under the old id",
        arguments: [
            interval(0, 11), interval(0, 10, value: 1), interval(0, 10, isActive: true), interval(-5, 10, firstOn: 0),
        ])
    func changed(_ new: RenderedInterval) {
        let diff = IntervalDiff(held: [Self.held(7, Self.interval(0, 10))], calculated: [new])
        #expect(
            Self.ids(diff) == [7] && diff.written.first?.new == new && diff.deleted.isEmpty && diff.unchangedCount == 0)
    }

    @Test("the same text with another first message is written, so that it is known by it next time")
    func movedFirstOn() {
        let diff = IntervalDiff(
            held: [Self.held(7, Self.interval(0, 10, firstOn: 1))], calculated: [Self.interval(0, 10, firstOn: 2)])
        #expect(Self.ids(diff) == [7])
    }

    @Test("the first message goes before the overlap")
    func identity() {
        let held = [Self.held(1, Self.interval(0, 100)), Self.held(2, Self.interval(110, 120))]
        let diff = IntervalDiff(held: held, calculated: [Self.interval(0, 5), Self.interval(50, 119, firstOn: 50)])
        #expect(Self.ids(diff) == [1, 2] && diff.deleted.isEmpty)
    }

    @Test("without a common first message the greatest overlap decides, ties go to the older id")
    func overlap() {
        let held = [Self.held(5, Self.interval(0, 10)), Self.held(3, Self.interval(20, 60))]
        let grown = IntervalDiff(held: held, calculated: [Self.interval(-5, 60, firstOn: -5)])
        #expect(Self.ids(grown) == [3] && grown.deleted.map(\.id) == [5])
        let equal = [Self.held(5, Self.interval(0, 10)), Self.held(3, Self.interval(20, 30))]
        let tie = IntervalDiff(held: equal, calculated: [Self.interval(-5, 60, firstOn: -5)])
        #expect(Self.ids(tie) == [3] && tie.deleted.map(\.id) == [5])
    }

    @Test("of the parts of a split interval the longest keeps the id where none has its first message")
    func split() {
        let diff = IntervalDiff(
            held: [Self.held(1, Self.interval(0, 100))],
            calculated: [Self.interval(5, 20), Self.interval(30, 90), Self.interval(95, 100)])
        #expect(Self.ids(diff) == [0, 1, 0] && diff.deleted.isEmpty)
    }

    @Test("intervals of one message match where they touch; those apart do not match")
    func touching() {
        let touch = IntervalDiff(held: [Self.held(1, Self.interval(10, 10))], calculated: [Self.interval(5, 10)])
        #expect(Self.ids(touch) == [1])
        let apart = IntervalDiff(held: [Self.held(1, Self.interval(10, 20))], calculated: [Self.interval(21, 30)])
        #expect(Self.ids(apart) == [0] && apart.deleted.map(\.id) == [1])
    }

    @Test("nothing held: all new; nothing calculated: all deleted")
    func extremes() {
        let new = IntervalDiff(held: [], calculated: [Self.interval(0, 1), Self.interval(2, 3)])
        #expect(Self.ids(new) == [0, 0])
        let gone = IntervalDiff(held: [Self.held(1, Self.interval(0, 1))], calculated: [])
        #expect(gone.deleted.map(\.id) == [1] && gone.written.isEmpty)
        #expect(IntervalDiff(held: [], calculated: []) == IntervalDiff(held: [], calculated: []))
    }

    /// Disjoint intervals in order, with random gaps.
    private static func random(_ random: inout SeededGenerator) -> [RenderedInterval] {
        var result: [RenderedInterval] = []
        var moment = Int64.random(in: 0...5, using: &random)
        while moment < 60 {
            let begin = moment
            let firstOn = begin + Int64.random(in: 0...1, using: &random)
            let end = firstOn + Int64.random(in: 0...8, using: &random)
            result.append(
                interval(
                    begin, end, firstOn: firstOn, value: Double(Int.random(in: 0...1, using: &random)),
                    isActive: random.chance(0.1)))
            moment = end + Int64.random(in: 1...6, using: &random)
        }
        return result
    }

    @Test("applying the difference to what is held gives what was calculated, ids kept once", arguments: 0..<300)
    func application(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let before = Self.random(&random)
        let ids = (1...Int64(max(1, before.count))).shuffled(using: &random)
        let held = zip(ids, before).map { Self.held($0, $1) }
        let calculated = random.chance(0.3) ? before.filter { _ in random.chance(0.7) } : Self.random(&random)
        let diff = IntervalDiff(held: held.shuffled(using: &random), calculated: calculated)

        var table = Dictionary(uniqueKeysWithValues: held.map { ($0.id, $0) })
        for interval in diff.deleted { #expect(table.removeValue(forKey: interval.id) == interval, "seed \(seed)") }
        var next = Int64(before.count) + 1
        for (new, old) in diff.written {
            if let old { #expect(table[old.id] == old, "seed \(seed)") }
            table[old?.id ?? next] = Self.held(old?.id ?? next, new)
            next += old == nil ? 1 : 0
        }
        let found = table.values.sorted { $0.firstOn < $1.firstOn }
        let expected = zip(found.map(\.id), calculated).map { Self.held($0, $1) }
        #expect(found == expected, "seed \(seed)")
        #expect(diff.unchangedCount + diff.written.count == calculated.count, "seed \(seed)")
        let continued = diff.written.compactMap(\.held?.id)
        #expect(Set(continued).count == continued.count, "seed \(seed)")
        #expect(Set(continued).isDisjoint(with: diff.deleted.map(\.id)), "seed \(seed)")
        for (new, old) in diff.written { #expect(old != Self.held(old?.id ?? 0, new), "seed \(seed)") }
        // What vanishes overlaps nothing that is new.
        for gone in diff.deleted {
            let isNeeded = diff.written.contains { new, old in
                old == nil && new.interval.begin <= gone.end && gone.begin <= new.interval.end
            }
            #expect(!isNeeded, "seed \(seed)")
        }
    }
}
