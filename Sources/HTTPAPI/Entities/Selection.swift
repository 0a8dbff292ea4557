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
        switch selector {
        case .ids(let ids): byID(ids, .device) { devices[DeviceID($0)] }
        case .field(["configuration", "ident"], let ident) where !ident.isPattern:
            Selection(items: [device(ident: ident)].compactMap { $0 })
        case .field(let path, let pattern) where path.first == EntityKind.device.relation:
            allDevices { device in
                (calculatorsOfDevice[device.id] ?? []).contains { id in
                    calculators[id]?.json.matches(path.dropFirst(), pattern) ?? false
                }
            }
        case .all: allDevices { _ in true }
        case .field(let path, let pattern): allDevices { $0.json.matches(path[...], pattern) }
        case .expression(let program, let layout):
            Selection(items: program.filter(deviceIDs.compactMap { devices[$0] }, layout, \.json))
        }
    }

    /// The calculators of a selector, in the order it names them, else by id.
    func calculators(_ selector: ItemSelector) -> Selection<CalculatorEntity> {
        switch selector {
        case .ids(let ids): byID(ids, .calculator) { calculators[CalculatorID($0)] }
        case .field(let path, let pattern) where path.first == EntityKind.calculator.relation:
            allCalculators { calculator in
                (devicesOfCalculator[calculator.id] ?? []).contains { id in
                    devices[id]?.json.matches(path.dropFirst(), pattern) ?? false
                }
            }
        case .all: allCalculators { _ in true }
        case .field(let path, let pattern): allCalculators { $0.json.matches(path[...], pattern) }
        case .expression(let program, let layout):
            Selection(items: program.filter(calculatorIDs.compactMap { calculators[$0] }, layout, \.json))
        }
    }

    private func byID<Entity: Sendable>(
        _ ids: [Int64], _ kind: EntityKind, _ find: (Int64) -> Entity?
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

    private func allDevices(_ isWanted: (DeviceEntity) -> Bool) -> Selection<DeviceEntity> {
        Selection(items: deviceIDs.compactMap { devices[$0] }.filter(isWanted))
    }

    private func allCalculators(_ isWanted: (CalculatorEntity) -> Bool) -> Selection<CalculatorEntity> {
        Selection(items: calculatorIDs.compactMap { calculators[$0] }.filter(isWanted))
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

extension Program {
    /// The items for which the expression is true; what cannot be evaluated is false.
    func filter<Item>(_ items: [Item], _ layout: ColumnLayout, _ json: (Item) -> JSONValue) -> [Item] {
        let objects = items.map(json)
        let columns = layout.names.map { name in
            var column = ValueColumn()
            let path = name.split(separator: ".").map(String.init)
            for object in objects { column.append(object.value(at: path)?.value) }
            return column
        }
        let block = ExpressionBlock(timestamps: [Int64](repeating: 0, count: items.count), columns: columns)
        var memory = ProgramMemory(for: self)
        let truth = evaluate(block, memory: &memory, environment: ExpressionEnvironment()).truth()
        return zip(items, truth).filter(\.1).map(\.0)
    }
}
