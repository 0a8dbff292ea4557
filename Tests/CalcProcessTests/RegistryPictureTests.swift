import LocalCache
import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Telemetry
import Testing
import TimeZones

@testable import CalcProcess

@Suite("Pictures of the registry")
struct RegistryPictureTests {
    @Test(
        "a picture that follows the changes equals one that is read as a whole, and so do workers that follow it",
        arguments: 1...30 as ClosedRange<UInt64>)
    func following(seed: UInt64) throws {
        var life = try RegistryLife(seed: seed)
        for step in 0..<80 {
            try life.step()
            guard life.random.pick([true, true, false]) else { continue }
            let name: Comment = "seed \(seed), step \(step): \(life.log.suffix(6))"
            let followed = try life.mirror.current()
            let whole = try RegistryMirror(store: life.rig.store, timeZones: TimeZoneDatabase()).current()
            #expect(followed.told == whole.told, name)
            guard life.random.pick([true, false]) else { continue }
            for worker in life.rig.workers { try worker.reconcile() }
            #expect(life.workersDiffer(from: whole) == [], name)
        }
    }
}

/// A registry in which everything changes at random.
private struct RegistryLife {
    let rig: WorkerRig
    let mirror: RegistryMirror
    var random: SeededGenerator
    private(set) var log: [String] = []
    private var devices: [DeviceID] = []
    private var calculators: [CalculatorID] = []
    private let assets: [Int64]
    private let geofences: [Int64]
    private let group: Int64
    private var count = 0

    private static let definitions = [
        """
        {"name":"trips","update_delay":1,"selectors":[{"type":"expression","expression":"position.speed > 3"}],\
        "counters":[]}
        """,
        """
        {"name":"facts","selectors":[{"type":"expression","expression":"$device.name == 'x'"}],"counters":[]}
        """,
        """
        {"name":"zones","selectors":[{"type":"geofence","geofences":"assigned"}],"counters":[]}
        """, "{\"name\":\"broken\"}",
    ]

    init(seed: UInt64) throws {
        rig = try WorkerRig(now: Timestamp(microseconds: 1_700_000_000_000_000), workerCount: 2)
        mirror = RegistryMirror(store: rig.store, timeZones: TimeZoneDatabase())
        random = SeededGenerator(seed: seed &* 31 &+ 7)
        let store = rig.store
        assets = try (0..<2).map { try store.createEntity(.asset, name: "asset \($0)", json: "{}").id }
        let depot = "{\"geometry\":{\"type\":\"circle\",\"center\":{\"lat\":1,\"lon\":2},\"radius\":1}}"
        geofences = try (0..<2).map { try store.createEntity(.geofence, name: "zone \($0)", json: depot).id }
        group = try store.createEntity(.group, name: "group", json: "{}").id
        for definition in Self.definitions {
            calculators.append(try store.createCalculator(name: "c", json: definition).id)
        }
        try create(5)
    }

    /// What is refused is a step too.
    mutating func step() throws {
        count += 1
        do throws(StoreError) { try act() } catch { log.append("refused: \(error)") }
    }

    private mutating func act() throws(StoreError) {
        let store = rig.store
        let stream = random.pick(devices + assets.map { DeviceID(asset: $0) })
        let key = AssignmentKey(calculator: random.pick(calculators), device: stream)
        let device = random.pick(devices)
        let moment = rig.now
        let action = random.pick(Array(0..<20))
        log.append("\(action) \(device) \(key)")
        switch action {
        case 0...2: try create(random.pick([1, 2, 7]))
        case 3...4:
            _ = try store.replaceDevice(
                device, ident: "i-\(count)", name: random.pick(["x", "y"]),
                json: "{\"metadata\":{\"limit\":\(count)},\"messages_ttl\":\(count)}", expecting: nil, at: moment)
        case 5 where devices.count > 2:
            devices.removeAll { $0 == device }
            try store.deleteDevice(device, at: moment)
        case 6...9: _ = try store.assign([key], isEnabled: random.pick([true, false]), isAutoCreated: false)
        case 10...11: _ = try store.unassign([key], at: moment)
        case 12: try store.setAssignment(key, isEnabled: random.pick([true, false]))
        case 13:
            _ = try store.replaceCalculator(
                key.calculator, name: "c", json: random.pick(Self.definitions), expecting: nil)
        case 14...15:
            let links = [
                LinkRecord(kind: .groupDevice, from: group, to: device.rawValue),
                LinkRecord(kind: .calculatorGroup, from: key.calculator.rawValue, to: group),
                LinkRecord(kind: .calculatorGeofence, from: key.calculator.rawValue, to: random.pick(geofences)),
            ]
            let chosen = [random.pick(links)]
            _ =
                try random.pick([true, true, false]) ? store.link(chosen, at: moment) : store.unlink(chosen, at: moment)
        case 16:
            let asset = random.pick(assets)
            let begin = Timestamp(microseconds: 1_600_000_000_000_000 + Int64(count) * 1_000_000)
            _ = try store.overlayAssetIntervals(
                asset,
                [AssetInterval(asset: asset, begin: begin, end: nil, device: device, json: "{}", timestamp: moment)])
        default:
            // Ended and made again between two looks.
            _ = try store.unassign([key], at: moment)
            _ = try store.assign([key], isEnabled: true, isAutoCreated: false)
        }
    }

    /// Some devices in one commit, of which one is refused.
    private mutating func create(_ number: Int) throws(StoreError) {
        count += number
        let wanted = (0..<number).map { NewDevice(ident: "n-\(count)-\($0)", name: "van", json: "{}") }
        for result in rig.store.createDevices(wanted + wanted.prefix(1)) {
            if case .success(let record) = result { devices.append(record.id) }
        }
    }

    /// What the workers hold that they should not, or lack.
    func workersDiffer(from picture: RegistryPicture) -> [String] {
        var differences: [String] = []
        for worker in rig.workers {
            let ours = picture.assignments.filter { worker.setup.slots.contains(Slot(device: $0.key.device)) }
            if Set(ours.map(\.key)) != Set(worker.assignments.keys) { differences.append("assignments") }
            if Set(ours.map(\.key.device)) != Set(worker.devices.keys) { differences.append("devices") }
            for (key, record) in ours where worker.assignments[key]?.isEnabled != record.isEnabled {
                differences.append("\(key) is not as enabled as it should be")
            }
            for (key, work) in worker.assignments {
                guard let device = picture.devices[key.device], let compiled = picture.calculators[key.calculator]
                else { continue }
                if work.cached.deviceDigest != compiled.deviceDigest(device) {
                    differences.append("\(key) is of another state of its device")
                }
                if work.cached.calculatorRevision != compiled.revision {
                    differences.append("\(key) is of another revision of its calculator")
                }
            }
            for (device, work) in worker.devices where work.keys.sorted() != picture.assignmentKeys(of: device) {
                differences.append("assignments of device \(device)")
            }
        }
        return differences
    }
}

extension RegistryPicture {
    /// All that there is in it, as text.
    fileprivate var told: [String] {
        let devices = devices.map { id, device in
            "\(id) \(device.facts) \(device.metadata.text) \(device.revision) \(device.digest) "
                + "\(device.courseDigest) \(device.messagesTTL) \(device.isAsset)"
        }
        let calculators = calculators.values.map { "calculator \($0.id) \($0.revision)" }.sorted()
        let assignments = assignments.map { "\($0.key) \($0.value)" }
        let geofences = geofences.map { "\($0.key) \($0.value.versions)" }.sorted()
        let assets = assetsOfDevice.map { "\($0.key) \($0.value.sorted())" }.sorted()
        let readers = dependants.map { "\($0.key) \($0.value)" }.sorted()
        let failures = failures.map { "\($0.key) \($0.value)" }.sorted()
        return ["revision \(revision)"] + devices + calculators + assignments + geofences + assets + readers + failures
    }
}
