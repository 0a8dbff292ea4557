import SQLiteClient
import Telemetry

/// Changes links as a part of a group of writes, and with the links of groups what groups imply: a calculator linked to
/// a group is assigned to the group's devices and assets, and linked to its geofences.
///
/// What is implied is marked as made by the store; where a person made it, it is theirs, and stays when the last group
/// goes. Without a group it goes when the person takes it away.
struct LinkTransaction {
    private let writer: Writer
    private let moment: Timestamp
    private(set) var change = LinkChange()
    /// Whether anything differs now, were it only who made a link.
    private(set) var isChanged = false

    /// What a group implies for a calculator: a device, a geofence or an asset, by the kind of its link to the group.
    fileprivate struct Implication {
        var calculator: Int64
        var kind: LinkKind
        var member: Int64
    }

    init(_ writer: Writer, at moment: Timestamp) {
        self.writer = writer
        self.moment = moment
    }

    private var connection: Connection { writer.connection }

    /// Makes a link by hand.
    mutating func add(_ link: LinkRecord) throws {
        var link = link
        link.isAutoCreated = false
        try checkEnds(link)
        let held = try EntityTables.findLink(connection, link)
        guard held != link else { return }
        try EntityTables.write(connection, link)
        isChanged = true
        guard held == nil else { return }
        try note { $0.addedLinks.append(link) }
        for implication in try implications(of: link) { try imply(implication) }
    }

    /// Takes away a link that was made by hand; one that a group implies stays as the group's.
    mutating func remove(_ link: LinkRecord) throws {
        guard var held = try EntityTables.findLink(connection, link) else { return }
        if link.kind == .calculatorGeofence, try isImplied(Self.implication(link)) {
            guard !held.isAutoCreated else { return }
            held.isAutoCreated = true
            isChanged = true
            return try EntityTables.write(connection, held)
        }
        let implied = try implications(of: held)
        try delete(held)
        for implication in implied where try !isImplied(implication) { try drop(implication) }
    }

    /// Takes away all links of a group, its calculators first.
    mutating func removeAll(ofGroup id: Int64) throws {
        let links = try links("kind = 'calculatorGroup' AND to_id = ?", id) + members(of: id)
        for link in links { try remove(link) }
    }
}

// MARK: - What groups imply

extension LinkTransaction {
    /// Whether a group ties a calculator to a device or an asset.
    static func isImplied(_ key: AssignmentKey, _ connection: Connection) throws -> Bool {
        let asset = key.device.assetID
        return try isImplied(
            Implication(
                calculator: key.calculator.rawValue, kind: asset == nil ? .groupDevice : .groupAsset,
                member: asset ?? key.device.rawValue), connection)
    }

    private func isImplied(_ implication: Implication) throws -> Bool {
        try Self.isImplied(implication, connection)
    }

    private static func isImplied(_ implication: Implication, _ connection: Connection) throws -> Bool {
        let statement = try connection.statement(
            """
            SELECT 1 FROM links AS member CROSS JOIN links AS calc
            WHERE member.kind = ? AND member.to_id = ?
                AND calc.kind = 'calculatorGroup' AND calc.from_id = ? AND calc.to_id = member.from_id
            LIMIT 1
            """)
        try statement.bind(1, implication.kind.rawValue)
        try statement.bind(2, implication.member)
        try statement.bind(3, implication.calculator)
        return try statement.first { _ in true } ?? false
    }

    private static func implication(_ link: LinkRecord) -> Implication {
        Implication(calculator: link.from, kind: .groupGeofence, member: link.to)
    }

    /// What a link implies together with the others of its group.
    private func implications(of link: LinkRecord) throws -> [Implication] {
        switch link.kind {
        case .calculatorGeofence: []
        case .calculatorGroup:
            try members(of: link.to).map { Implication(calculator: link.from, kind: $0.kind, member: $0.to) }
        case .groupDevice, .groupGeofence, .groupAsset:
            try links("kind = 'calculatorGroup' AND to_id = ?", link.from).map {
                Implication(calculator: $0.from, kind: link.kind, member: link.to)
            }
        }
    }

    private mutating func imply(_ implication: Implication) throws {
        if let key = implication.assignmentKey {
            let made = try writer.makeAssignment(key, isEnabled: true, isAutoCreated: true)
            guard let made else { return }
            try note { $0.addedAssignments.append(made) }
        } else {
            let link = implication.geofenceLink
            guard try EntityTables.findLink(connection, link) == nil else { return }
            try EntityTables.write(connection, link)
            try note { $0.addedLinks.append(link) }
        }
    }

    /// Takes away what no group implies any more, unless a person made it.
    private mutating func drop(_ implication: Implication) throws {
        if let key = implication.assignmentKey {
            guard try RegistryTables.findAssignment(connection, key)?.isAutoCreated ?? false else { return }
            try writer.unassign(key, at: moment)
            try note { $0.removedAssignments.append(key) }
        } else {
            let held = try EntityTables.findLink(connection, implication.geofenceLink)
            if let held, held.isAutoCreated { try delete(held) }
        }
    }
}

// MARK: - Rows

extension LinkTransaction {
    private mutating func delete(_ link: LinkRecord) throws {
        try EntityTables.delete(connection, link)
        try note { $0.removedLinks.append(link) }
    }

    private mutating func note(_ body: (inout LinkChange) -> Void) throws {
        body(&change)
        isChanged = true
        guard change.count <= LinkRecord.changeCountMax else {
            throw StoreError.invalid("more than \(LinkRecord.changeCountMax) links and assignments change at once")
        }
    }

    private func members(of group: Int64) throws -> [LinkRecord] {
        try [LinkKind.groupDevice, .groupGeofence, .groupAsset].flatMap { kind in
            try links("kind = '\(kind.rawValue)' AND from_id = ?", group)
        }
    }

    private func links(_ condition: String, _ id: Int64) throws -> [LinkRecord] {
        var links: [LinkRecord] = []
        let statement = try connection.statement(
            "SELECT \(EntityTables.linkColumns) FROM links WHERE \(condition) ORDER BY from_id, to_id")
        try statement.bind(1, id)
        try statement.forEachRow { links.append(try EntityTables.link($0)) }
        return links
    }

    private func checkEnds(_ link: LinkRecord) throws {
        switch link.kind {
        case .calculatorGeofence:
            try writer.checkCalculator(CalculatorID(link.from))
            _ = try writer.entity(.geofence, link.to)
        case .calculatorGroup:
            try writer.checkCalculator(CalculatorID(link.from))
            _ = try writer.entity(.group, link.to)
        case .groupDevice:
            _ = try writer.entity(.group, link.from)
            try writer.checkDevice(DeviceID(link.to))
        case .groupGeofence:
            _ = try writer.entity(.group, link.from)
            _ = try writer.entity(.geofence, link.to)
        case .groupAsset:
            _ = try writer.entity(.group, link.from)
            _ = try writer.entity(.asset, link.to)
        }
    }
}

extension LinkTransaction.Implication {
    /// Nil where it is a geofence.
    fileprivate var assignmentKey: AssignmentKey? {
        switch kind {
        case .groupDevice: AssignmentKey(calculator: CalculatorID(calculator), device: DeviceID(member))
        case .groupAsset: AssignmentKey(calculator: CalculatorID(calculator), device: DeviceID(asset: member))
        default: nil
        }
    }

    fileprivate var geofenceLink: LinkRecord {
        LinkRecord(kind: .calculatorGeofence, from: calculator, to: member, isAutoCreated: true)
    }
}
