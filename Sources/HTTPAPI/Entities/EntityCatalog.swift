import Calculators
import PrimaryStore
import Synchronization
import Telemetry

/// Devices, calculators, assignments, geofences, groups and assets in memory: what requests read without the store.
///
/// It is loaded once and written through: a change goes to the store first, and here once it is durable. Changes are
/// made one at a time (`changing`), so the catalog passes through the same states as the store.
final class EntityCatalog: Sendable {
    /// One picture of the registry; copying it is cheap, and so is changing devices and assignments after that. Whoever
    /// keeps one while a device is made makes it copy the index of the idents.
    struct Contents: Sendable {
        fileprivate(set) var devices = PagedTable<DeviceID, DeviceEntity>()
        fileprivate(set) var calculators: [CalculatorID: CalculatorEntity] = [:]
        fileprivate(set) var assignments = PagedTable<AssignmentKey, AssignmentRecord>()
        /// The ids in ascending order.
        fileprivate(set) var calculatorIDs: [CalculatorID] = []
        private(set) var deviceOfIdent: [String: DeviceID] = [:]
        private(set) var devicesOfCalculator: [CalculatorID: PagedTable<DeviceID, Void>] = [:]
        /// The calculators whose intervals each calculator reads.
        private(set) var sourcesOfCalculator: [CalculatorID: Set<CalculatorID>] = [:]
        /// Geofences, groups and assets with their links, and the intervals of assets.
        var geofences = EntityTable()
        var groups = EntityTable()
        var assets = EntityTable()
        var links = LinkTables()
        var assetIntervals: [Int64: [AssetInterval]] = [:]

        func device(ident: String) -> DeviceEntity? { deviceOfIdent[ident].flatMap { devices[$0] } }

        /// The ids in ascending order.
        var deviceIDs: [DeviceID] { Array(devices.keys) }

        /// The calculators of a device or an asset, in ascending order.
        func calculators(of device: DeviceID) -> [CalculatorID] {
            assignments.rows(of: device.rawValue).map(\.key.calculator)
        }

        /// The devices and assets of a calculator, in ascending order.
        func devices(of calculator: CalculatorID) -> [DeviceID] { devicesOfCalculator[calculator]?.map(\.key) ?? [] }

        mutating func set(_ device: DeviceEntity) {
            if let old = devices.updateValue(device, forKey: device.id) { deviceOfIdent[old.ident] = nil }
            deviceOfIdent[device.ident] = device.id
        }

        mutating func set(_ calculator: CalculatorEntity) {
            if calculators.updateValue(calculator, forKey: calculator.id) == nil {
                calculatorIDs.insertAscending(calculator.id)
            }
            sourcesOfCalculator[calculator.id] = (try? Calculator(calculator.definition))?.sources
        }

        mutating func set(_ assignment: AssignmentRecord) {
            assignments[assignment.key] = assignment
            devicesOfCalculator[assignment.key.calculator, default: PagedTable()][assignment.key.device] = ()
        }

        mutating func remove(_ key: AssignmentKey) {
            guard assignments.removeValue(forKey: key) != nil else { return }
            devicesOfCalculator[key.calculator]?[key.device] = nil
        }

        /// Ends all assignments of a device or an asset.
        mutating func removeAssignments(of id: DeviceID) {
            for calculator in calculators(of: id) { remove(AssignmentKey(calculator: calculator, device: id)) }
        }

        mutating func remove(_ id: DeviceID) {
            removeAssignments(of: id)
            links[.groupDevice].removeAll(to: id.rawValue)
            for asset in assetIntervals.keys { assetIntervals[asset]?.removeAll { $0.device == id } }
            guard let old = devices.removeValue(forKey: id) else { return }
            deviceOfIdent[old.ident] = nil
        }

        mutating func remove(_ id: CalculatorID) {
            for device in devices(of: id) { remove(AssignmentKey(calculator: id, device: device)) }
            devicesOfCalculator[id] = nil
            sourcesOfCalculator[id] = nil
            for kind in [LinkKind.calculatorGeofence, .calculatorGroup] { links[kind].removeAll(from: id.rawValue) }
            guard calculators.removeValue(forKey: id) != nil else { return }
            calculatorIDs.removeAll { $0 == id }
        }
    }

    private let contents: Mutex<Contents>
    private let changes = Mutex(())
    private let changeCount = Atomic<UInt64>(0)

    init(_ snapshot: RegistrySnapshot) {
        var contents = Contents()
        for record in snapshot.devices { contents.set(DeviceEntity(record)) }
        for record in snapshot.calculators { contents.set(CalculatorEntity(record)) }
        for record in snapshot.assignments { contents.set(record) }
        for record in snapshot.entities { contents.set(RegistryEntity(record)) }
        for link in snapshot.links { contents.links[link.kind].set(link) }
        contents.assetIntervals = Dictionary(grouping: snapshot.assetIntervals, by: \.asset)
        self.contents = Mutex(contents)
    }

    /// What there is now.
    var present: Contents { contents.withLock { $0 } }

    /// Counts the changes: what was made of contents read after it holds while it stays the same.
    var generation: UInt64 { changeCount.load(ordering: .acquiring) }

    /// Changes the store, then the catalog; nobody else changes them meanwhile. Blocks.
    func changing<Value: Sendable, Failure: Error>(
        _ change: () throws(Failure) -> Value, then apply: (inout Contents, Value) -> Void
    ) throws(Failure) -> Value {
        let result = changes.withLock { _ in
            Result { () throws(Failure) in
                let value = try change()
                contents.withLock {
                    apply(&$0, value)
                    changeCount.add(1, ordering: .releasing)
                }
                return value
            }
        }
        return try result.get()
    }
}

extension Array where Element: Comparable {
    /// Ids count up, so the place is nearly always the end.
    mutating func insertAscending(_ element: Element) {
        let place = last.map { $0 < element } ?? true ? count : firstIndex { element < $0 } ?? count
        insert(element, at: place)
    }
}
