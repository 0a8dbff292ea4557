import Expressions
import PrimaryStore
import Telemetry

/// The entities that a selector found, and the ids that it did not.
struct Selection<Entity: Sendable>: Sendable {
    var items: [Entity]
    var errors: [ErrorItem] = []
}

extension EntityCatalog.Contents {
    /// The devices of a selector, in the order it names them, else by id.
    func devices(_ selector: ItemSelector) -> Selection<DeviceEntity> {
        if case .field(["configuration", "ident"], let ident) = selector, !ident.isPattern {
            return Selection(items: [device(ident: ident)].compactMap { $0 })
        }
        return select(selector, .device, all: { Array(devices.values) }, json: \.json) {
            devices[DeviceID($0)]
        }
    }

    /// The calculators of a selector, in the order it names them, else by id.
    func calculators(_ selector: ItemSelector) -> Selection<CalculatorEntity> {
        select(selector, .calculator, all: { calculatorIDs.compactMap { calculators[$0] } }, json: \.json) {
            calculators[CalculatorID($0)]
        }
    }

    /// The geofences, groups or assets of a selector, in the order it names them, else by id.
    func entities(_ selector: ItemSelector, of kind: EntityKind) -> Selection<RegistryEntity> {
        let table = self[kind]
        return select(selector, SelectableKind(kind), all: { table.all }, json: \.json) { table.byID[$0] }
    }

    private func select<Entity: Identified>(
        _ selector: ItemSelector, _ kind: SelectableKind, all: () -> [Entity], json: (Entity) -> JSONValue,
        find: (Int64) -> Entity?
    ) -> Selection<Entity> {
        switch selector {
        case .ids(let ids): return byID(ids, kind, find)
        case .all: return Selection(items: all())
        case .field(let path, let pattern):
            guard let relation = path.first.flatMap(SelectableKind.init(relation:)), kind.isRelated(to: relation) else {
                return Selection(items: all().filter { json($0).matches(path[...], pattern) })
            }
            let wanted = numbers(of: relation) { $0.matches(path.dropFirst(), pattern) }
            return Selection(
                items: all().filter { !wanted.isDisjoint(with: related(relation, to: $0.number, of: kind)) })
        case .expression(let filter): return Selection(items: filter.kept(all(), json))
        }
    }

    private func byID<Entity: Sendable>(
        _ ids: [Int64], _ kind: SelectableKind, _ find: (Int64) -> Entity?
    ) -> Selection<Entity> {
        var selection = Selection<Entity>(items: [])
        for id in ids {
            if let entity = find(id) {
                selection.items.append(entity)
            } else {
                selection.errors.append(ErrorItem(.notFound, "there is no \(kind.noun) \(id)", id: id))
            }
        }
        return selection
    }

    /// The ids of the entities of a kind that are wanted.
    private func numbers(of kind: SelectableKind, _ isWanted: (JSONValue) -> Bool) -> Set<Int64> {
        func chosen<Entity: Identified>(_ all: some Sequence<Entity>, _ json: (Entity) -> JSONValue) -> Set<Int64> {
            Set(all.filter { isWanted(json($0)) }.map(\.number))
        }
        return switch kind {
        case .device: chosen(devices.values, \.json)
        case .calculator: chosen(calculators.values, \.json)
        case .geofence: chosen(geofences.all, \.json)
        case .group: chosen(groups.all, \.json)
        case .asset: chosen(assets.all, \.json)
        }
    }

    /// The ids of the entities of one kind that are tied to an entity of another.
    private func related(_ relation: SelectableKind, to id: Int64, of kind: SelectableKind) -> Set<Int64> {
        switch (kind, relation) {
        case (.device, .calculator): Set(calculators(of: DeviceID(id)).map(\.rawValue))
        case (.asset, .calculator): Set(calculators(of: DeviceID(asset: id)).map(\.rawValue))
        case (.calculator, .device):
            Set(devices(of: CalculatorID(id)).filter { $0.assetID == nil }.map(\.rawValue))
        case (.calculator, .asset): Set(devices(of: CalculatorID(id)).compactMap(\.assetID))
        default:
            if let link = LinkKind.allCases.first(where: { ($0.from, $0.to) == (kind, relation) }) {
                links[link].tos(from: id)
            } else if let link = LinkKind.allCases.first(where: { ($0.from, $0.to) == (relation, kind) }) {
                links[link].froms(to: id)
            } else {
                []
            }
        }
    }
}

extension JSONValue {
    fileprivate func matches(_ path: ArraySlice<String>, _ pattern: String) -> Bool {
        value(at: path).map { Wildcard.matches($0.selectorText, pattern) } ?? false
    }
}

extension String {
    var isPattern: Bool { utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") } }
}
