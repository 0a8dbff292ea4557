import FoundationEssentials
import PrimaryStore
import ReferenceEvaluator
import Telemetry
import Testing
import TimeZones

@testable import CalcProcess

/// A verification finds what is not what the messages give, names it, and finds nothing else.
struct VerificationTests {
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 25
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    @Test("the store that a random nest leaves verifies clean, sealed or not, and with one worker or two")
    func clean() throws {
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            let given = Generator.wholeCase(seed: seed)
            guard !given.messages.isEmpty else { continue }
            let nest = try Self.nest(given)
            let found = try verified(nest.rig)
            let definitions = given.calculators.map { "\($0.id): \($0.json)" }.joined(separator: "\n")
            #expect(
                found.findings.isEmpty,
                "seed \(seed): \(found.findings.prefix(3).map(\.json.text))\n\(definitions)")
            #expect(found.summary.assignmentCount == given.calculators.count)
            let stored = try nest.keys.map { try nest.rig.store.heldIntervals($0).count }.reduce(0, +)
            #expect(found.summary.intervalCount == stored)
            guard found.findings.isEmpty else { return }
        }
    }

    @Test("an interval whose text was changed, with a right checksum, is named with the field", arguments: [0, 1e9])
    func altered(sealSeconds: Double) throws {
        let nest = try Self.simple(sealSeconds)
        let interval = try nest.intervals(0)[1]
        try DamagedStore.rewrite(interval, of: nest.keys[0], in: nest.rig.folder, "\"load\":7", "\"load\":8")
        let found = try verified(nest.rig)
        let finding = try #require(found.findings.first, "\(found.summary)")
        #expect(found.findings.count == 1 && finding.kind == .different && finding.key == nest.keys[0])
        #expect(finding.id == interval.id && finding.begin == interval.begin && finding.end == interval.end)
        #expect(finding.fields == [DifferentField(name: "load", stored: .number(8), calculated: .number(7))])
        #expect(found.summary.differenceCount == 1)
    }

    @Test("a field that came by itself, and an order that is another, are differences")
    func added() throws {
        let nest = try Self.simple()
        let interval = try nest.intervals(0)[0]
        try DamagedStore.rewrite(interval, of: nest.keys[0], in: nest.rig.folder, "\"count\"", "\"extra\":1,\"count\"")
        let fields = try verified(nest.rig).findings.flatMap(\.fields)
        #expect(fields == [DifferentField(name: "extra", stored: .number(1), calculated: nil)])
    }

    @Test("a row that vanished is missing from the intervals, and the feed tells of it")
    func vanished() throws {
        let nest = try Self.simple()
        let gone = try nest.intervals(0)[2]
        try DamagedStore.run("DELETE FROM intervals WHERE calc = 1 AND id = \(gone.id)", in: nest.rig.folder)
        let found = try verified(nest.rig)
        #expect(found.findings.map(\.kind) == [.missing, .feed], "\(found.findings.map(\.json.text))")
        #expect(found.findings[0].begin == gone.begin && found.findings[0].calculated?["load"] == .number(2))
        #expect(found.findings[1].id == gone.id)
    }

    @Test("messages that vanished leave an interval that nothing gives")
    func extra() throws {
        let nest = try Self.simple(0)
        try DamagedStore.run("DELETE FROM chunks", in: nest.rig.folder)
        let found = try verified(nest.rig, calculator: 1)
        #expect(found.findings.map(\.kind) == Array(repeating: .extra, count: try nest.intervals(0).count))
    }

    @Test("a feed row that vanished is noticed")
    func feedRow() throws {
        let nest = try Self.simple()
        let id = try nest.intervals(0)[0].id
        try DamagedStore.run("DELETE FROM feed WHERE calc = 1 AND id = \(id)", in: nest.rig.folder)
        let found = try verified(nest.rig)
        #expect(found.findings.map(\.kind) == [.feed] && found.findings.first?.id == id)
    }

    @Test("an id above the last one given is noticed")
    func lastID() throws {
        let nest = try Self.simple()
        let record = try #require(try nest.rig.store.assignment(nest.keys[0]))
        try DamagedStore.setLastID(2, of: record, in: nest.rig.folder)
        let found = try verified(nest.rig)
        #expect(!found.findings.isEmpty && found.findings.allSatisfy { $0.kind == .feed && ($0.id ?? 0) > 2 })
    }

    @Test(
        "a flipped bit is found wherever it is",
        arguments: [
            ("chunks", "bytes", "first = (SELECT MAX(first) FROM chunks)", "chunk"),
            ("log", "bytes", "position = (SELECT MAX(position) FROM log)", "log batch"),
            ("intervals", "json", "calc = 1 AND id = 2", "interval 2"),
        ])
    func flippedBit(table: String, column: String, condition: String, name: String) throws {
        let nest = try Self.simple(table == "log" ? 1e9 : 0)
        try DamagedStore.flipBit(in: table, column: column, where: condition, folder: nest.rig.folder)
        let found = try verified(nest.rig)
        #expect(found.findings.map(\.kind) == [.corrupt], "\(found.findings.map(\.json.text))")
        #expect(found.findings.first?.text?.contains(name) == true, "\(found.findings.map(\.json.text))")
    }

    @Test("a damaged feed row is named, and the rows behind it are read")
    func damagedFeed() throws {
        let nest = try Self.simple()
        try DamagedStore.run("UPDATE feed SET end_at = end_at + 1 WHERE rev = 2", in: nest.rig.folder)
        let found = try verified(nest.rig)
        #expect(found.findings.contains { $0.kind == .corrupt && $0.text?.contains("feed row 2") == true })
        let rows = try nest.keys.map { try nest.rig.store.heldIntervals($0).count }.reduce(0, +)
        #expect(found.summary.feedRowCount >= rows - 1)
    }

    @Test("what is due to be calculated is pending, with the number of differences, until it is done")
    func pending() throws {
        let nest = try Self.simple()
        try nest.send(NestedTests.messages("..8.9..", from: NestedTests.begin + 7_200))
        let found = try verified(nest.rig)
        #expect(!found.findings.isEmpty && found.findings.allSatisfy { $0.kind == .pending })
        #expect(found.findings.first?.count == 2 && found.summary.differenceCount == 0)
        try nest.settle()
        #expect(try verified(nest.rig).findings.isEmpty)
    }

    @Test("a changed calculator is pending until it is applied, and so is what reads it")
    func pendingRevision() throws {
        let nest = try Self.simple()
        try nest.replace(0, NestedTests.drives.replacing("\"maximum\"", with: "\"minimum\""))
        let found = try verified(nest.rig)
        #expect(found.findings.map(\.kind) == [.pending, .pending], "\(found.findings.map(\.json.text))")
        try nest.settle()
        #expect(try verified(nest.rig).findings.isEmpty)
    }

    @Test("a timer that ran out while nothing ran is pending, and done once it has run")
    func timer() throws {
        let json = """
            {"name":"drives","update_delay":1,"selectors":[{"type":"expression","expression":"din","min_active":0,\
            "max_inactive":3600}],"counters":[{"name":"active","type":"active"}]}
            """
        let nest = try NestedRig([json])
        nest.rig.now = Timestamp(seconds: NestedTests.begin + 700)
        try nest.send(NestedTests.messages("..11111"))
        try nest.settle()
        #expect(try nest.intervals(0).map(\.isActive) == [true])
        nest.rig.now = nest.rig.now.advanced(bySeconds: 9_000)
        let found = try verified(nest.rig)
        #expect(found.findings.map(\.kind) == [.pending] && found.findings.first?.text?.contains("timers") == true)
        try nest.settle()
        #expect(try nest.intervals(0).map(\.isActive) == [false])
        #expect(try verified(nest.rig).findings.isEmpty)
    }

    @Test("fields that people add are no difference, and what reads them is calculated with them")
    func customFields() throws {
        let nest = try NestedRig([NestedInputTests.noting])
        try nest.send(NestedTests.messages("..111..222..33..4."))
        try nest.settle()
        try nest.setFields(0, id: try nest.intervals(0)[0].id, "note", .number(4))
        try nest.settle()
        #expect(try nest.values(0, "before")[1] == .number(4))
        #expect(try verified(nest.rig).findings.isEmpty)
    }

    @Test("an asset verifies over the stretches of its devices, and a change of its intervals is found")
    func asset() throws {
        let nest = try Self.simple()
        let asset = try nest.rig.store.createEntity(.asset, name: "asset", json: "{}").id
        let stretch = AssetInterval(
            asset: asset, begin: Timestamp(seconds: NestedTests.begin + 240), end: Timestamp(seconds: 1_700_007_900),
            device: nest.device, json: "{}", timestamp: nest.rig.now)
        _ = try nest.rig.store.overlayAssetIntervals(asset, [stretch])
        let key = AssignmentKey(calculator: nest.ids[0], device: DeviceID(asset: asset))
        _ = try nest.rig.store.assign([key], isEnabled: true, isAutoCreated: false)
        try nest.settle()
        #expect(try verified(nest.rig).findings.isEmpty)
        let interval = try #require(try nest.rig.store.intervals(key, IntervalQuery()).first)
        try DamagedStore.rewrite(interval, of: key, in: nest.rig.folder, "\"count\":", "\"count\":9")
        let found = try verified(nest.rig, device: key.device)
        #expect(found.findings.map(\.kind) == [.different] && found.findings.first?.key == key)
        #expect(found.findings.first?.json["asset_id"]?.integerValue == asset)
    }

    @Test("a verification that is told to stop stops, and says so")
    func stopped() throws {
        let nest = try Self.simple()
        var verification = try Verification(timeZones: TimeZoneDatabase(), now: nest.rig.now) { nest.rig.store }
        verification.mayGoOn = { _ in false }
        try verification.run(Verification.Selection()) { _ in }
        #expect(verification.isCut)
    }

    // MARK: Rigs

    private struct Found {
        var findings: [VerificationFinding] = []
        var summary = VerificationSummary()
    }

    /// Opens the store for reading only, beside the workers.
    private func verified(
        _ rig: WorkerRig, device: DeviceID? = nil, calculator: Int64? = nil
    ) throws -> Found {
        let folder = rig.folder
        var found = Found()
        var verification = try Verification(timeZones: TimeZoneDatabase(), now: rig.now) {
            () throws(StoreError) in try SQLitePrimaryStore(folder: folder, mode: .readOnly)
        }
        let selection = Verification.Selection(device: device, calculator: calculator.map { CalculatorID($0) })
        try verification.run(selection) { found.findings.append($0) }
        found.summary = verification.summary
        return found
    }

    /// Some drives, and the days that read them.
    private static func simple(_ sealSeconds: Double = 1e9) throws -> NestedRig {
        let nest = try NestedRig([NestedTests.drives, NestedTests.days], sealSeconds: sealSeconds)
        try nest.send(NestedTests.messages("..373..57..212..9.22.."))
        try nest.settle()
        return nest
    }

    /// A random nest after its life: batches in any order, sealed in between or not.
    private static func nest(_ given: GeneratedCase) throws -> NestedRig {
        var random = SplitMix64(seed: given.seed &* 7 &+ 5)
        var geofences: [String] = []
        let assigned = try given.calculators.map { calculator in
            try (JSONValue(parsing: calculator.geofencesJSON).arrayValue ?? []).map { geofence in
                geofences.append(geofence.text)
                return Int64(geofences.count)
            }
        }
        let nest = try NestedRig(
            given.calculators.map(\.json), geofences: geofences, assigned: assigned, metadata: given.metadataJSON,
            stateSpacing: random.pick([1, 20, 2_048]), workerCount: random.pick([1, 2]),
            sealSeconds: random.pick([0, 30, 1e9]))
        nest.rig.now = Timestamp(microseconds: given.nowMicroseconds)
        let whole = MessageBatch(given.rawMessages, nest.rig.store.parameters)
        for batch in whole.shuffledBatches(&random) {
            try nest.send(batch)
            if Int.random(in: 0..<4, using: &random) == 0 { try nest.settle() }
        }
        try nest.settle()
        return nest
    }
}
