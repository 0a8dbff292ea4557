import PrimaryStore
import Telemetry

extension EntityCatalog.Contents {
    subscript(kind: EntityKind) -> EntityTable {
        switch kind {
        case .geofence: geofences
        case .group: groups
        case .asset: assets
        }
    }

    mutating func set(_ entity: RegistryEntity) {
        switch entity.kind {
        case .geofence: geofences.set(entity)
        case .group: groups.set(entity)
        case .asset: assets.set(entity)
        }
    }

    /// Takes an entity away with its links and all that they implied, as the store does.
    mutating func remove(_ kind: EntityKind, _ id: Int64) {
        switch kind {
        case .geofence:
            for kind in [LinkKind.calculatorGeofence, .groupGeofence] { links[kind].removeAll(to: id) }
            geofences.remove(id)
        case .group:
            let removed = links(ofGroup: id)
            let ending = implications(endingWithout: removed)
            for link in removed { links[link.kind].remove(from: link.from, to: link.to) }
            for implication in ending { remove(implication) }
            groups.remove(id)
        case .asset:
            removeAssignments(of: DeviceID(asset: id))
            links[.groupAsset].removeAll(to: id)
            assetIntervals[id] = nil
            assets.remove(id)
        }
    }

    /// Takes over what the store did to make links.
    mutating func add(_ asked: [LinkRecord], _ change: LinkChange) {
        for link in change.addedLinks + asked.map(\.byHand) { links[link.kind].set(link) }
        for record in change.addedAssignments { set(record) }
    }

    /// Takes over what the store did to take links away; one that is still there is a group's from now on.
    mutating func remove(_ asked: [LinkRecord], _ change: LinkChange) {
        for link in change.removedLinks { links[link.kind].remove(from: link.from, to: link.to) }
        for key in change.removedAssignments { remove(key) }
        for link in asked where links[link.kind].link(from: link.from, to: link.to) != nil {
            var link = link
            link.isAutoCreated = true
            links[link.kind].set(link)
        }
    }

    /// Takes over that assignments were made by hand; those of groups become so too.
    mutating func assign(_ keys: [AssignmentKey], _ made: [AssignmentRecord]) {
        for record in made { set(record) }
        for key in keys { setAutoCreated(key, false) }
    }

    /// Takes over that assignments were ended; those that a group implies stay as the group's.
    mutating func unassign(_ keys: [AssignmentKey]) {
        for key in keys {
            if groups(implying: Implication(key)).isEmpty { remove(key) } else { setAutoCreated(key, true) }
        }
    }

    private mutating func setAutoCreated(_ key: AssignmentKey, _ isAutoCreated: Bool) {
        guard var record = assignments[key], record.isAutoCreated != isAutoCreated else { return }
        record.isAutoCreated = isAutoCreated
        set(record)
    }
}

// MARK: - What groups imply

/// What a group implies for a calculator: a device or an asset that it is assigned to, or a geofence that it is linked
/// to.
struct Implication: Hashable {
    var calculator: Int64
    /// The kind of the member's link to the group.
    var kind: LinkKind
    var member: Int64

    init(calculator: Int64, kind: LinkKind, member: Int64) {
        self.calculator = calculator
        self.kind = kind
        self.member = member
    }

    init(_ key: AssignmentKey) {
        let asset = key.device.assetID
        self.init(
            calculator: key.calculator.rawValue, kind: asset == nil ? .groupDevice : .groupAsset,
            member: asset ?? key.device.rawValue)
    }

    /// Of a link between a calculator and a geofence.
    init(_ link: LinkRecord) { self.init(calculator: link.from, kind: .groupGeofence, member: link.to) }

    /// Nil where it is a geofence.
    var assignmentKey: AssignmentKey? {
        switch kind {
        case .groupDevice: AssignmentKey(calculator: CalculatorID(calculator), device: DeviceID(member))
        case .groupAsset: AssignmentKey(calculator: CalculatorID(calculator), device: DeviceID(asset: member))
        case .calculatorGeofence, .calculatorGroup, .groupGeofence: nil
        }
    }
}

extension EntityCatalog.Contents {
    static let memberKinds: [LinkKind] = [.groupDevice, .groupAsset, .groupGeofence]

    /// All links of a group.
    func links(ofGroup id: Int64) -> [LinkRecord] {
        links[.calculatorGroup].froms(to: id).sorted().map { LinkRecord(kind: .calculatorGroup, from: $0, to: id) }
            + Self.memberKinds.flatMap { kind in links[kind].links(from: id).sorted { $0.to < $1.to } }
    }

    /// The groups that tie a calculator to a member, in ascending order.
    func groups(implying implication: Implication) -> [Int64] {
        links[.calculatorGroup].tos(from: implication.calculator)
            .intersection(links[implication.kind].froms(to: implication.member)).sorted()
    }

    /// The assignments that end if links go: made by groups, of which none is left.
    func assignments(endingWithout removed: [LinkRecord]) -> [AssignmentKey] {
        implications(endingWithout: removed).compactMap(\.assignmentKey)
    }

    /// What no group implies once links have gone, and nobody made by hand.
    fileprivate func implications(endingWithout removed: [LinkRecord]) -> [Implication] {
        var rest = self
        for link in removed { rest.links[link.kind].remove(from: link.from, to: link.to) }
        var seen: Set<Implication> = []
        return removed.flatMap(implications(of:)).filter { implication in
            seen.insert(implication).inserted && isAutoCreated(implication)
                && rest.groups(implying: implication).isEmpty
        }
    }

    /// What a link implies together with the others of its group.
    private func implications(of link: LinkRecord) -> [Implication] {
        switch link.kind {
        case .calculatorGeofence: []
        case .calculatorGroup:
            Self.memberKinds.flatMap { kind in
                links[kind].tos(from: link.to).sorted().map {
                    Implication(calculator: link.from, kind: kind, member: $0)
                }
            }
        case .groupDevice, .groupGeofence, .groupAsset:
            links[.calculatorGroup].froms(to: link.from).sorted().map {
                Implication(calculator: $0, kind: link.kind, member: link.to)
            }
        }
    }

    private func isAutoCreated(_ implication: Implication) -> Bool {
        if let key = implication.assignmentKey { return assignments[key]?.isAutoCreated ?? false }
        return links[.calculatorGeofence].link(from: implication.calculator, to: implication.member)?.isAutoCreated
            ?? false
    }

    fileprivate mutating func remove(_ implication: Implication) {
        if let key = implication.assignmentKey {
            remove(key)
        } else {
            links[.calculatorGeofence].remove(from: implication.calculator, to: implication.member)
        }
    }
}

extension LinkRecord {
    fileprivate var byHand: LinkRecord { LinkRecord(kind: kind, from: from, to: to) }
}
