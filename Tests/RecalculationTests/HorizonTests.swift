import LocalCache
import Recalculation
import Telemetry
import Testing

/// Jobs and differences behind a horizon.
@Suite("Horizons")
struct HorizonTests {
    private static let horizon = HorizonStart(moment: .at(3005))

    @Test(
        "the state at a moment, with lists, is all that an evaluation needs of what lies before", arguments: [1, 1_000])
    func stateAtMoment(_ slice: Int) throws {
        for definition in [JobRig.trips, JobRig.lists] {
            for moment in [Int64(5), 3_000, 3_005, 3_590, 3_600, 9_999_999] {
                let rig = try JobRig(definition)
                try rig.append(JobRig.messages(1000))
                try rig.run([.all])
                let state = try rig.state(at: moment, slice: slice)
                let start = HorizonStart(moment: .at(moment), state: state)
                let whole = try rig.outcome([.all])
                for range in try rig.states() {
                    try rig.cache.removeStates(rig.key, in: .init(inclusive: range.moment, range.moment))
                }
                let rest = try rig.outcome([.all], horizon: start)
                let lower = rest.regions.first?.lower ?? .distantPast
                #expect(lower > .distantPast)
                let wanted = whole.intervals.filter { $0.interval.firstOn >= lower }
                #expect(rest.intervals.map { $0.interval.unmarked } == wanted.map(\.interval), "at \(moment)")
                #expect(rest.messageCount == JobRig.messages(1000).count { $0.second >= moment })
            }
        }
    }

    @Test("messages before the horizon are not read, and what begins with the first one after it is marked")
    func fromNothing() throws {
        let rig = try JobRig()
        try rig.append(JobRig.messages(1000))
        let outcome = try rig.outcome([.all], horizon: Self.horizon)
        #expect(outcome.messageCount == 1000 - 301 && outcome.regions.first?.lower == .distantPast)
        #expect(outcome.intervals.first?.interval.begin == .at(3010))
        #expect(
            outcome.intervals.map(\.interval.isContinued) == [true] + outcome.intervals.dropFirst().map { _ in false })
        #expect(
            outcome.intervals.first.map { String(decoding: $0.tail, as: UTF8.self).hasSuffix("\"continued\":true}") }
                == true)
    }

    @Test("a saved state from before the horizon is not gone on with")
    func stateBefore() throws {
        let rig = try JobRig()
        try rig.append(JobRig.messages(1000))
        try rig.run([.all])
        let outcome = try rig.outcome([TimeRange(lower: .at(3010), upper: .at(3020))], horizon: Self.horizon)
        #expect(outcome.rangeRun?.lower == .distantPast && outcome.messageCount > 0)
        let later = try rig.outcome([TimeRange(lower: .at(8000), upper: .at(8010))], horizon: Self.horizon)
        #expect(later.messageCount <= 150, "a later one is")
    }

    @Test("what lies before the horizon asks for what goes on from there")
    func rangeBefore() throws {
        let rig = try JobRig()
        try rig.append(JobRig.messages(1000))
        try rig.run([.all])
        let start = HorizonStart(moment: .at(3005), state: try rig.state(at: 3005))
        let ranges = [TimeRange(lower: .at(10), upper: .at(20)), TimeRange(lower: .at(500), upper: .at(600))]
        let outcome = try rig.outcome(ranges, horizon: start)
        #expect(outcome.regions.count == 1 && outcome.messageCount > 0 && outcome.messageCount <= 100)
    }
}

@Suite("Frozen intervals")
struct FrozenDiffTests {
    private static func held(_ id: Int64, _ begin: Int64, _ end: Int64, isActive: Bool = false) -> HeldInterval {
        HeldInterval(id: id, firstOn: .at(begin), begin: .at(begin), end: .at(end), isActive: isActive, digest: 1)
    }

    private static func new(_ begin: Int64, _ end: Int64) -> RenderedInterval {
        RenderedInterval(
            Interval(begin: .at(begin), end: .at(end), firstOn: .at(begin), isActive: false, counters: []))
    }

    @Test("a frozen interval is neither deleted nor made anew, and its neighbours behind the horizon are")
    func kept() {
        let held = [Self.held(1, 10, 20), Self.held(2, 30, 60), Self.held(3, 70, 80)]
        let diff = IntervalDiff(held: held, calculated: [Self.new(12, 18), Self.new(55, 66)], horizon: .at(50))
        #expect(diff.deleted.map(\.id) == [3] && diff.unchangedCount == 0)
        #expect(diff.written.map(\.held?.id) == [2] && diff.written.first?.new.interval.begin == .at(55))
    }

    @Test("a frozen interval that grows beyond the horizon is the same interval")
    func grown() {
        let diff = IntervalDiff(held: [Self.held(1, 10, 20)], calculated: [Self.new(10, 70)], horizon: .at(50))
        #expect(diff.deleted.isEmpty && diff.written.map(\.held?.id) == [1])
        let shorter = IntervalDiff(held: [Self.held(1, 10, 20)], calculated: [Self.new(10, 15)], horizon: .at(50))
        #expect(shorter == IntervalDiff(held: [], calculated: []))
    }

    @Test("an interval that reached the horizon may end before it, and one that was open may end where it was")
    func ended() {
        let diff = IntervalDiff(held: [Self.held(1, 10, 60)], calculated: [Self.new(10, 40)], horizon: .at(50))
        #expect(diff.deleted.isEmpty && diff.written.map(\.held?.id) == [1])
        let closed = IntervalDiff(
            held: [Self.held(1, 10, 20, isActive: true)], calculated: [Self.new(10, 20)], horizon: .at(50))
        #expect(closed.written.map(\.held?.id) == [1])
    }
}

extension Interval {
    fileprivate var unmarked: Interval {
        var copy = self
        copy.isContinued = false
        return copy
    }
}
