import PrimaryStore
import Telemetry
import Testing

@Suite("Registry, slots, tokens")
struct RegistryTests {
    @Test("an ident in use is refused by name, and ids are never used again")
    func identConflict() throws {
        let test = try TestStore()
        let a = try test.device("350")
        #expect(throws: StoreError.identInUse("350")) {
            try test.store.createDevice(ident: "350", name: "other", json: "{}")
        }
        let b = try test.device("351")
        #expect(throws: StoreError.identInUse("350")) {
            try test.store.replaceDevice(b, ident: "350", name: "", json: "{}", expecting: nil)
        }
        try test.store.deleteDevice(b, at: .zero)
        try test.reopen()
        let c = try test.device("351")
        #expect(c > b && b > a)
    }

    @Test("every change counts, of the entity and of the registry, and all of it survives")
    func revisions() throws {
        let test = try TestStore()
        let device = try test.device()
        let calculator = try test.calculator()
        let before = test.store.registryRevision
        let changed = try test.store.replaceCalculator(calculator, name: "stops", json: "[1]", expecting: 1)
        #expect(changed.revision == 2 && test.store.registryRevision == before + 1)
        #expect(throws: StoreError.revisionConflict("calculator \(calculator)", expected: 1, current: 2)) {
            try test.store.replaceCalculator(calculator, name: "x", json: "{}", expecting: 1)
        }
        let key = AssignmentKey(calculator: calculator, device: device)
        #expect(try test.store.assign([key, key], isEnabled: true, isAutoCreated: true).count == 1)
        try test.store.setAssignment(key, isEnabled: false)
        let storeID = test.store.storeID
        try test.reopen()
        #expect(test.store.storeID == storeID)
        let snapshot = try test.store.registry()
        #expect(snapshot.revision == test.store.registryRevision && snapshot.revision == before + 3)
        #expect(snapshot.devices.map(\.ident) == ["a"] && snapshot.calculators == [changed])
        #expect(snapshot.assignments.map(\.isEnabled) == [false] && snapshot.assignments[0].isAutoCreated)
        #expect(try test.store.calculatorHistory(calculator).map(\.json) == ["{}", "[1]"])
        #expect(throws: StoreError.notFound("calculator 99")) {
            try test.store.assign(
                [AssignmentKey(calculator: CalculatorID(99), device: device)], isEnabled: true, isAutoCreated: false)
        }
    }

    @Test("unassigning deletes the intervals and tells the feed; a new assignment goes on counting ids")
    func unassign() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = test.store.push([a.push([.make(nil, 1, 2), .make(nil, 3, 4)])])
        #expect(try test.store.unassign([a.key, a.key], at: Timestamp(seconds: 9)) == 1)
        #expect(try test.store.heldIntervals(a.key).isEmpty)
        let feed = try test.store.changes(slot: a.slot, after: 2, countMax: 9, withBodies: false)
        #expect(feed.map(\.operation) == [.deleted, .deleted] && feed.allSatisfy { $0.json?.isEmpty == false })
        #expect(test.store.push([a.push([])])[0] == .failure(.stale(a.key, reason: "not assigned any more")))
        _ = try test.store.assign([a.key], isEnabled: true, isAutoCreated: false)
        #expect(try test.store.push([a.push([.make(nil, 1, 2)])])[0].get().ids == [3])
    }

    @Test("deleting a device deletes everything of it", arguments: [true, false])
    func delete(device: Bool) throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = try test.store.append([LogAppend(device: a.key.device, batch: batch(test.store.parameters, [1]))])
        _ = test.store.push([a.push([.make(nil, 1, 2)])])
        if device {
            try test.store.deleteDevice(a.key.device, at: .zero)
            #expect(try test.store.pendingLog().isEmpty)
        } else {
            try test.store.deleteCalculator(a.key.calculator, at: .zero)
        }
        let feed = try test.store.changes(slot: a.slot, after: 0, countMax: 9, withBodies: true)
        #expect(feed.map(\.operation) == [.created, .deleted] && feed[0].json == nil)
        let snapshot = try test.store.registry()
        #expect(snapshot.assignments.isEmpty && snapshot.devices.isEmpty == device)
        #expect(snapshot.calculators.isEmpty == !device)
    }

    @Test("a claim raises every epoch by one and survives")
    func slots() throws {
        let test = try TestStore()
        let first = try test.store.claimAllSlots(owner: "a", at: .zero)
        try test.reopen()
        let second = try test.store.claimAllSlots(owner: "b", at: Timestamp(seconds: 5))
        #expect(first.count == 256 && second.allSatisfy { $0.value == (first[$0.key] ?? 0) + 1 })
        #expect(try test.store.heartBeat(owner: "a", at: .zero).isEmpty)
        #expect(try test.store.heartBeat(owner: "b", at: Timestamp(seconds: 7)) == .all)
        let lease = try test.store.slotLeases()[255]
        #expect(lease.owner == "b" && lease.heartBeat == Timestamp(seconds: 7) && lease.slot.rawValue == 255)
    }

    @Test("a token is found by its secret only, which is kept nowhere")
    func tokens() throws {
        let test = try TestStore()
        let made = try test.store.createToken(
            name: "ci", kind: .standard, expires: Timestamp(seconds: 100), at: Timestamp(seconds: 1))
        #expect(made.secret.count == 64 && made.secret.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        #expect(try test.store.token(secret: made.secret + "x") == nil)
        let found = try #require(try test.store.token(secret: made.secret))
        #expect(found.id == made.id && made.secret.hasPrefix(found.prefix))
        #expect(found.isValid(at: Timestamp(seconds: 99)) && !found.isValid(at: Timestamp(seconds: 100)))
        try test.store.touchTokens([made.id], at: Timestamp(seconds: 3))
        try test.store.revokeToken(made.id)
        let listed = try test.store.tokens()
        #expect(listed.count == 1 && listed[0].isRevoked && listed[0].lastUsed == Timestamp(seconds: 3))
        #expect(throws: StoreError.notFound("token 9")) { try test.store.revokeToken(9) }
    }

    @Test("a data folder has one holder at a time")
    func lock() throws {
        let test = try TestStore()
        func hold() throws {
            let lock = try DataFolderLock(folder: test.folder)
            #expect(throws: StoreError.locked(test.folder)) { _ = try DataFolderLock(folder: test.folder) }
            _ = consume lock
        }
        try hold()
        try hold()
    }

    @Test("a slot set holds what was put in")
    func slotSet() {
        let chosen = [0, 63, 64, 127, 128, 255].map { Slot(rawValue: $0) }
        var set = SlotSet(chosen)
        #expect(set.slots == chosen && set.count == 6)
        set.remove(chosen[3])
        #expect(!set.contains(chosen[3]) && set.count == 5 && SlotSet.all.count == 256)
    }
}
