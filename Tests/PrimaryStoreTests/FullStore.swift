import Foundation
import MessageChunks
import PrimaryStore
import SQLiteClient
import Telemetry

/// A store with rows in every table, and everything that the API answers of it as one text.
struct FullStore {
    let test: TestStore
    let keys: [AssignmentKey]
    let asset: Int64

    var file: String { test.folder + "/primary.db" }

    /// Its file holds everything: it is closed and checkpointed.
    init() throws {
        let test = try TestStore()
        self.test = test
        let store = test.store
        let devices = try (0..<4).map { try test.device("device-\($0)") }
        let calculators = try (0..<2).map { _ in try test.calculator() }
        _ = try store.replaceCalculator(calculators[1], name: "stops", json: #"{"a":1}"#, expecting: nil)
        keys = devices.flatMap { device in
            calculators.map { AssignmentKey(calculator: $0, device: device) }
        }
        asset = try test.entity(.asset)
        _ = try store.assign(keys, isEnabled: true, isAutoCreated: false)
        let epochs = try store.claimAllSlots(owner: "worker", at: Timestamp(seconds: 77))
        try Self.fillRegistry(test, devices, calculators, asset)
        for device in devices {
            let slot = Slot(device: device)
            try Self.fillMessages(store, device, slot, epochs[slot] ?? 0)
        }
        for (number, key) in keys.enumerated() {
            let slot = Slot(device: key.device)
            let a = TestAssignment(key: key, slot: slot, epoch: epochs[slot] ?? 0)
            try Self.fillIntervals(store, a, revision: key.calculator == calculators[1] ? 2 : 1, number)
        }
        store.close()
    }

    private static func fillRegistry(
        _ test: TestStore, _ devices: [DeviceID], _ calculators: [CalculatorID], _ asset: Int64
    ) throws {
        let store = test.store
        let (group, geofence) = (try test.entity(.group), try test.entity(.geofence))
        _ = try store.link(
            [
                LinkRecord(kind: .groupDevice, from: group, to: devices[0].rawValue),
                LinkRecord(kind: .groupGeofence, from: group, to: geofence),
                LinkRecord(kind: .calculatorGroup, from: calculators[0].rawValue, to: group),
                LinkRecord(kind: .groupAsset, from: group, to: asset),
            ], at: .zero)
        _ = try store.overlayAssetIntervals(asset, [.make(asset, 1, 9, devices[0]), .make(asset, 20, nil, devices[1])])
        for name in ["replay.share", "replay.paused"] { try store.setSetting(name, "0.5") }
        let token = try store.createToken(name: "ci", kind: .master, expires: .distantFuture, at: .zero)
        _ = try store.createToken(name: "old", kind: .standard, expires: nil, at: .zero)
        try store.touchTokens([token.id], at: Timestamp(seconds: 3))
        for (name, second) in [("Ann", 5.0), ("", 9)] {
            _ = try store.replaceDevice(
                devices[2], ident: "device-2", name: "device-2", json: #"{"metadata":{"driver_name":"\#(name)"}}"#,
                expecting: nil, at: Timestamp(seconds: second))
        }
        let gone = try test.device("gone")
        let key = AssignmentKey(calculator: calculators[0], device: devices[3])
        let other = AssignmentKey(calculator: calculators[0], device: gone)
        _ = try store.assign([other], isEnabled: true, isAutoCreated: false)
        _ = try store.unassign([other], at: .zero)
        for (index, reason) in ApartReason.allCases.enumerated() {
            try store.keepApart([
                ApartMessage(
                    device: key.device, reason: reason, timestamp: Timestamp(seconds: Double(index)), accepted: .zero,
                    json: #"{"n":\#(index)}"#)
            ])
        }
    }

    private static func fillMessages(
        _ store: SQLitePrimaryStore, _ device: DeviceID, _ slot: Slot, _ epoch: Int64
    ) throws {
        let month: Int64 = 31 * 86_400
        for number in 0..<4 {
            let seconds = (0..<60).map { Int64(number) * month + $0 * 30 }
            _ = try store.append([
                LogAppend(device: device, batch: batch(store.parameters, seconds, parameter: "p\(number)"))
            ])
        }
        let chunks = (0..<4).map { (number: Int64) -> Seal.Chunk in
            let rows = batch(store.parameters, (0..<200).map { number * month + $0 * 20 })
            return Seal.Chunk(
                first: Timestamp(microseconds: number * month * 1_000_000),
                last: Timestamp(microseconds: (number * month + 199 * 20) * 1_000_000), count: 200,
                bytes: MessageChunk.encode(rows))
        }
        try store.seal(
            Seal(
                slot: slot, epoch: epoch, device: device, replaced: [], chunks: chunks,
                upTo: try store.readLog(device: device, after: 0).entries[0].position))
    }

    private static func fillIntervals(
        _ store: SQLitePrimaryStore, _ a: TestAssignment, revision: Int64, _ number: Int
    ) throws {
        let job = JobRecord(
            key: a.key, cause: "messages", rangeAsked: .seconds(1, 2), rangeRun: .seconds(0, 9), messageCount: 5,
            started: .zero, milliseconds: 1.5)
        let first = (0..<12).map {
            IntervalWrite.make(nil, Int64($0) * 100 + 10, Int64($0) * 100 + 50, isActive: $0 == 11)
        }
        _ = try store.push([a.push(first, revision: revision, at: 100, job: job)])[0].get()
        let second: [IntervalWrite] = [.make(2, 110, 155, value: 3), .make(5, 410, 460), .make(12, 1110, 1190)]
        _ = try store.push([a.push(deletes: [7], second, revision: revision, at: 200, job: job)])[0].get()
        _ = try store.setIntervalFields(
            slot: a.slot, epoch: a.epoch, key: a.key, id: 3, fields: [.init("note", .number(Double(number)))], at: .zero
        )
        if number == 0 { _ = try store.hold(job, slot: a.slot, epoch: a.epoch) }
        let horizon = Timestamp(seconds: 70)
        let change = AssignmentExpiry(
            key: a.key, basePosition: 7, horizon: horizon,
            state: HorizonState(calculatorRevision: revision, bytes: Array(repeating: 7, count: 300)),
            intervalsBefore: horizon)
        _ = try store.expire([
            Expiry(
                slot: a.slot, epoch: a.epoch, device: a.key.device, horizon: nil, assignments: [change],
                at: Timestamp(seconds: 300))
        ])[0].get()
        guard number % 2 == 1 else { return }
        _ = try store.expire([
            Expiry(
                slot: a.slot, epoch: a.epoch, device: a.key.device, horizon: horizon, assignments: [],
                at: Timestamp(seconds: 300))
        ])[0].get()
    }

    /// What a store of a folder answers, whatever is asked; throws if that or an audit says that anything is wrong.
    func auditedAnswers(_ folder: String) throws -> String {
        let store = try SQLitePrimaryStore(folder: folder)
        defer { store.close() }
        let text = try answers(store)
        let findings = try store.audit(slots: .all)
        if !findings.isEmpty { throw StoreError.corrupt(findings.joined(separator: "; ")) }
        return text
    }

    private func answers(_ store: SQLitePrimaryStore) throws -> String {
        var text = "\(store.lastPosition) \(store.parameters.names(from: 0)) \(try store.registry())\n"
        text += "\(try store.slotLeases()) \(try store.tokens()) \(try store.settings().sorted { $0.key < $1.key })\n"
        text +=
            "\(try store.jobs(nil, countMax: 999)) \(try store.heldJobs()) \(try store.damagedChunks(device: nil))\n"
        text += "\(try store.readLog(after: 0, slots: .all).entries) \(try store.pendingLog())\n"
        text += "\(try store.deviceDrivers(nil)) \(try MessageReader(store).readAll())\n"
        for device in Set(keys.map(\.device)).sorted(by: { $0.rawValue < $1.rawValue }) {
            text += "\(try store.archivedChunks(device: device, overlapping: .all))\n"
            text += "\(try store.archiveMark(device: device)) \(try store.horizon(device: device))\n"
            text += "\(try store.apartMessages(device: device, reason: nil, after: 0, countMax: 99))"
            text += "\(try store.apartCounts(device: device))\n"
            text += "\(try store.changes(slot: Slot(device: device), after: 0, countMax: 9999, withBodies: true))\n"
            text += "\(try store.readLog(device: device, after: 0).entries)"
        }
        for key in keys {
            text += "\(try store.intervals(key, IntervalQuery()))\n\(try store.intervalFields(key))\n"
            text += "\(try store.intervals(key, IntervalQuery(asOf: Timestamp(seconds: 150))))\n"
            text += "\(try store.intervals(key, IntervalQuery(range: .seconds(200, 600))))\n"
            text += "\(String(describing: try store.horizonState(key))) \(try store.jobs(key, countMax: 99))\n"
            text += "\(try store.calculatorHistory(key.calculator))\n"
        }
        return text
    }

    /// A copy of the store in a folder of its own, changed before it is looked at.
    func withCopy<Result>(_ change: (_ file: String) throws -> Void, _ body: (_ folder: String) throws -> Result) throws
        -> Result
    {
        let folder = NSTemporaryDirectory() + "/full-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.copyItem(atPath: file, toPath: folder + "/primary.db")
        try change(folder + "/primary.db")
        return try body(folder)
    }
}
