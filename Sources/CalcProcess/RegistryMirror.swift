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
}

/// What of a device its calculators may read.
struct MirroredDevice: Sendable {
    var facts: DeviceFacts
    var metadata: JSONValue
    var revision: Int64
    /// A digest of facts and metadata.
    var digest: UInt64
}

/// The registry as the workers use it: one immutable picture a revision, shared by all of them.
struct RegistryPicture: Sendable {
    var revision: Int64 = -1
    var devices: [DeviceID: MirroredDevice] = [:]
    var calculators: [CalculatorID: CompiledCalculator] = [:]
    var assignments: [AssignmentKey: AssignmentRecord] = [:]
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
        let fresh = build(try store.registry(), known)
        picture.withLock { if $0.revision < fresh.revision { $0 = fresh } }
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
        fresh.assignments = Dictionary(uniqueKeysWithValues: snapshot.assignments.map { ($0.key, $0) })
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
        return MirroredDevice(facts: facts, metadata: metadata, revision: record.revision, digest: hash64(text.utf8))
    }
}

extension CompiledCalculator {
    /// A digest of what of the device the calculator may read; 0 if it reads nothing of it.
    func deviceDigest(_ device: MirroredDevice) -> UInt64 {
        let readsFacts = calculator.layout.names.contains { DeviceFacts.names.contains($0) || $0.hasPrefix("$") }
        return readsFacts || calculator.readsMetadata ? device.digest : 0
    }

    func environment(_ device: MirroredDevice) -> ExpressionEnvironment {
        ExpressionEnvironment(
            timeZone: timeZone, metadata: device.metadata, mileageOutlierSpeed: calculator.mileageOutlierSpeed)
    }
}
