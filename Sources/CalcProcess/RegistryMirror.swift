import Calculators
import Evaluation
import Expressions
import PrimaryStore
import Synchronization
import Telemetry
import TimeZones

/// A calculator ready to run.
struct CompiledCalculator: Sendable {
    var id: CalculatorID
    var revision: Int64
    var calculator: Calculator
    var timeZone: TimeZoneTable
    /// Whether it reads anything of the device itself, which is found out once.
    private let readsDevice: Bool

    init(id: CalculatorID, revision: Int64, calculator: Calculator, timeZone: TimeZoneTable) {
        self.id = id
        self.revision = revision
        self.calculator = calculator
        self.timeZone = timeZone
        readsDevice =
            calculator.readsMetadata
            || calculator.layout.names.contains { DeviceFacts.names.contains($0) || $0.hasPrefix("$") }
    }

    /// A digest of what of the device the calculator may read; 0 if it reads nothing of it.
    func deviceDigest(_ device: MirroredDevice) -> UInt64 { readsDevice ? device.digest : 0 }
}

/// What of a device its calculators may read.
struct MirroredDevice: Sendable {
    var facts: DeviceFacts
    var metadata: JSONValue
    var revision: Int64
    /// A digest of facts and metadata.
    var digest: UInt64
    /// The devices that stood for an asset, in order; empty for a device.
    var stretches: [FactsStretch] = []
    /// Whether it is an asset: its messages are those of other devices.
    var isAsset = false
    /// Seconds for which its messages are kept; 0 = no limit.
    var messagesTTL = 0.0
    /// Bytes of chunks of it that are kept; 0 = no limit.
    var messagesRotate = 0.0
}

/// The registry as the workers use it: one immutable picture a revision, shared by all of them, and with the next one
/// what did not change.
struct RegistryPicture: Sendable {
    var revision: Int64 = -1
    var devices = PagedTable<DeviceID, MirroredDevice>()
    var calculators: [CalculatorID: CompiledCalculator] = [:]
    var assignments = PagedTable<AssignmentKey, AssignmentRecord>()
    /// The geofences of each calculator that looks at those assigned to it.
    var geofences: [CalculatorID: AssignedGeofences] = [:]
    /// The assets that a device stands or stood for.
    var assetsOfDevice: [DeviceID: [DeviceID]] = [:]
    /// The calculators that read the intervals of a calculator.
    var dependants: [CalculatorID: [CalculatorID]] = [:]
    /// Calculators of the registry that cannot be run, with the reason.
    var failures: [CalculatorID: String] = [:]
}

/// Keeps the picture of the registry up to date.
final class RegistryMirror: Sendable {
    private let store: any PrimaryStore
    private let timeZones: TimeZoneDatabase
    private let picture = Mutex(RegistryPicture())

    init(store: any PrimaryStore, timeZones: TimeZoneDatabase) {
        self.store = store
        self.timeZones = timeZones
    }

    /// The picture of the present revision. Entities that did not change keep what was made of them.
    func current() throws(StoreError) -> RegistryPicture {
        let revision = store.registryRevision
        let known = picture.withLock { $0 }
        if known.revision == revision { return known }
        let fresh = if let next = try next(known) { next } else { build(try store.registry(), known) }
        picture.withLock { if $0.revision < fresh.revision { $0 = fresh } }
        return fresh
    }

    /// The assignments that differ in anything, or whose devices do, between two pictures; nil if all may.
    func changes(from known: RegistryPicture, to fresh: RegistryPicture) -> [AssignmentKey]? {
        guard known.revision >= 0, let keys = store.registryKeys(after: known.revision, upTo: fresh.revision),
            !known.hasAssets(of: keys.devices)
        else { return nil }
        let ofDevices = keys.devices.flatMap { device in
            fresh.assignmentKeys(of: device) + known.assignmentKeys(of: device)
        }
        return keys.assignments.union(ofDevices).sorted()
    }

    /// The picture with what has changed since; nil if it is to be made as a whole. Costs what changed, not what is
    /// there.
    private func next(_ known: RegistryPicture) throws(StoreError) -> RegistryPicture? {
        guard known.revision >= 0, let changes = try store.registryChanges(since: known.revision),
            !known.hasAssets(of: changes.keys.devices)
        else { return nil }
        var fresh = known
        fresh.revision = changes.revision
        var gone = changes.keys
        for record in changes.devices {
            fresh.devices[record.id] = Self.mirror(record)
            gone.devices.remove(record.id)
        }
        for record in changes.assignments {
            fresh.assignments[record.key] = record
            gone.assignments.remove(record.key)
        }
        for id in gone.devices { fresh.devices[id] = nil }
        for key in gone.assignments { fresh.assignments[key] = nil }
        return fresh
    }

    private func build(_ snapshot: RegistrySnapshot, _ known: RegistryPicture) -> RegistryPicture {
        var fresh = RegistryPicture()
        fresh.revision = snapshot.revision
        for record in snapshot.devices {
            let old = known.devices[record.id]
            fresh.devices[record.id] = old?.revision == record.revision ? old : Self.mirror(record)
        }
        for record in snapshot.calculators {
            if let old = known.calculators[record.id], old.revision == record.revision {
                fresh.calculators[record.id] = old
            } else {
                compile(record, &fresh)
            }
        }
        fresh.geofences = GeofenceAssignment(snapshot).sets(fresh.calculators.values, known.geofences)
        for calculator in fresh.calculators.values.sorted(by: { $0.id < $1.id }) {
            for source in calculator.calculator.sources { fresh.dependants[source, default: []].append(calculator.id) }
        }
        fresh.addAssets(snapshot)
        for record in snapshot.assignments { fresh.assignments[record.key] = record }
        return fresh
    }

    private func compile(_ record: CalculatorRecord, _ picture: inout RegistryPicture) {
        do {
            let calculator = try Calculator(JSONValue(parsing: record.json))
            let timeZone = try timeZones.table(calculator.timeZoneName)
            picture.calculators[record.id] = CompiledCalculator(
                id: record.id, revision: record.revision, calculator: calculator, timeZone: timeZone)
        } catch { picture.failures[record.id] = "\(error)" }
    }

    private static func mirror(_ record: DeviceRecord) -> MirroredDevice {
        let json = (try? JSONValue(parsing: record.json)) ?? .object([])
        let metadata = json["metadata"] ?? .object([])
        let facts = DeviceFacts(
            id: record.id, ident: record.ident, name: record.name, typeID: json["device_type_id"]?.numberValue ?? 0)
        let text = "\(record.ident)\u{0}\(record.name)\u{0}\(facts.typeID)\u{0}\(metadata.text)"
        var device = MirroredDevice(
            facts: facts, metadata: metadata, revision: record.revision, digest: hash64(text.utf8))
        device.messagesTTL = max(0, json["messages_ttl"]?.numberValue ?? 0)
        device.messagesRotate = max(0, json["messages_rotate"]?.numberValue ?? 0)
        return device
    }
}

extension RegistryPicture {
    /// The assignments of a device or an asset, in order.
    func assignmentKeys(of device: DeviceID) -> [AssignmentKey] { assignments.rows(of: device.rawValue).map(\.key) }

    /// Whether any of some devices stands or stood for an asset, which is another one when they are.
    func hasAssets(of devices: Set<DeviceID>) -> Bool {
        !assetsOfDevice.isEmpty && devices.contains { assetsOfDevice[$0] != nil }
    }

    /// Adds assets beside devices, under the ids of their streams.
    fileprivate mutating func addAssets(_ snapshot: RegistrySnapshot) {
        let intervals = Dictionary(grouping: snapshot.assetIntervals, by: \.asset)
        for record in snapshot.entities where record.kind == .asset {
            let stream = DeviceID(asset: record.id)
            let json = (try? JSONValue(parsing: record.json)) ?? .object([])
            let own = (intervals[record.id] ?? []).sorted { $0.begin < $1.begin }
            let stretches = own.compactMap { interval in
                devices[interval.device].map {
                    FactsStretch(
                        range: TimeRange(lower: interval.begin, upper: interval.end ?? .distantFuture), facts: $0.facts)
                }
            }
            for device in Set(stretches.map(\.facts.id)) { assetsOfDevice[device, default: []].append(stream) }
            let metadata = json["metadata"] ?? .object([])
            let text = stretches.map {
                "\($0.range.lower.microseconds) \($0.range.upper.microseconds) \($0.facts)"
            }.joined(separator: "\u{0}")
            devices[stream] = MirroredDevice(
                facts: DeviceFacts(id: stream, ident: "", name: record.name), metadata: metadata,
                revision: record.revision, digest: hash64("\(text)\u{0}\(metadata.text)".utf8), stretches: stretches,
                isAsset: true)
        }
    }
}

extension MirroredDevice {
    /// Tells one course of devices of an asset from another.
    var courseDigest: Int64 {
        let text = stretches.map { "\($0.range.lower.microseconds) \($0.range.upper.microseconds) \($0.facts.id)" }
        return Int64(bitPattern: hash64(text.joined(separator: " ").utf8))
    }
}

extension CompiledCalculator {
    func environment(_ device: MirroredDevice, _ geofences: GeofenceSet?) -> ExpressionEnvironment {
        ExpressionEnvironment(
            timeZone: timeZone, metadata: device.metadata, mileageOutlierSpeed: calculator.mileageOutlierSpeed,
            mileageFormula: calculator.mileageFormula, geofences: geofences ?? .empty)
    }
}

/// Which geofences are assigned to which calculator.
private struct GeofenceAssignment {
    private var geofences: [Int64: EntityRecord] = [:]
    private var ids: [CalculatorID: Set<Int64>] = [:]

    init(_ snapshot: RegistrySnapshot) {
        for record in snapshot.entities where record.kind == .geofence { geofences[record.id] = record }
        for link in snapshot.links where link.kind == .calculatorGeofence {
            ids[CalculatorID(link.from), default: []].insert(link.to)
        }
    }

    /// The sets of the calculators that read them; one that is as before stays the same object.
    func sets(
        _ calculators: some Sequence<CompiledCalculator>, _ known: [CalculatorID: AssignedGeofences]
    ) -> [CalculatorID: AssignedGeofences] {
        var sets: [CalculatorID: AssignedGeofences] = [:]
        for calculator in calculators where calculator.calculator.readsGeofences {
            let records = (ids[calculator.id] ?? []).sorted().compactMap { geofences[$0] }
            let versions = records.map { AssignedGeofences.Version(id: $0.id, revision: $0.revision) }
            if let old = known[calculator.id], old.versions == versions {
                sets[calculator.id] = old
            } else {
                sets[calculator.id] = AssignedGeofences(
                    versions: versions, set: GeofenceSet(records.compactMap(Self.geofence)))
            }
        }
        return sets
    }

    /// A geofence that is enabled; one that cannot be read was refused by the API.
    private static func geofence(_ record: EntityRecord) -> Geofence? {
        guard var entity = try? JSONValue(parsing: record.json), entity["enabled"]?.booleanValue != false else {
            return nil
        }
        entity["name"] = .string(record.name)
        return try? Geofence(entity, id: record.id)
    }
}

/// The geofences that are assigned to a calculator.
struct AssignedGeofences: Sendable {
    struct Version: Sendable, Hashable {
        var id: Int64
        var revision: Int64
    }

    var versions: [Version]
    var set: GeofenceSet
}
