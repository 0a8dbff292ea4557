import FoundationEssentials
import PrimaryStore
import ReferenceBridge
import ReferenceEvaluator
import SeededRandom
import Telemetry
import Testing

@testable import CalcProcess

/// Calculators that read others, geofences and custom fields in the worker: what must follow does, and nothing else.
struct NestedTests {
    /// Stretches of `din`, with their distance.
    static let drives = """
        {"name":"drives","update_delay":1,"selectors":[{"type":"expression","expression":"din","min_active":0}],\
        "counters":[{"name":"load","type":"expression","expression":"$load","method":"maximum"},\
        {"name":"count","type":"expression","expression":"1","method":"summary"}]}
        """
    /// The days, with what `drives` (calculator 1) gives in each.
    static let days = """
        {"name":"days","update_delay":1,"selectors":[{"type":"datetime","split":"day"}],"counters":[\
        {"name":"drives","type":"calc","calc_id":1,"method":"each","fields":["load","count"],"allow_start_before":true,\
        "allow_finish_after":true}]}
        """
    /// Stretches inside `drives`.
    static let inside = """
        {"name":"inside","update_delay":1,"selectors":[{"type":"calc","calc_id":1,"min_active":0}],"counters":[\
        {"name":"top","type":"expression","expression":"$load","method":"maximum"}]}
        """
    /// Runs of heavy drives, read in place of messages.
    static let heavy = """
        {"name":"heavy","update_delay":1,"messages_source":{"source":"calc","calc_id":1},"selectors":[\
        {"type":"expression","expression":"load > 5","min_active":0}],"counters":[\
        {"name":"count","type":"expression","expression":"1","method":"summary"}]}
        """
    static let begin = 1_700_006_400.0

    /// A message a minute; `din` and `load` by the pattern, a space is silence of both.
    static func messages(_ pattern: String, from: Double = begin) -> [(Double, [String: RefValue])] {
        pattern.enumerated().map { index, letter in
            let load = letter.wholeNumberValue.map { RefValue.number(Double($0)) }
            let on: [String: RefValue]? = load.map { ["din": .boolean(true), "load": $0] }
            return (from + Double(index) * 60, on ?? ["din": .boolean(false)])
        }
    }

    @Test("what reads a calculator follows its edit, and its end", arguments: [1, 3, 2_048])
    func edited(stateSpacing: Int) throws {
        let nest = try NestedRig([Self.drives, Self.days, Self.inside, Self.heavy], stateSpacing: stateSpacing)
        try nest.send(Self.messages("11..373..88..212..9.22..7"))
        try nest.settle()
        try nest.agrees()
        let before = try nest.values(1, "drives")
        try nest.replace(0, Self.drives.replacing("\"expression\":\"din\"", with: "\"expression\":\"din && load > 2\""))
        try nest.settle()
        try nest.agrees()
        #expect(try nest.values(1, "drives") != before)
        _ = try nest.rig.store.unassign([nest.keys[0]], at: nest.rig.now)
        try nest.settle()
        try nest.agrees()
        #expect(try nest.intervals(2).isEmpty && nest.intervals(3).isEmpty)
        _ = try nest.rig.store.assign([nest.keys[0]], isEnabled: true, isAutoCreated: false)
        try nest.settle()
        try nest.agrees()
        #expect(try nest.intervals(2).count > 3)
    }

    @Test("a late message goes up through three calculators", arguments: [1, 2_048])
    func threeLevels(stateSpacing: Int) throws {
        let top = """
            {"name":"top","update_delay":1,"selectors":[{"type":"datetime"}],"counters":[{"name":"runs","type":"calc",\
            "calc_id":2,"method":"aggregate","fields":[{"name":"n","expression":"count","aggregate":"summary"}],\
            "allow_start_before":true,"allow_finish_after":true}]}
            """
        let heavy = Self.heavy
        let nest = try NestedRig([Self.drives, heavy, top], stateSpacing: stateSpacing)
        try nest.send(Self.messages("1...7.8.9.1.6..2.7.1.."))
        try nest.settle()
        try nest.agrees()
        let before = try nest.values(2, "runs")
        try nest.send([(Self.begin + 90, ["din": .boolean(true), "load": .number(9)])])
        try nest.settle()
        try nest.agrees()
        #expect(try nest.values(2, "runs") != before)
    }

    @Test("a calculator waits for the one that it reads: one batch is one job of each, the source's first")
    func waits() throws {
        let nest = try NestedRig([Self.drives, Self.days], workerCount: 1)
        try nest.send(Self.messages("11..22..33."))
        try nest.settle()
        let last = try nest.rig.store.jobs(nil, countMax: 1).first?.id ?? 0
        try nest.send(Self.messages("44..5..", from: Self.begin + 3_600))
        try nest.settle()
        let jobs = try nest.rig.store.jobs(nil, countMax: 100).filter { $0.id > last }.sorted { $0.id < $1.id }
        #expect(jobs.map(\.key) == nest.keys)
        try nest.agrees()
    }

    @Test("a calculator that nobody reads changes nothing of the others, and makes no job of theirs")
    func unread() throws {
        let nest = try NestedRig([Self.drives, Self.days, Self.inside, Self.heavy])
        try nest.send(Self.messages("11..373..88..212..9.22..7"))
        try nest.settle()
        let before = try nest.keys.map { try nest.rig.store.intervals($0, IntervalQuery()).map(\.json) }
        let last = try nest.rig.store.jobs(nil, countMax: 1).first?.id ?? 0
        let id = try nest.rig.store.createCalculator(name: "unread", json: Self.inside).id
        let key = AssignmentKey(calculator: id, device: nest.device)
        _ = try nest.rig.store.assign([key], isEnabled: true, isAutoCreated: false)
        try nest.settle()
        _ = try nest.rig.store.unassign([key], at: nest.rig.now)
        try nest.settle()
        #expect(try nest.keys.map { try nest.rig.store.intervals($0, IntervalQuery()).map(\.json) } == before)
        let jobs = try nest.rig.store.jobs(nil, countMax: 100).filter { $0.id > last }
        #expect(!jobs.isEmpty && jobs.allSatisfy { $0.key == key })
    }

    @Test("a query by range gives the same intervals, to the byte, as all of them filtered")
    func ranges() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            let given = Generator.generatedCase(seed: seed, hasGeofences: false)
            let nest = try NestedRig([given.calculatorJSON], metadata: given.metadataJSON, stateSpacing: 100)
            guard !given.messages.isEmpty else { continue }
            nest.rig.now = Timestamp(microseconds: given.nowMicroseconds)
            try nest.send(MessageBatch(given.messages, nest.rig.store.parameters))
            try nest.settle()
            let all = try nest.intervals(0)
            var random = SeededGenerator(seed: seed)
            let borders = all.flatMap { [$0.begin.microseconds, $0.end.microseconds] }
            let places = borders + given.messages.map(\.timestampMicroseconds)
            for _ in 0..<40 {
                let moments = [random.pick(places), random.pick(places)].map { $0 + random.pick([-1, 0, 0, 1]) }
                    .sorted()
                let range = TimeRange(
                    inclusive: Timestamp(microseconds: moments[0]), Timestamp(microseconds: moments[1]))
                let expected = all.filter { $0.begin < range.upper && $0.end >= range.lower }
                let found = try nest.rig.store.intervals(nest.keys[0], IntervalQuery(range: range))
                #expect(found.map(\.json) == expected.map(\.json), "seed \(seed), \(moments)")
                let latest = IntervalQuery(range: range, isReversed: true, countMax: 3)
                let reversed = try nest.rig.store.intervals(nest.keys[0], latest)
                #expect(reversed.map(\.json) == expected.reversed().prefix(3).map(\.json), "seed \(seed), \(moments)")
            }
        }
    }

    @Test(
        "intervals of a source that end together make messages that move when one of them goes",
        arguments: [1, 2, 2_048])
    func equalEnds(stateSpacing: Int) throws {
        // The first day is merged with the first message of the second, after which there is a gap.
        let days = """
            {"name":"days","update_delay":1,"validate_interval":"top < 8","selectors":[{"type":"datetime",\
            "split":"day","merge_message_after":true,"max_messages_time_diff":7200}],"counters":[\
            {"name":"top","type":"expression","expression":"$load","method":"maximum"}]}
            """
        let ends = """
            {"name":"ends","update_delay":1,"messages_source":{"source":"calc","calc_id":1},"selectors":[\
            {"type":"expression","expression":"top > 0","min_active":0}],"counters":[]}
            """
        let nest = try NestedRig([days, ends], stateSpacing: stateSpacing)
        let midnight = 1_700_092_800.0
        let values = { (load: Double) -> [String: RefValue] in ["load": .number(load)] }
        try nest.send([(midnight - 1_200, values(1)), (midnight - 600, values(2)), (midnight, values(3))])
        try nest.send([(midnight + 40_000, values(0)), (midnight + 40_060, values(0))])
        try nest.settle()
        #expect(try nest.intervals(0).prefix(2).map(\.end.seconds) == [midnight, midnight])
        try nest.agrees()
        // The first day is refused now, so that the message of the second moves down by a microsecond.
        try nest.send([(midnight - 900, values(9))])
        try nest.settle()
        try nest.agrees()
    }

    @Test(
        "the same the other way: a source interval that appears moves the one that ends with it",
        arguments: [1, 2, 2_048])
    func equalEndsAppear(stateSpacing: Int) throws {
        let days = """
            {"name":"days","update_delay":1,"validate_interval":"top > 5","selectors":[{"type":"datetime",\
            "split":"day","merge_message_after":true,"max_messages_time_diff":7200}],"counters":[\
            {"name":"top","type":"expression","expression":"$load","method":"maximum"}]}
            """
        let ends = """
            {"name":"ends","update_delay":1,"messages_source":{"source":"calc","calc_id":1},"selectors":[\
            {"type":"expression","expression":"top > 0","min_active":0}],"counters":[]}
            """
        let nest = try NestedRig([days, ends], stateSpacing: stateSpacing)
        let midnight = 1_700_092_800.0
        let values = { (load: Double) -> [String: RefValue] in ["load": .number(load)] }
        try nest.send([(midnight - 1_200, values(1)), (midnight - 600, values(2)), (midnight, values(5.5))])
        try nest.send([(midnight + 40_000, values(0)), (midnight + 40_060, values(0))])
        try nest.settle()
        try nest.agrees()
        try nest.send([(midnight - 900, values(5.2))])
        try nest.settle()
        #expect(try nest.intervals(0).prefix(2).map(\.end.seconds) == [midnight, midnight])
        try nest.agrees()
    }
}

/// Fields that people add, and geofences.
struct NestedInputTests {
    /// Drives that read what was noted at the one before.
    static let noting = """
        {"name":"noting","update_delay":1,"selectors":[{"type":"expression","expression":"din","min_active":0}],\
        "counters":[{"name":"before","type":"interval","expression":"previous('note')"},\
        {"name":"chain","type":"interval","expression":"previous('note') + 1"}]}
        """

    @Test(
        "the next interval reads what is noted, and does after recalculations and moved borders",
        arguments: [1, 2, 2_048])
    func notes(stateSpacing: Int) throws {
        let nest = try NestedRig([Self.noting], stateSpacing: stateSpacing)
        try nest.send(NestedTests.messages("..111..222..33..4."))
        try nest.settle()
        let first = try nest.intervals(0)[0]
        try nest.setFields(0, id: first.id, "note", .string("repaired"))
        try nest.settle()
        #expect(try nest.values(0, "before")[1] == .string("repaired"))
        try nest.agrees()
        // A message in its middle, one that moves its begin, one that moves its end.
        for seconds in [150.0, 90, 270] {
            try nest.send([(NestedTests.begin + seconds, ["din": .boolean(true), "load": .number(3)])])
            try nest.settle()
            try nest.agrees()
            #expect(try nest.intervals(0)[0].id == first.id)
            #expect(try nest.values(0, "note")[0] == .string("repaired"))
            #expect(try nest.values(0, "before")[1] == .string("repaired"))
        }
        // All of them are calculated anew.
        try nest.replace(0, Self.noting.replacing("\"noting\"", with: "\"noting 2\""))
        try nest.settle()
        try nest.agrees()
        #expect(try nest.values(0, "note")[0] == .string("repaired"))
        try nest.setFields(0, id: first.id, "note", .null)
        try nest.settle()
        #expect(try nest.values(0, "before")[1] == nil)
        try nest.agrees()
    }
}
