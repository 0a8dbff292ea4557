import FoundationEssentials
import PrimaryStore
import ReferenceBridge
import ReferenceEvaluator
import SeededRandom
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

    @Test(
        "an interval that is stored otherwise than its messages give it is named with the field", arguments: [0, 1e9])
    func altered(sealSeconds: Double) throws {
        let nest = try Self.simple(sealSeconds)
        let interval = try nest.intervals(0)[1]
        try Self.rewrite(interval, of: nest.keys[0], in: nest, "\"load\":7", "\"load\":8")
        let found = try verified(nest.rig)
        let finding = try #require(found.findings.first, "\(found.summary)")
        #expect(found.findings.count == 1 && finding.kind == .different && finding.key == nest.keys[0])
        #expect(finding.id == interval.id && finding.begin == interval.begin && finding.end == interval.end)
        let load = DifferentField(name: "load", stored: .number(8), calculated: .number(7))
        #expect(finding.fields.contains(load), "\(finding.fields)")
        #expect(found.summary.differenceCount == 1)
    }

    @Test("a field that came by itself, and an order that is another, are differences")
    func added() throws {
        let nest = try Self.simple()
        let interval = try nest.intervals(0)[0]
        try Self.rewrite(interval, of: nest.keys[0], in: nest, "\"count\"", "\"extra\":1,\"count\"")
        let fields = try verified(nest.rig).findings.flatMap(\.fields)
        #expect(fields.contains(DifferentField(name: "extra", stored: .number(1), calculated: nil)))
    }

    @Test("an interval that was deleted is missing, and one that was added is one too many")
    func missingAndExtra() throws {
        let nest = try Self.simple()
        let gone = try nest.intervals(0)[2]
        try Self.push(nest, nest.keys[0], deletes: [gone.id])
        let missing = try verified(nest.rig)
        #expect(missing.findings.map(\.kind) == [.missing], "\(missing.findings.map(\.json.text))")
        #expect(missing.findings[0].begin == gone.begin && missing.findings[0].calculated?["load"] == .number(2))
        var more = Self.write(gone, "load", "load")
        more.id = nil
        try Self.push(nest, nest.keys[0], upserts: [more])
        #expect(try verified(nest.rig).findings.isEmpty)
        more.firstOn = Timestamp(seconds: NestedTests.begin - 7_200)
        (more.begin, more.end) = (more.firstOn, more.firstOn)
        try Self.push(nest, nest.keys[0], upserts: [more])
        let extra = try verified(nest.rig)
        #expect(extra.findings.map(\.kind) == [.extra], "\(extra.findings.map(\.json.text))")
    }

    @Test(
        "a row that vanished is noticed, whether of intervals, chunks or the feed",
        arguments: ["intervals", "chunks", "feed"])
    func vanished(table: String) throws {
        let nest = try Self.simple(0)
        let row = table == "chunks" ? "device = 7" : "calc = 1 AND id = 3"
        try DamagedStore.run("DELETE FROM \(table) WHERE \(row)", in: nest.rig.folder)
        let found = try verified(nest.rig)
        #expect(found.summary.differenceCount > 0)
        #expect(found.findings.contains { $0.kind == .corrupt || $0.kind == .feed })
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

    @Test("a feed whose slot is damaged is named once, and verifying comes to an end")
    func damagedSlot() throws {
        let nest = try Self.simple()
        try DamagedStore.run("UPDATE slots SET rev = rev + 1099511627776 WHERE rev > 0", in: nest.rig.folder)
        let found = try verified(nest.rig)
        #expect(found.findings.contains { $0.kind == .corrupt && $0.text?.contains("slot") == true })
        #expect(found.findings.count < 10, "\(found.findings.map(\.json.text))")
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
        try Self.rewrite(interval, of: key, in: nest, "\"count\":", "\"count\":9")
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

    /// Writes something that its messages do not give, as a program with a bug would.
    private static func push(
        _ nest: NestedRig, _ key: AssignmentKey, deletes: [Int64] = [], upserts: [IntervalWrite] = []
    ) throws {
        let slot = Slot(device: key.device)
        let marks = try #require(try nest.rig.store.assignment(key)).marks
        let push = Push(
            slot: slot, epoch: try nest.rig.store.slotLeases()[Int(slot.rawValue)].epoch, key: key,
            calculatorRevision: marks.calculatorRevision, deletes: deletes, upserts: upserts, marks: marks,
            timestamp: nest.rig.now)
        for result in nest.rig.store.push([push]) { _ = try result.get() }
    }

    private static func write(_ interval: StoredInterval, _ old: String, _ new: String) -> IntervalWrite {
        let names = Set(((try? JSONValue(parsing: interval.json))?.members ?? []).map(\.key))
        let fixed: Set<String> = ["begin", "end", "duration", "id", "timestamp"]
        let plain = Interval(interval, counters: names.subtracting(fixed))
        let tail = String(decoding: plain.tail, as: UTF8.self).replacing(old, with: new)
        return IntervalWrite(
            id: interval.id, firstOn: interval.firstOn, begin: interval.begin, end: interval.end,
            isActive: interval.isActive, head: plain.head, tail: Array(tail.utf8),
            digest: tail == String(decoding: plain.tail, as: UTF8.self) ? interval.digest : interval.digest &+ 1)
    }

    private static func rewrite(
        _ interval: StoredInterval, of key: AssignmentKey, in nest: NestedRig, _ old: String, _ new: String
    ) throws {
        try push(nest, key, upserts: [write(interval, old, new)])
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
        var random = SeededGenerator(seed: given.seed &* 7 &+ 5)
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
