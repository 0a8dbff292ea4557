import Foundation
import PrimaryStore
import SQLiteClient
import Telemetry
import Testing

@Suite("Schema")
struct MigrationTests {
    private final class Folder {
        let path = NSTemporaryDirectory() + "/schema-\(UUID().uuidString)"

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    @Test("a store of schema 1 is opened with all it holds, and goes on with what came since")
    func schemaOne() throws {
        let folder = try Folder()
        try SchemaOneFixture.make(folder: folder.path)
        #expect(throws: StoreError.self) { try SQLitePrimaryStore(folder: folder.path, mode: .readOnly) }
        let store = try SQLitePrimaryStore(folder: folder.path)
        defer { store.close() }
        let snapshot = try store.registry()
        #expect(snapshot.revision == 5 && snapshot.devices.map(\.ident) == ["350", "351"])
        #expect(snapshot.entities.isEmpty && snapshot.links.isEmpty && snapshot.assetIntervals.isEmpty)
        let key = snapshot.assignments[0].key
        #expect(try store.calculatorHistory(key.calculator).count == 2 && store.jobs(key, countMax: 9).count == 1)
        #expect(try store.readLog(after: 0, slots: .all).entries.count == 1 && store.lastPosition == 1)
        let before = try store.intervals(key, IntervalQuery())
        #expect(before.map(\.id) == [1, 2] && before.map(\.calculatorRevision) == [0, 0])
        #expect(
            before.map { String(decoding: $0.json, as: UTF8.self) } == [
                #"{"begin":1,"end":5,"id":1,"timestamp":1000,"value":0}"#,
                #"{"begin":7,"end":9,"id":2,"timestamp":1000,"value":0}"#,
            ])
        #expect(try store.changes(slot: Slot(device: key.device), after: 0, countMax: 9, withBodies: true).count == 3)
        try goOn(store, key, before)
    }

    private func goOn(_ store: SQLitePrimaryStore, _ key: AssignmentKey, _ before: [StoredInterval]) throws {
        let slot = Slot(device: key.device)
        let epoch = try store.claimAllSlots(owner: "worker", at: .zero)[slot] ?? 0
        let a = TestAssignment(key: key, slot: slot, epoch: epoch)
        #expect(epoch == 2)
        _ = try store.push([a.push([.make(1, 1, 6), .make(2, 7, 9)], revision: 2, at: 2000)])[0].get()
        let after = try store.intervals(key, IntervalQuery())
        #expect(after.map(\.calculatorRevision) == [2, 2] && after[1].json == before[1].json)
        // The closed one was replaced; of the active one only the flag and the revision changed.
        let asked = IntervalQuery(asOf: Timestamp(seconds: 1500))
        #expect(try store.intervals(key, asked).map(\.json) == before.map(\.json))
        #expect(try store.intervals(key, IntervalQuery(asOf: Timestamp(seconds: 999))).isEmpty)
        #expect(try store.createEntity(.geofence, name: "depot", json: "{}").id == 1)
        #expect(store.registryRevision == 6)
    }

    @Test("a store of schema 2 gets a checksum and a total for all it holds, and its slot times")
    func schemaTwo() throws {
        let folder = try Folder()
        try SchemaTwoFixture.make(folder: folder.path)
        let store = try SQLitePrimaryStore(folder: folder.path)
        defer { store.close() }
        #expect(try store.audit(slots: .all) == [])
        let snapshot = try store.registry()
        let key = snapshot.assignments[0].key
        #expect(try store.heldIntervals(key).count == 2 && store.archiveMark(device: key.device) == 0)
        #expect(try store.jobs(key, countMax: 9).map(\.outcome) == [.done] && store.heldJobs().isEmpty)
        let tokens = try store.tokens()
        #expect(tokens.map(\.name) == ["ci"] && tokens[0].lastUsed == Timestamp(microseconds: 9))
        let accepted = try store.readLog(after: 0, slots: .all).entries[0].batch().acceptances
        let time = try store.slotTimes()[Int(Slot(device: key.device).rawValue)]
        #expect(accepted == [time.microseconds])
        #expect(try store.slotTimes().filter { $0 == .distantPast }.count == 255)
        #expect(try store.horizon(device: key.device) == .distantPast && store.settings().isEmpty)
        let other = AssignmentKey(calculator: key.calculator, device: snapshot.devices[1].id)
        let made = try store.assign([other], isEnabled: true, isAutoCreated: false)
        #expect(made[0].marks.lastIntervalID == 41)
        #expect(try store.createEntity(.geofence, name: "depot", json: "{}").id == 7)
        #expect(try store.audit(slots: .all) == [])
    }

    @Test("a store of schema 3 knows the drivers of its devices since ever, and its messages are found")
    func schemaThree() throws {
        let full = try FullStore()
        let expected = try full.auditedAnswers(full.test.folder)
        try SchemaThreeFixture.make(of: full.test.folder)
        let store = try SQLitePrimaryStore(folder: full.test.folder)
        // The last name was blank; the one before it is not known any more.
        #expect(try store.deviceDrivers(nil).isEmpty)
        let device = try store.registry().devices[0]
        let json = #"{"metadata":{"driver_name":"Ann"}}"#
        _ = try store.replaceDevice(device.id, ident: device.ident, name: device.name, json: json, expecting: nil)
        store.close()
        try SchemaThreeFixture.make(of: full.test.folder)
        let again = try SQLitePrimaryStore(folder: full.test.folder)
        defer { again.close() }
        let drivers = [DeviceDriver(device: device.id, from: .distantPast, name: "Ann")]
        #expect(try again.deviceDrivers(nil) == drivers && again.audit(slots: .all) == [])
        let messages = try MessageReader(again).readAll().joined(separator: "\", \"")
        #expect(expected.contains(messages) && messages.count > 1000)
    }

    @Test("a file that a newer program made is refused")
    func newer() throws {
        let test = try TestStore()
        try test.tamper("PRAGMA user_version = 99")
        #expect(throws: StoreError.self) { try test.reopen() }
        #expect(throws: StoreError.self) { try SQLitePrimaryStore(folder: test.folder, mode: .readOnly) }
    }
}
