import PrimaryStore
import SeededRandom
import Telemetry
import Testing

@Suite("Groups and what they imply")
struct GroupTests {
    @Test("a group taken away ends the assignments that it alone implied, with intervals, versions and fields")
    func unlink() throws {
        let test = try TestStore()
        let a = try test.assignment()
        let other = try test.device("b")
        let group = try test.entity(.group)
        let links = [
            LinkRecord(kind: .calculatorGroup, from: a.key.calculator.rawValue, to: group),
            LinkRecord(kind: .groupDevice, from: group, to: a.key.device.rawValue),
            LinkRecord(kind: .groupDevice, from: group, to: other.rawValue),
        ]
        let made = try test.store.link(links, at: .zero)
        let implied = AssignmentKey(calculator: a.key.calculator, device: other)
        #expect(made.addedLinks == links && made.addedAssignments.map(\.key) == [implied])
        #expect(made.addedAssignments.allSatisfy { $0.isAutoCreated && $0.isEnabled })
        let epochs = try test.store.claimAllSlots(owner: "worker", at: .zero)
        let b = TestAssignment(key: implied, slot: Slot(device: other), epoch: epochs[Slot(device: other)] ?? 0)
        _ = try test.store.push([b.push([.make(nil, 1, 2)], at: 1)])[0].get()
        _ = try test.store.push([b.push([.make(1, 1, 3)], at: 2)])[0].get()
        _ = try test.store.setIntervalFields(
            slot: b.slot, epoch: b.epoch, key: b.key, id: 1, fields: [.init("note", .number(1))], at: .zero)
        #expect(try test.count("interval_versions") == 1 && test.count("interval_fields") == 1)
        let change = try test.store.unlink([links[0]], at: Timestamp(seconds: 5))
        #expect(change.removedLinks == [links[0]] && change.removedAssignments == [implied])
        for table in ["intervals", "interval_versions", "interval_fields"] {
            #expect(try test.count(table) == 0, "\(table)")
        }
        let feed = try test.store.changes(slot: b.slot, after: 0, countMax: 9, withBodies: false)
        #expect(feed.last?.operation == .deleted && feed.last?.timestamp == Timestamp(seconds: 5))
        // What a person made stays, and ids go on counting.
        #expect(try test.store.registry().assignments.map(\.key) == [a.key])
        _ = try test.store.link([links[0]], at: .zero)
        #expect(try test.store.push([b.push([.make(nil, 1, 2)])])[0].get().ids == [2])
    }

    @Test("an asset's stream is assigned and ended like a device")
    func assets() throws {
        let test = try TestStore()
        let (calculator, asset) = (try test.calculator(), try test.entity(.asset))
        let key = AssignmentKey(calculator: calculator, device: DeviceID(asset: asset))
        #expect(key.device.assetID == asset && DeviceID(7).assetID == nil)
        _ = try test.store.assign([key], isEnabled: true, isAutoCreated: false)
        #expect(throws: StoreError.notFound("asset 9")) {
            try test.store.assign(
                [AssignmentKey(calculator: calculator, device: DeviceID(asset: 9))], isEnabled: true,
                isAutoCreated: false)
        }
        let slot = Slot(device: key.device)
        let epoch = try test.store.claimAllSlots(owner: "worker", at: .zero)[slot] ?? 0
        let a = TestAssignment(key: key, slot: slot, epoch: epoch)
        _ = try test.store.push([a.push([.make(nil, 1, 2)])])[0].get()
        try test.store.deleteEntity(.asset, asset, at: .zero)
        #expect(try test.store.registry().assignments.isEmpty && test.count("intervals") == 0)
        #expect(try test.store.changes(slot: slot, after: 0, countMax: 9, withBodies: false).count == 2)
    }

    @Test(
        "groups imply exactly what a slow reference says, whatever is linked, assigned and deleted in what order",
        arguments: 1...6 as ClosedRange<UInt64>)
    func reference(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let test = try TestStore()
        var model = try GroupModel(test)
        for step in 0..<150 {
            let before = try test.store.registry()
            let change = try model.step(test, &random)
            let after = try test.store.registry()
            let name: Comment = "seed \(seed), step \(step)"
            #expect(Set(after.links) == model.links, name)
            #expect(after.links.count == model.links.count, name)
            #expect(
                Dictionary(uniqueKeysWithValues: after.assignments.map { ($0.key, $0.isAutoCreated) })
                    == model.assignments, name)
            let isChanged =
                before.links != after.links || before.assignments != after.assignments
                || before.entities != after.entities || before.calculators != after.calculators
                || before.devices != after.devices
            #expect((after.revision > before.revision) == isChanged, name)
            try before.expectChanges(of: test.store, leadTo: after, name)
            guard let change else { continue }
            #expect(change.endsFit(before, after), name)
        }
    }
}

extension LinkChange {
    /// Whether it tells the difference of two moments, but for who made what.
    fileprivate func endsFit(_ before: RegistrySnapshot, _ after: RegistrySnapshot) -> Bool {
        func ends(_ links: [LinkRecord]) -> Set<LinkRecord> {
            Set(links.map { LinkRecord(kind: $0.kind, from: $0.from, to: $0.to) })
        }
        let (old, new) = (Set(before.assignments.map(\.key)), Set(after.assignments.map(\.key)))
        return ends(addedLinks) == ends(after.links).subtracting(ends(before.links))
            && ends(removedLinks) == ends(before.links).subtracting(ends(after.links))
            && Set(addedAssignments.map(\.key)) == new.subtracting(old)
            && Set(removedAssignments) == old.subtracting(new)
            && Set(removedAssignments).count == removedAssignments.count
    }
}

/// What groups imply, found by trying every triple.
private struct GroupModel {
    private var calculators: [Int64] = []
    private var devices: [Int64] = []
    private var entities: [EntityKind: [Int64]] = [:]
    private var linksByHand: Set<LinkRecord> = []
    private var assignmentsByHand: Set<AssignmentKey> = []

    init(_ test: TestStore) throws {
        for index in 0..<3 {
            calculators.append(try test.calculator().rawValue)
            devices.append(try test.device("device-\(index)").rawValue)
            for kind in EntityKind.allCases { entities[kind, default: []].append(try test.entity(kind)) }
        }
    }

    private var implied: (assignments: Set<AssignmentKey>, links: Set<LinkRecord>) {
        var (assignments, links) = (Set<AssignmentKey>(), Set<LinkRecord>())
        for tie in linksByHand where tie.kind == .calculatorGroup {
            let calculator = CalculatorID(tie.from)
            for member in linksByHand where member.from == tie.to {
                switch member.kind {
                case .groupDevice:
                    assignments.insert(AssignmentKey(calculator: calculator, device: DeviceID(member.to)))
                case .groupAsset:
                    assignments.insert(AssignmentKey(calculator: calculator, device: DeviceID((1 << 40) + member.to)))
                case .groupGeofence:
                    links.insert(LinkRecord(kind: .calculatorGeofence, from: tie.from, to: member.to))
                default: break
                }
            }
        }
        return (assignments, links)
    }

    var links: Set<LinkRecord> {
        linksByHand.union(
            implied.links.subtracting(linksByHand).map {
                LinkRecord(kind: $0.kind, from: $0.from, to: $0.to, isAutoCreated: true)
            })
    }

    /// Whether each was made by a group only.
    var assignments: [AssignmentKey: Bool] {
        var result: [AssignmentKey: Bool] = [:]
        for key in implied.assignments { result[key] = true }
        for key in assignmentsByHand { result[key] = false }
        return result
    }

    mutating func step(_ test: TestStore, _ random: inout SeededGenerator) throws -> LinkChange? {
        switch Int.random(in: 0..<40, using: &random) {
        case 0..<16:
            let chosen = randomLinks(&random)
            linksByHand.formUnion(chosen)
            return try test.store.link(chosen, at: .zero)
        case 16..<26:
            let chosen = randomLinks(&random)
            linksByHand.subtract(chosen)
            return try test.store.unlink(chosen, at: .zero)
        case 26..<31:
            let key = randomKey(&random)
            assignmentsByHand.insert(key)
            _ = try test.store.assign([key, key], isEnabled: true, isAutoCreated: false)
        case 31..<36:
            let key = randomKey(&random)
            let isGone = assignments[key] != nil && !implied.assignments.contains(key)
            assignmentsByHand.remove(key)
            #expect(try test.store.unassign([key], at: .zero) == (isGone ? 1 : 0))
        default: try replaceEntity(test, &random)
        }
        return nil
    }

    private func randomLinks(_ random: inout SeededGenerator) -> [LinkRecord] {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in
            let kind = LinkKind.allCases.randomElement(using: &random) ?? .calculatorGroup
            let (from, to): ([Int64]?, [Int64]?) =
                switch kind {
                case .calculatorGeofence: (calculators, entities[.geofence])
                case .calculatorGroup: (calculators, entities[.group])
                case .groupDevice: (entities[.group], devices)
                case .groupGeofence: (entities[.group], entities[.geofence])
                case .groupAsset: (entities[.group], entities[.asset])
                }
            return LinkRecord(
                kind: kind, from: from?.randomElement(using: &random) ?? 0, to: to?.randomElement(using: &random) ?? 0)
        }
    }

    private func randomKey(_ random: inout SeededGenerator) -> AssignmentKey {
        let streams = devices.map { DeviceID($0) } + (entities[.asset] ?? []).map { DeviceID(asset: $0) }
        return AssignmentKey(
            calculator: CalculatorID(calculators.randomElement(using: &random) ?? 0),
            device: streams.randomElement(using: &random) ?? DeviceID(0))
    }

    /// Deletes something and makes another one of its kind.
    private mutating func replaceEntity(_ test: TestStore, _ random: inout SeededGenerator) throws {
        let place = Int.random(in: 0..<3, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            let id = calculators[place]
            try test.store.deleteCalculator(CalculatorID(id), at: .zero)
            forget([.calculatorGeofence, .calculatorGroup], from: id)
            assignmentsByHand = assignmentsByHand.filter { $0.calculator.rawValue != id }
            calculators[place] = try test.calculator().rawValue
        case 1:
            let id = devices[place]
            try test.store.deleteDevice(DeviceID(id), at: .zero)
            forget([.groupDevice], to: id)
            assignmentsByHand = assignmentsByHand.filter { $0.device.rawValue != id }
            devices[place] = try test.device("device-\(id)-next").rawValue
        case let number:
            let kind = EntityKind.allCases[number - 2]
            let id = entities[kind]?[place] ?? 0
            try test.store.deleteEntity(kind, id, at: .zero)
            switch kind {
            case .geofence: forget([.calculatorGeofence, .groupGeofence], to: id)
            case .asset:
                forget([.groupAsset], to: id)
                assignmentsByHand = assignmentsByHand.filter { $0.device.assetID != id }
            case .group:
                forget([.calculatorGroup], to: id)
                forget([.groupDevice, .groupGeofence, .groupAsset], from: id)
            }
            entities[kind]?[place] = try test.entity(kind)
        }
    }

    private mutating func forget(_ kinds: Set<LinkKind>, from: Int64? = nil, to: Int64? = nil) {
        linksByHand = linksByHand.filter { !kinds.contains($0.kind) || ($0.from != from && $0.to != to) }
    }
}
