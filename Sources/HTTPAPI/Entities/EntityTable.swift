import PrimaryStore

/// The geofences, the groups or the assets in memory.
struct EntityTable: Sendable {
    private(set) var byID: [Int64: RegistryEntity] = [:]
    /// In ascending order.
    private(set) var ids: [Int64] = []

    var all: [RegistryEntity] { ids.compactMap { byID[$0] } }

    mutating func set(_ entity: RegistryEntity) {
        if byID.updateValue(entity, forKey: entity.id) == nil { ids.insertAscending(entity.id) }
    }

    mutating func remove(_ id: Int64) {
        if byID.removeValue(forKey: id) != nil { ids.removeAll { $0 == id } }
    }
}

/// The links of all kinds.
struct LinkTables: Sendable {
    private var tables: [LinkKind: LinkIndex] = [:]

    subscript(kind: LinkKind) -> LinkIndex {
        get { tables[kind] ?? LinkIndex() }
        _modify { yield &tables[kind, default: LinkIndex()] }
    }
}
