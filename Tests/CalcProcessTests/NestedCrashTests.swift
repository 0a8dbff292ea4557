import FoundationEssentials
import PrimaryStore
import ReferenceBridge
import SeededRandom
import StoreSupport
import ReferenceEvaluator
import Telemetry
import Testing

@testable import CalcProcess

/// A worker that ends between any two steps loses no change on its way to those who read it.
struct NestedCrashTests {
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 40
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    /// What makes the source calculate.
    enum Trigger: CaseIterable {
        case messages, lateMessage, edit, geofence, fields, timer, unassigned, assigned, asked
    }

    static let source = """
        {"name":"source","update_delay":1,"selectors":[{"type":"expression","expression":"din","min_active":0,\
        "max_inactive":300}],"counters":[{"name":"load","type":"expression","expression":"$load","method":"maximum"},\
        {"name":"place","type":"expression","expression":"geofence()","method":"last"},\
        {"name":"noted","type":"interval","expression":"previous('note')"},{"name":"open","type":"active"}]}
        """
    static let reader = """
        {"name":"reader","update_delay":1,"selectors":[{"type":"datetime"}],"counters":[{"name":"drives","type":"calc",\
        "calc_id":1,"method":"each","fields":["load","place","noted","open","begin","end"]}]}
        """
    static let inside = """
        {"name":"inside","update_delay":1,"selectors":[{"type":"calc","calc_id":1,"min_active":0,\
        "validate_interval":"load > 2 || noted == 1"}],"counters":[]}
        """

    private func nest() throws -> NestedRig {
        let nest = try NestedRig(
            [Self.source, Self.reader, Self.inside], geofences: [NestedGeofenceTests.circle("a", 50)], assigned: [[1]])
        let messages = NestedTests.messages("11.......37........22.......9.......4").map { seconds, values in
            let place: [String: RefValue] = ["position.latitude": .number(50), "position.longitude": .number(0)]
            return (seconds, values.merging(place) { $1 })
        }
        nest.rig.now = Timestamp(seconds: NestedTests.begin + 2_200)
        try nest.send(messages)
        for _ in 0..<8 {
            nest.rig.now = nest.rig.now.advanced(bySeconds: 2)
            try nest.rig.settle()
        }
        return nest
    }

    private func pull(_ trigger: Trigger, _ nest: NestedRig) throws {
        switch trigger {
        case .messages: try nest.send([(NestedTests.begin + 2_225, ["din": .boolean(true), "load": .number(8)])])
        case .lateMessage: try nest.send([(NestedTests.begin + 400, ["din": .boolean(true), "load": .number(8)])])
        case .edit:
            try nest.replace(0, Self.source.replacing("\"expression\":\"din\"", with: "\"expression\":\"$load > 2\""))
        case .geofence:
            let json = NestedGeofenceTests.circle("b", 50)
            _ = try nest.rig.store.replaceEntity(.geofence, 1, name: "b", json: json, expecting: nil)
        case .fields: try nest.setFields(0, id: try nest.intervals(0)[1].id, "note", .number(1))
        case .timer: nest.rig.now = Timestamp(seconds: NestedTests.begin + 2_700)
        case .unassigned: _ = try nest.rig.store.unassign([nest.keys[0]], at: nest.rig.now)
        case .assigned:
            _ = try nest.rig.store.unassign([nest.keys[0]], at: nest.rig.now)
            try nest.settle()
            _ = try nest.rig.store.assign([nest.keys[0]], isEnabled: true, isAutoCreated: false)
        case .asked: _ = try nest.worker.round([.recalculate(nest.keys[0], .all)])
        }
    }

    @Test(
        "a crash between the push of a source and its settling loses nothing",
        arguments: Trigger.allCases, [0, 1, 2])
    func crashAfterPush(_ trigger: Trigger, _ passedCount: Int) throws {
        let nest = try nest()
        try nest.agrees()
        try pull(trigger, nest)
        var passed = 0
        nest.rig.hooks.afterPush = { results in
            passed += 1
            return passed > passedCount ? results.map { _ in .failure(.failed("crash")) } : results
        }
        let isCrashed = (try? nest.settle()) == nil
        nest.rig.hooks.afterPush = nil
        #expect(isCrashed == (passed > passedCount) && passed > 0)
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        try nest.agrees()
    }

    @Test("random nests come to the same whatever call of the store a worker ends at")
    func randomCrashes() throws {
        var crashCount = 0
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            let given = Generator.wholeCase(seed: seed)
            guard given.messages.count > 1, given.messages.count < 200 else { continue }
            let run = try CrashRun(given)
            let difference = try run.difference()
            crashCount += run.crashCount
            guard let difference else { continue }
            let definitions = given.calculators.map { "\($0.id): \($0.json)" }.joined(separator: "\n")
            Issue.record("seed \(seed): \(difference)\n\(definitions)")
            return
        }
        #expect(crashCount > Int(Self.caseCount) / 8)
    }
}

/// One random life of a nest whose workers end at random calls of the store, some of them after a push has been
/// written.
private final class CrashRun {
    private let given: GeneratedCase
    private let nest: NestedRig
    private var random: SeededGenerator
    private var callsLeft = 0
    private(set) var crashCount = 0

    init(_ given: GeneratedCase) throws {
        self.given = given
        random = SeededGenerator(seed: given.seed &* 11 &+ 5)
        var geofences: [String] = []
        var assigned: [[Int64]] = []
        for calculator in given.calculators {
            let own = try JSONValue(parsing: calculator.geofencesJSON).arrayValue ?? []
            assigned.append(own.indices.map { Int64(geofences.count + $0 + 1) })
            geofences += own.enumerated().map { index, entity in
                var copy = entity
                copy["id"] = .number(Double(geofences.count + index + 1))
                return copy.text
            }
        }
        nest = try NestedRig(
            given.calculators.map(\.json), geofences: geofences, assigned: assigned, metadata: given.metadataJSON,
            stateSpacing: random.pick([1, 3, 20]), workerCount: 1, sealSeconds: random.pick([0, 30, 1e9]))
        nest.rig.now = Timestamp(microseconds: given.nowMicroseconds).advanced(bySeconds: -100_000)
    }

    func difference() throws -> String? {
        for batch in MessageBatch(given.rawMessages, nest.rig.store.parameters).shuffledBatches(&random) {
            try nest.send(batch)
            for _ in 0..<random.pick([1, 4]) {
                nest.rig.now = nest.rig.now.advanced(bySeconds: random.pick([0, 1, 11, 70]))
                try live()
            }
            if Int.random(in: 0..<20, using: &random) == 0 { try edit() }
        }
        nest.rig.now = Timestamp(microseconds: given.nowMicroseconds)
        nest.rig.hooks.before = nil
        nest.rig.hooks.afterPush = nil
        try nest.rig.settle()
        for _ in given.calculators {
            for key in nest.keys {
                let end = TimeRange(lower: .distantFuture, upper: .distantFuture)
                _ = try nest.worker.round([.recalculate(key, end)])
                try nest.rig.settle()
            }
        }
        return try nest.difference().map { "\($0)\nafter \(crashCount) crashes" }
    }

    /// Runs the workers, and starts them anew where they end.
    private func live() throws {
        callsLeft = Int.random(in: 0..<20, using: &random)
        nest.rig.hooks.before = { [weak self] _, _ throws(StoreError) in
            guard let self else { return }
            callsLeft -= 1
            if callsLeft == 0 { throw .failed("crash") }
        }
        nest.rig.hooks.afterPush = { [weak self] results in
            guard let self, Int.random(in: 0..<4, using: &random) == 0 else { return results }
            return results.map { _ in .failure(.failed("crash")) }
        }
        while true {
            do { return try nest.rig.settle() } catch {
                crashCount += 1
                nest.rig.hooks.before = nil
                try nest.rig.start(workerCount: 1)
            }
        }
    }

    private func edit() throws {
        let place = Int.random(in: 0..<given.calculators.count, using: &random)
        let other = "{\"name\":\"other\",\"selectors\":[{\"type\":\"datetime\"}],\"counters\":[]}"
        try nest.replace(place, other)
        if Bool.random(using: &random) { try live() }
        try nest.replace(place, given.calculators[place].json)
    }
}
