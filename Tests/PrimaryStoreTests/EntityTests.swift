import PrimaryStore
import Telemetry
import Testing

@Suite("Geofences, groups, assets")
struct EntityTests {
    @Test("entities of every kind are created, replaced and deleted, and their ids are never used again")
    func lifeCycle() throws {
        let test = try TestStore()
        let before = test.store.registryRevision
        let zone = try test.store.createEntity(.geofence, name: "depot", json: #"{"priority":1}"#)
        #expect(try test.entity(.group) == 1 && test.entity(.asset) == 1 && test.entity(.geofence) == 2)
        #expect(zone.id == 1 && zone.revision == 1 && test.store.registryRevision == before + 4)
        let changed = try test.store.replaceEntity(.geofence, 1, name: "yard", json: "{}", expecting: 1)
        #expect(changed.revision == 2)
        #expect(throws: StoreError.revisionConflict("geofence 1", expected: 1, current: 2)) {
            try test.store.replaceEntity(.geofence, 1, name: "x", json: "{}", expecting: 1)
        }
        #expect(throws: StoreError.notFound("asset 2")) { try test.store.deleteEntity(.asset, 2, at: .zero) }
        try test.store.deleteEntity(.geofence, 2, at: .zero)
        try test.reopen()
        let snapshot = try test.store.registry()
        #expect(snapshot.entities.map(\.kind) == [.asset, .geofence, .group] && snapshot.entities[1] == changed)
        #expect(snapshot.revision == before + 6 && test.store.registryRevision == before + 6)
        #expect(try test.entity(.geofence) == 3)
    }

    @Test("a link whose end is not there refuses the whole call")
    func linkEnds() throws {
        let test = try TestStore()
        let calculator = try test.calculator().rawValue
        let (zone, group) = (try test.entity(.geofence), try test.entity(.group))
        let good = LinkRecord(kind: .calculatorGeofence, from: calculator, to: zone)
        let revision = test.store.registryRevision
        let bad: [(LinkRecord, String)] = [
            (LinkRecord(kind: .calculatorGeofence, from: 9, to: zone), "calculator 9"),
            (LinkRecord(kind: .calculatorGroup, from: calculator, to: 9), "group 9"),
            (LinkRecord(kind: .groupDevice, from: group, to: 9), "device 9"),
            (LinkRecord(kind: .groupGeofence, from: group, to: 9), "geofence 9"),
            (LinkRecord(kind: .groupAsset, from: group, to: 9), "asset 9"),
        ]
        for (link, name) in bad {
            #expect(throws: StoreError.notFound(name)) { try test.store.link([good, link], at: .zero) }
        }
        #expect(try test.store.registry().links.isEmpty && test.store.registryRevision == revision)
        #expect(try test.store.link([good, good], at: .zero).addedLinks == [good])
        #expect(try test.store.link([good], at: .zero).isEmpty && test.store.registryRevision == revision + 1)
        #expect(try test.store.unlink([good, good], at: .zero).removedLinks == [good])
    }

    @Test("devices are created in one commit, and one that is refused leaves the others alone")
    func createDevices() throws {
        let test = try TestStore()
        let made = test.store.createDevices(
            ["a", "b", "a", "c"].map { NewDevice(ident: $0, name: $0, json: "{}") })
        #expect(made.map { try? $0.get().ident } == ["a", "b", nil, "c"])
        #expect(made[2] == .failure(.identInUse("a")))
        #expect(try test.store.registry().devices.map(\.ident) == ["a", "b", "c"])
        #expect(test.store.createDevices([]).isEmpty)
    }

    @Test("assignments are enabled and disabled together or not at all")
    func setAssignments() throws {
        let test = try TestStore()
        let (a, b) = (try test.assignment("a"), try test.assignment("b"))
        let revision = test.store.registryRevision
        try test.store.setAssignments([a.key, b.key], isEnabled: false)
        #expect(try test.store.registry().assignments.map(\.isEnabled) == [false, false])
        try test.store.setAssignments([a.key, b.key], isEnabled: false)
        #expect(test.store.registryRevision == revision + 1)
        let unknown = AssignmentKey(calculator: a.key.calculator, device: b.key.device)
        #expect(throws: StoreError.self) { try test.store.setAssignments([a.key, unknown], isEnabled: true) }
        #expect(try test.store.assignment(a.key)?.isEnabled == false)
    }

    @Test("a changed byte of an entity, a link or an asset's interval is told, by name")
    func corruption() throws {
        let test = try TestStore()
        let (asset, group) = (try test.entity(.asset), try test.entity(.group))
        _ = try test.store.link([LinkRecord(kind: .groupAsset, from: group, to: asset)], at: .zero)
        _ = try test.store.overlayAssetIntervals(asset, [.make(asset, 1, nil, try test.device())])
        func damage(_ change: String, _ repair: String, _ name: String) throws {
            try test.tamper(change)
            #expect(throws: StoreError.corrupt(name)) { try test.store.registry() }
            try test.tamper(repair)
            _ = try test.store.registry()
        }
        try damage(
            "UPDATE entities SET name = 'x' WHERE kind = 'group'", "UPDATE entities SET name = kind", "group 1")
        try damage(
            "UPDATE links SET auto_created = 1", "UPDATE links SET auto_created = 0", "link groupAsset from 1 to 1")
        try damage(
            "UPDATE asset_intervals SET end_at = 5000000", "UPDATE asset_intervals SET end_at = NULL",
            "interval of asset 1 at 1000000")
    }
}
