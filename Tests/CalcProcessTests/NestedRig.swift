import Calculators
import Evaluation
import Expressions
import PrimaryStore
import ReferenceBridge
import ReferenceEvaluator
import Telemetry
import Testing
import TimeZones

@testable import CalcProcess

/// Calculators that read each other on one device, and what one full evaluation of all of them gives.
final class NestedRig {
    let rig: WorkerRig
    let device = DeviceID(7)
    /// The calculators' ids, in the order in which they were given: sources first.
    let ids: [CalculatorID]
    let metadata: String
    private var definitions: [CalculatorID: String] = [:]
    private var sent = MessageBatch()

    static let facts = DeviceFacts(id: DeviceID(7), ident: "352093081452251", name: "van 7")

    /// Calculators count up from 1, geofences too; `assigned` are the geofences of each calculator.
    init(
        _ calculators: [String], geofences: [String] = [], assigned: [[Int64]] = [], metadata: String = "{}",
        stateSpacing: Int = 1, workerCount: Int = 1, sealSeconds: Double = 1e9
    ) throws {
        self.metadata = metadata
        rig = try WorkerRig(
            now: Timestamp(seconds: 1_700_100_000), workerCount: workerCount, sealSeconds: sealSeconds,
            stateSpacing: stateSpacing)
        for index in 1...7 {
            let ident = index == 7 ? Self.facts.ident : "other-\(index)"
            _ = try rig.store.createDevice(ident: ident, name: "van \(index)", json: "{\"metadata\":\(metadata)}")
        }
        var ids: [CalculatorID] = []
        for json in calculators {
            ids.append(try rig.store.createCalculator(name: "c", json: json).id)
            definitions[ids[ids.count - 1]] = json
        }
        self.ids = ids
        for json in geofences {
            let name = try JSONValue(parsing: json)["name"]?.stringValue ?? ""
            _ = try rig.store.createEntity(.geofence, name: name, json: json)
        }
        let links = zip(ids, assigned).flatMap { id, geofences in
            geofences.map {
                LinkRecord(kind: .calculatorGeofence, from: id.rawValue, to: $0, isAutoCreated: false)
            }
        }
        _ = try rig.store.link(links, at: rig.now)
        _ = try rig.store.assign(keys, isEnabled: true, isAutoCreated: false)
        try settle()
    }

    var keys: [AssignmentKey] { ids.map { AssignmentKey(calculator: $0, device: device) } }

    /// The worker that has the device.
    var worker: Worker { rig.workers[Int(Slot(device: device).rawValue) % rig.workers.count] }

    /// Sends messages as one batch: seconds and parameters.
    func send(_ messages: [(Double, [String: RefValue])]) throws {
        try send(
            MessageBatch(
                messages.map { seconds, values in
                    let moment = Int64((seconds * 1e6).rounded())
                    return RefMessage(timestampMicroseconds: moment, acceptanceMicroseconds: moment, values: values)
                }, rig.store.parameters))
    }

    func send(_ batch: MessageBatch) throws {
        _ = try rig.store.append([LogAppend(device: device, batch: batch)])
        sent = sent.merged(with: batch)
    }

    func replace(_ place: Int, _ json: String) throws {
        definitions[ids[place]] = json
        _ = try rig.store.replaceCalculator(ids[place], name: "c", json: json, expecting: nil)
    }

    /// Lets everything come to rest, what waits for its update interval included.
    func settle() throws {
        for _ in 0..<ids.count * 2 + 2 {
            rig.now = rig.now.advanced(bySeconds: 61)
            try rig.settle()
        }
    }

    func setFields(_ place: Int, id: Int64, _ name: String, _ value: JSONValue) throws {
        let change = FieldsChange(key: keys[place], id: id, fields: [JSONValue.Member(name, value)]) { _ in }
        _ = try worker.round([.setFields(change)])
    }

    // MARK: What is there and what should be

    func intervals(_ place: Int) throws -> [StoredInterval] { try rig.store.intervals(keys[place], IntervalQuery()) }

    /// The values of a counter over all intervals of a calculator.
    func values(_ place: Int, _ name: String) throws -> [JSONValue?] {
        try intervals(place).map { try JSONValue(parsing: $0.json)[name] }
    }

    /// Notes where what is stored differs from one full evaluation of everything.
    func agrees(_ sourceLocation: SourceLocation = #_sourceLocation) throws {
        if let difference = try difference() { Issue.record("\(difference)", sourceLocation: sourceLocation) }
    }

    /// Where what is stored differs from one full evaluation of everything; nil if it does not.
    func difference() throws -> String? {
        let expected = try fullEvaluation()
        for key in keys {
            let names = Set(try Calculator(JSONValue(parsing: definitions[key.calculator] ?? "")).counters.map(\.name))
            let found = try rig.store.intervals(key, IntervalQuery()).map { Self.text(Interval($0, counters: names)) }
            let wanted = (expected[key.calculator] ?? []).map(Self.text)
            if wanted == found { continue }
            let place = zip(wanted, found).enumerated().first { $0.element.0 != $0.element.1 }
            return """
                calculator \(key.calculator): expected \(wanted.count), found \(found.count)
                expected \(place.map { $0.element.0 } ?? wanted.last ?? "")
                found    \(place.map { $0.element.1 } ?? found.last ?? "")
                """
        }
        return nil
    }

    private static func text(_ interval: Interval) -> String {
        String(decoding: interval.head + interval.tail, as: UTF8.self) + (interval.isActive ? " active" : "")
    }

    func fullEvaluation() throws -> [CalculatorID: [Interval]] {
        var found: [CalculatorID: [Interval]] = [:]
        let registry = try rig.store.registry()
        let assigned = Set(registry.assignments.map(\.key))
        for key in keys where assigned.contains(key) {
            let calculator = try Calculator(JSONValue(parsing: definitions[key.calculator] ?? ""))
            var evaluator = Evaluator(calculator, environment: try environment(calculator, key, registry))
            evaluator.sources = found
            evaluator.customFields = try customFields(key)
            let binding = ColumnBinding(calculator.layout, table: rig.store.parameters, facts: Self.facts)
            let block =
                calculator.messagesSource.map { SourceMessages(binding).block(found[$0] ?? []) }
                ?? binding.block(sent.sorted())
            found[key.calculator] = (evaluator.consume(block) + evaluator.pendingIntervals(now: rig.now))
                .map(\.interval)
        }
        return found
    }

    private func environment(
        _ calculator: Calculator, _ key: AssignmentKey, _ registry: RegistrySnapshot
    ) throws -> ExpressionEnvironment {
        let linked = Set(
            registry.links.filter { $0.kind == .calculatorGeofence && $0.from == key.calculator.rawValue }.map(\.to))
        let geofences = try registry.entities.filter { $0.kind == .geofence && linked.contains($0.id) }
            .sorted { $0.id < $1.id }.map { try Geofence(JSONValue(parsing: $0.json), id: $0.id) }
        return ExpressionEnvironment(
            timeZone: try TimeZoneDatabase().table(calculator.timeZoneName),
            metadata: try JSONValue(parsing: metadata), mileageOutlierSpeed: calculator.mileageOutlierSpeed,
            mileageFormula: calculator.mileageFormula, geofences: GeofenceSet(geofences))
    }

    private func customFields(_ key: AssignmentKey) throws -> [Timestamp: [String: Value]] {
        let pairs = try rig.store.intervalFields(key).map { fields in
            let members = try JSONValue(parsing: fields.json).members ?? []
            return (fields.firstOn, Dictionary(members.map { ($0.key, $0.value.value) }, uniquingKeysWith: { $1 }))
        }
        return Dictionary(pairs, uniquingKeysWith: { $1 })
    }
}
