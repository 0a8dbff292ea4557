import PrimaryStore
import Telemetry
import Testing
import TimeZones

@testable import CalcProcess

/// What expiry does to one device, case by case.
struct ExpiryCaseTests {
    private static let drives = #"""
        {"name":"drives","update_interval":1,"selectors":[{"type":"expression","expression":"on","max_inactive":900}],
        "counters":[{"name":"count","type":"expression","expression":"1","method":"summary"},
        {"name":"route","type":"route"}]}
        """#

    @Test("an interval that is open for longer than messages are kept goes on, its route too, and is marked")
    func openInterval() throws {
        let (kept, whole) = (try ExpiryRig(Self.drives, days: 2), try ExpiryRig(Self.drives, days: 0))
        for rig in [kept, whole] {
            for day in 0..<10 { try rig.send(hours: day * 24..<(day + 1) * 24) { _ in true } }
        }
        #expect(try kept.horizon > Timestamp.at(hour: 4 * 24) && kept.readableCount() < 6 * 144)
        let interval = try #require(try kept.texts().first)
        #expect(try kept.texts().count == 1 && interval.contains("\"continued\":true"))
        #expect(try [interval.replacing(",\"continued\":true", with: "")] == whole.texts())
        try kept.send(hours: 240..<242) { _ in false }
        try whole.send(hours: 240..<242) { _ in false }
        try kept.start()
        #expect(try kept.texts().map { $0.replacing(",\"continued\":true", with: "") } == whole.texts())
        try kept.verifies()
    }

    @Test("what ends before the horizon stays as it is when its calculator changes, and what follows does not")
    func frozen() throws {
        let rig = try ExpiryRig(Self.drives, days: 2)
        for day in 0..<8 { try rig.send(hours: day * 24..<(day + 1) * 24) { $0 % 4 < 2 } }
        let before = try rig.intervals()
        let horizon = try rig.marks().horizon
        #expect(before.count == 48 && horizon > .at(hour: 4 * 24))
        _ = try rig.base.store.replaceCalculator(
            rig.key.calculator, name: "c", json: Self.drives.replacing("\"count\"", with: "\"many\""), expecting: nil)
        try rig.settle()
        let after = try rig.intervals()
        let frozenCount = before.count { $0.end < horizon }
        #expect(frozenCount > 10 && after.count == before.count)
        for (old, new) in zip(before, after) {
            #expect(old.id == new.id && (old.json == new.json) == (old.end < horizon))
        }
        try rig.verifies()
    }

    @Test("intervals are deleted once they are older than they are kept, and the feed says so")
    func intervalsTTL() throws {
        let definition = Self.drives.replacing("{\"name\":\"drives\"", with: "{\"intervals_ttl\":259200")
        let rig = try ExpiryRig(definition, days: 0)
        for day in 0..<8 { try rig.send(hours: day * 24..<(day + 1) * 24) { $0 % 4 < 2 } }
        let intervals = try rig.intervals()
        #expect(intervals.allSatisfy { $0.end >= .at(hour: 5 * 24 - 1) } && intervals.count == 18)
        #expect(rig.base.board.metrics.intervalsExpired == 30)
        #expect(try rig.base.replayedFeed(rig.key) == Set(intervals.map(\.id)))
        #expect(try rig.readableCount() == 8 * 144, "messages are kept")
        try rig.verifies()
    }

    @Test("a message older than the horizon is counted, changes nothing and is not read")
    func late() throws {
        let rig = try ExpiryRig(Self.drives, days: 2)
        for day in 0..<6 { try rig.send(hours: day * 24..<(day + 1) * 24) { $0 % 4 < 2 } }
        let (texts, count) = (try rig.texts(), try rig.readableCount())
        let jobs = try rig.base.store.jobs(rig.key, countMax: 1_000).count
        try rig.append([(Timestamp.at(hour: 3).advanced(bySeconds: 1), true)])
        try rig.settle()
        #expect(rig.base.board.metrics.messagesExpired == 1)
        #expect(try rig.texts() == texts && rig.readableCount() == count)
        #expect(try rig.base.store.jobs(rig.key, countMax: 1_000).count == jobs)
        try rig.verifies()
    }

    @Test("the first interval of an assignment that was made later is cut at the horizon and marked")
    func madeLater() throws {
        let rig = try ExpiryRig(Self.drives, days: 2)
        for day in 0..<6 { try rig.send(hours: day * 24..<(day + 1) * 24) { _ in true } }
        let calculator = try rig.base.store.createCalculator(name: "later", json: Self.drives)
        let key = AssignmentKey(calculator: calculator.id, device: rig.key.device)
        _ = try rig.base.store.assign([key], isEnabled: true, isAutoCreated: false)
        try rig.settle()
        let interval = try #require(try rig.base.store.intervals(key, IntervalQuery()).first)
        #expect(try interval.begin >= rig.horizon && interval.begin > .at(hour: 24))
        #expect(String(decoding: interval.json, as: UTF8.self).hasSuffix("\"continued\":true}"))
        try rig.send(hours: 144..<240) { _ in true }
        try rig.verifies()
    }

    @Test("a disabled assignment holds messages back for one more time to live, and no longer")
    func disabled() throws {
        let rig = try ExpiryRig(Self.drives, days: 2)
        try rig.base.store.setAssignments([rig.key], isEnabled: false)
        for day in 0..<8 { try rig.send(hours: day * 24..<(day + 1) * 24) { $0 % 4 < 2 } }
        let horizon = try rig.horizon
        #expect(horizon > .at(hour: 3 * 24) && horizon <= .at(hour: 4 * 24))
        try rig.base.store.setAssignments([rig.key], isEnabled: true)
        try rig.settle()
        #expect(try rig.intervals().allSatisfy { $0.end >= horizon } && rig.intervals().count > 20)
        try rig.verifies()
    }

    @Test("messages of a device that nothing is assigned to expire as well")
    func unassigned() throws {
        let rig = try ExpiryRig(Self.drives, days: 2)
        _ = try rig.base.store.unassign([rig.key], at: rig.base.now)
        for day in 0..<8 { try rig.send(hours: day * 24..<(day + 1) * 24) { _ in true } }
        #expect(try rig.horizon > .at(hour: 5 * 24 - 1) && rig.readableCount() <= 3 * 144)
    }

    @Test("a silent device expires with the hours that pass")
    func silent() throws {
        let rig = try ExpiryRig(Self.drives, days: 2)
        for day in 0..<3 { try rig.send(hours: day * 24..<(day + 1) * 24) { $0 % 4 < 2 } }
        #expect(try rig.horizon == .distantPast)
        rig.base.now = .at(hour: 30 * 24)
        try rig.settle()
        #expect(try rig.horizon > .at(hour: 27 * 24) && rig.readableCount() == 0)
        #expect(try rig.intervals().count == 18, "intervals are kept")
        try rig.verifies()
    }

    @Test("what an asset still reads of a device is kept, and goes with the asset's own horizon")
    func asset() throws {
        let rig = try ExpiryRig(Self.drives, days: 2)
        let store = rig.base.store
        let asset = try store.createEntity(.asset, name: "trailer", json: "{}").id
        let interval = AssetInterval(
            asset: asset, begin: .at(hour: 0), end: nil, device: rig.key.device, json: "{}", timestamp: rig.base.now)
        _ = try store.overlayAssetIntervals(asset, [interval])
        let key = AssignmentKey(calculator: rig.key.calculator, device: DeviceID(asset: asset))
        _ = try store.assign([key], isEnabled: true, isAutoCreated: false)
        for day in 0..<10 {
            try rig.send(hours: day * 24..<(day + 1) * 24) { $0 % 4 < 2 }
            let marked = try store.assignment(key)?.marks.horizon ?? .distantPast
            #expect(try rig.horizon <= marked, "day \(day)")
        }
        #expect(try rig.horizon > .at(hour: 5 * 24))
        #expect(try store.intervals(key, IntervalQuery()).count == 60)
        try rig.verifies()
    }
}

/// One device with one calculator; what has expired is looked at in every round.
private final class ExpiryRig {
    let base: WorkerRig
    let key: AssignmentKey

    init(_ definition: String, days: Int) throws {
        base = try WorkerRig(now: .at(hour: 0), sealSeconds: 0) { setup in
            setup.expirySeconds = 0
            setup.expirySlackSeconds = 0
        }
        let device = try base.store.createDevice(
            ident: "one", name: "one", json: "{\"messages_ttl\":\(days * 86_400)}")
        let calculator = try base.store.createCalculator(name: "c", json: definition)
        key = AssignmentKey(calculator: calculator.id, device: device.id)
        _ = try base.store.assign([key], isEnabled: true, isAutoCreated: false)
        try settle()
    }

    var horizon: Timestamp { get throws { try base.store.horizon(device: key.device) } }

    func marks() throws -> AssignmentMarks { try base.store.assignment(key)?.marks ?? AssignmentMarks() }

    /// Messages every ten minutes, as they come.
    func send(hours: Range<Int>, isOn: (_ hour: Int) -> Bool) throws {
        try append(
            (hours.lowerBound * 6..<hours.upperBound * 6).map { index in
                (Timestamp.at(hour: 0).advanced(bySeconds: Double(index) * 600), isOn(index / 6))
            })
        base.now = .at(hour: hours.upperBound)
        try settle()
    }

    func append(_ messages: [(moment: Timestamp, isOn: Bool)]) throws {
        var builder = MessageBatchBuilder(table: base.store.parameters)
        for message in messages {
            let values: [(String, Value)] = [
                ("on", .boolean(message.isOn)), ("position.valid", .boolean(true)),
                ("position.latitude", .number(Double(message.moment.microseconds % 7_000_000_000) / 1e9)),
                ("position.longitude", .number(7)),
            ]
            for (name, value) in values {
                if let parameter = base.store.parameters.id(for: name) { builder.set(parameter, value) }
            }
            builder.finishMessage(timestamp: message.moment, acceptance: message.moment)
        }
        _ = try base.store.append([LogAppend(device: key.device, batch: builder.build())])
    }

    func settle() throws {
        for _ in 0..<4 {
            base.now = base.now.advanced(bySeconds: 6)
            try base.settle()
        }
    }

    /// Starts the workers anew, on the caches that are there.
    func start() throws {
        try base.start(workerCount: 1)
        try settle()
    }

    func intervals() throws -> [StoredInterval] { try base.store.intervals(key, IntervalQuery()) }

    func texts() throws -> [String] { try base.texts(key) }

    func readableCount() throws -> Int {
        var count = 0
        try MessageHistory(store: base.store).forEachBlock(device: key.device, range: .all) { block in
            count += block.count
            return true
        }
        return count
    }

    /// Notes every difference that a verification finds.
    func verifies(_ sourceLocation: SourceLocation = #_sourceLocation) throws {
        for difference in try base.verified() {
            Issue.record("\(difference.json.text)", sourceLocation: sourceLocation)
        }
    }
}

extension WorkerRig {
    /// What a verification of everything finds to be otherwise than it must be.
    func verified() throws -> [VerificationFinding] {
        let folder = folder
        var found: [VerificationFinding] = []
        var verification = try Verification(timeZones: TimeZoneDatabase(), now: now) { () throws(StoreError) in
            try SQLitePrimaryStore(folder: folder, mode: .readOnly)
        }
        try verification.run(Verification.Selection()) { found.append($0) }
        return found
    }
}

extension Timestamp {
    fileprivate static func at(hour: Int) -> Timestamp { Timestamp(seconds: 1_750_032_000 + Double(hour) * 3_600) }
}
