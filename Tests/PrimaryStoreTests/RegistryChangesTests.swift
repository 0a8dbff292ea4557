import Telemetry
import Testing

@testable import PrimaryStore

@Suite("Changes of the registry")
struct RegistryChangesTests {
    @Test("what has changed since a revision leads from there to the present, and tells what was undone nothing of")
    func changes() throws {
        let test = try TestStore()
        let a = try test.assignment("a")
        let before = try test.store.registry()
        let results = test.store.createDevices(
            ["b", "a", "c"].map { NewDevice(ident: $0, name: $0, json: "{}") })
        #expect(throws: StoreError.identInUse("a")) { try results[1].get() }
        let (b, c) = (try results[0].get().id, try results[2].get().id)
        let changes = try #require(try test.store.registryChanges(since: before.revision))
        #expect(changes.keys.devices == [b, c] && changes.keys.assignments.isEmpty)
        #expect(changes.devices.map(\.ident) == ["b", "c"] && changes.revision == test.store.registryRevision)
        try test.store.setAssignment(a.key, isEnabled: false)
        try test.store.deleteDevice(b, at: .zero)
        #expect(throws: StoreError.notFound("device \(b)")) { try test.store.deleteDevice(b, at: .zero) }
        let present = test.store.registryRevision
        #expect(test.store.registryKeys(after: changes.revision, upTo: present)?.devices == [b])
        try before.expectChanges(of: test.store, leadTo: try test.store.registry(), "at the end")
        #expect(try test.store.registryChanges(since: present)?.keys.count == 0)
    }

    @Test("a push changes nothing of the registry")
    func pushes() throws {
        let test = try TestStore()
        let a = try test.assignment()
        let revision = test.store.registryRevision
        _ = try test.store.push([a.push([])])[0].get()
        _ = try test.device("b")
        #expect(try test.store.registryChanges(since: revision)?.keys.assignments == [])
    }

    @Test("the oldest changes are forgotten, and those of a transaction that failed")
    func journal() {
        let journal = RegistryJournal(from: 10)
        var keys = RegistryKeys()
        func note(_ revision: Int64, _ count: Int) {
            keys.devices = Set((0..<count).map { DeviceID(revision * 1_000_000 + Int64($0)) })
            journal.note(keys, revision: revision)
        }
        note(20, 5)
        note(30, RegistryJournal.keyCountMax - 5)
        #expect(journal.keys(after: 9, upTo: 30) == nil && journal.keys(after: 10, upTo: 25)?.count == 5)
        #expect(journal.keys(after: 10, upTo: 30)?.count == RegistryJournal.keyCountMax)
        note(40, 1)
        #expect(journal.keys(after: 10, upTo: 40) == nil && journal.keys(after: 30, upTo: 40)?.count == 1)
        journal.forget(after: 30)
        note(40, 2)
        #expect(journal.keys(after: 20, upTo: 40)?.count == RegistryJournal.keyCountMax - 3)
        journal.note(nil, revision: 50)
        #expect(journal.keys(after: 40, upTo: 50) == nil && journal.keys(after: 50, upTo: 50)?.count == 0)
        note(60, RegistryJournal.keyCountMax + 1)
        #expect(journal.keys(after: 50, upTo: 60) == nil)
        journal.forget(after: 50)
        #expect(journal.keys(after: 50, upTo: 50)?.count == 0 && journal.keys(after: 40, upTo: 50) == nil)
    }

    @Test("after a start, and for who only reads, the registry is read as a whole")
    func limits() throws {
        let test = try TestStore()
        let key = AssignmentKey(calculator: try test.calculator(), device: try test.device("first"))
        _ = try test.store.assign([key], isEnabled: true, isAutoCreated: false)
        let old = test.store.registryRevision
        _ = try test.device("second")
        #expect(try test.store.registryChanges(since: old)?.keys.devices.count == 1)
        let reader = try SQLitePrimaryStore(folder: test.folder, mode: .readOnly)
        #expect(try reader.registryChanges(since: test.store.registryRevision) == nil)
        try test.reopen()
        #expect(try test.store.registryChanges(since: old) == nil)
        #expect(try test.store.registryChanges(since: test.store.registryRevision)?.keys.count == 0)
    }
}

extension RegistrySnapshot {
    /// That what the store says has changed since leads to what there is now, and says nothing only where more than
    /// devices, assignments and groups has.
    func expectChanges(
        of store: SQLitePrimaryStore, leadTo after: RegistrySnapshot, _ name: Comment
    ) throws {
        guard let changes = try store.registryChanges(since: revision) else {
            #expect(calculators != after.calculators || rest != after.rest, name)
            return
        }
        #expect(calculators == after.calculators && rest == after.rest, name)
        #expect(changes.revision == after.revision, name)
        let devices = self.devices.filter { !changes.keys.devices.contains($0.id) } + changes.devices
        #expect(Set(devices) == Set(after.devices) && devices.count == after.devices.count, name)
        let assignments =
            self.assignments.filter { !changes.keys.assignments.contains($0.key) } + changes.assignments
        #expect(Set(assignments) == Set(after.assignments) && assignments.count == after.assignments.count, name)
    }

    /// What is read as a whole when it changes, beside calculators.
    private var rest: [String] {
        entities.filter { $0.kind != .group }.map { "\($0)" }
            + links.filter { $0.kind == .calculatorGeofence }.map { "\($0)" } + assetIntervals.map { "\($0)" }
    }
}
