import Calculators
import Evaluation
import Expressions
import PrimaryStore
import ReferenceBridge
import ReferenceEvaluator
import SeededRandom
import Telemetry
import TimeZones

@testable import CalcProcess

/// One random life of a nest of calculators on a device: batches in any order, restarts, lost caches, edits of
/// calculators and geofences, fields that people add.
struct NestRun {
    private let given: GeneratedCase
    /// The calculators, with geofences that are numbered over all of them.
    private let definitions: [GeneratedCalculator]
    private let rig: WorkerRig
    private let device = DeviceID(7)
    private let batches: [MessageBatch]
    private let whole: MessageBatch
    private let keys: [AssignmentKey]
    private var random: SeededGenerator
    private var log: [String] = []

    init(_ given: GeneratedCase, salt: UInt64 = 0) throws {
        self.given = given
        definitions = try Self.numbered(given.calculators)
        random = SeededGenerator(seed: given.seed &* 3 &+ salt &+ 91)
        let now = Timestamp(microseconds: given.nowMicroseconds)
        rig = try WorkerRig(
            now: now.advanced(bySeconds: -100_000), sealSeconds: random.pick([0, 30, 1e9]),
            stateSpacing: random.pick([1, 3, 20, 100]))
        keys = definitions.map { AssignmentKey(calculator: CalculatorID(Int64($0.id)), device: DeviceID(7)) }
        whole = MessageBatch(given.rawMessages, rig.store.parameters)
        batches = whole.shuffledBatches(&random)
        try register()
    }

    private func register() throws {
        for index in 1...7 {
            _ = try rig.store.createDevice(
                ident: index == 7 ? "352093081452251" : "other-\(index)", name: "van \(index)",
                json: "{\"metadata\":\(given.metadataJSON)}")
        }
        for definition in definitions {
            let record = try rig.store.createCalculator(name: "c\(definition.id)", json: definition.json)
            precondition(record.id.rawValue == Int64(definition.id), "calculators count up from 1")
        }
        try Self.registerGeofences(definitions, in: rig.store, at: rig.now)
        _ = try rig.store.assign(keys, isEnabled: true, isAutoCreated: false)
    }

    static func numbered(_ calculators: [GeneratedCalculator]) throws -> [GeneratedCalculator] {
        var last: Int64 = 0
        return try calculators.map { calculator in
            let geofences = try JSONValue(parsing: calculator.geofencesJSON).arrayValue ?? []
            var result = calculator
            result.geofencesJSON =
                JSONValue.array(
                    geofences.map { geofence in
                        last += 1
                        var copy = geofence
                        copy["id"] = .number(Double(last))
                        return copy
                    }
                ).text
            return result
        }
    }

    /// The geofences of all calculators by their ids.
    private func geofences() throws -> [Int64: JSONValue] { try Self.geofences(definitions) }

    private static func geofences(_ definitions: [GeneratedCalculator]) throws -> [Int64: JSONValue] {
        var found: [Int64: JSONValue] = [:]
        for definition in definitions {
            for geofence in try JSONValue(parsing: definition.geofencesJSON).arrayValue ?? [] {
                found[geofence["id"]?.integerValue ?? 0] = geofence
            }
        }
        return found
    }

    static func registerGeofences(
        _ definitions: [GeneratedCalculator], in store: any PrimaryStore, at moment: Timestamp
    ) throws {
        let found = try geofences(definitions)
        for (id, entity) in found.sorted(by: { $0.key < $1.key }) {
            let record = try store.createEntity(
                .geofence, name: entity["name"]?.stringValue ?? "", json: entity.text)
            precondition(record.id == id, "geofences count up from 1")
        }
        for definition in definitions {
            let ids = (try JSONValue(parsing: definition.geofencesJSON).arrayValue ?? []).compactMap {
                $0["id"]?.integerValue
            }
            _ = try store.link(
                ids.map {
                    LinkRecord(kind: .calculatorGeofence, from: Int64(definition.id), to: $0, isAutoCreated: false)
                }, at: moment)
        }
    }

    /// Lives, and then compares with one full evaluation; nil if they are alike.
    mutating func difference() throws -> String? {
        for batch in batches {
            _ = try rig.store.append([LogAppend(device: device, batch: batch)])
            try disturb()
        }
        try comeToRest()
        return try compare() ?? rangeStarts()
    }

    /// Runs everything that is due by the end, timers and what waits for its update interval included.
    private func comeToRest() throws {
        rig.now = Timestamp(microseconds: given.nowMicroseconds)
        try rig.settle()
        for _ in 0..<given.calculators.count {
            for key in keys { try ask(key, TimeRange(lower: .distantFuture, upper: .distantFuture)) }
        }
    }

    private func ask(_ key: AssignmentKey, _ range: TimeRange) throws {
        for worker in rig.workers { _ = try worker.round([.recalculate(key, range)]) }
        try rig.settle()
    }

    private mutating func disturb() throws {
        let dice = Int.random(in: 0..<20, using: &random)
        log.append("\(dice)")
        switch dice {
        case 0..<12: try rig.disturb(dice, &random)
        case 12: try editGeofence()
        case 13 where Int.random(in: 0..<3, using: &random) == 0: try editCalculator()
        case 14: try addFields()
        default: break
        }
    }

    private mutating func settleSometimes() throws {
        if Bool.random(using: &random) { rig.now = rig.now.advanced(bySeconds: 2) }
        if Bool.random(using: &random) { try rig.settle() }
        if Int.random(in: 0..<6, using: &random) == 0 { try rig.start(workerCount: rig.workers.count) }
    }

    /// Moves a geofence away and back.
    private mutating func editGeofence() throws {
        guard let (id, entity) = try geofences().sorted(by: { $0.key < $1.key }).randomElement(using: &random) else {
            return
        }
        let name = entity["name"]?.stringValue ?? ""
        var moved = entity
        moved["geometry"] = try JSONValue(parsing: #"{"type":"circle","center":{"lat":48.85,"lon":2.36},"radius":3}"#)
        moved["priority"] = .number(50)
        _ = try rig.store.replaceEntity(.geofence, id, name: name, json: moved.text, expecting: nil)
        try settleSometimes()
        _ = try rig.store.replaceEntity(.geofence, id, name: name, json: entity.text, expecting: nil)
    }

    /// Changes a calculator and back, or takes it off the device for a while.
    private mutating func editCalculator() throws {
        guard let definition = definitions.randomElement(using: &random) else { return }
        let key = AssignmentKey(calculator: CalculatorID(Int64(definition.id)), device: device)
        if Bool.random(using: &random) {
            let other = "{\"name\":\"other\",\"selectors\":[{\"type\":\"datetime\"}],\"counters\":[]}"
            _ = try rig.store.replaceCalculator(key.calculator, name: "other", json: other, expecting: nil)
            try settleSometimes()
            _ = try rig.store.replaceCalculator(
                key.calculator, name: "c\(definition.id)", json: definition.json, expecting: nil)
        } else {
            _ = try rig.store.unassign([key], at: rig.now)
            try settleSometimes()
            _ = try rig.store.assign([key], isEnabled: true, isAutoCreated: false)
        }
    }

    /// Adds a field to an interval that is there.
    private mutating func addFields() throws {
        guard let key = keys.randomElement(using: &random),
            let id = try rig.store.heldIntervals(key).randomElement(using: &random)?.id
        else { return }
        let slot = Slot(device: device)
        let worker = rig.workers[Int(slot.rawValue) % rig.workers.count]
        let field = JSONValue.Member("custom.note", .number(Double(Int.random(in: 0...9, using: &random))))
        _ = try worker.round([.setFields(FieldsChange(key: key, id: id, fields: [field]) { _ in })])
    }

    // MARK: Comparing

    private func compare() throws -> String? {
        let expected = try fullEvaluation()
        for key in keys {
            let names = Set(try calculator(key).counters.map(\.name))
            let found = try rig.store.intervals(key, IntervalQuery()).map { Interval($0, counters: names).text }
            let wanted = (expected[key.calculator] ?? []).map(\.text)
            if let difference = Self.difference(wanted, found) {
                return "calculator \(key.calculator): \(difference)\nafter \(log.suffix(12))"
            }
            if try rig.replayedFeed(key) != Set(try rig.store.heldIntervals(key).map(\.id)) {
                return "calculator \(key.calculator): the feed replayed gives other intervals"
            }
        }
        return nil
    }

    /// Recalculation from ten ranges changes nothing, not a byte.
    private mutating func rangeStarts() throws -> String? {
        let moments = given.messages.map(\.timestampMicroseconds)
        guard let first = moments.first, let last = moments.last else { return nil }
        let before = try keys.map { try rig.store.intervals($0, IntervalQuery()).map(\.json) }
        for _ in 0..<10 {
            let lower = Int64.random(in: first - 10...last, using: &random)
            let upper = Int64.random(in: lower...last + 10, using: &random)
            for key in keys {
                try ask(
                    key,
                    TimeRange(lower: Timestamp(microseconds: lower), upper: Timestamp(microseconds: upper)))
            }
            let after = try keys.map { try rig.store.intervals($0, IntervalQuery()).map(\.json) }
            if after != before { return "recalculating \(lower)..<\(upper) changes bytes" }
        }
        return nil
    }

    private static func difference(_ expected: [String], _ actual: [String]) -> String? {
        if expected == actual { return nil }
        let place = zip(expected, actual).enumerated().first { $0.element.0 != $0.element.1 }
        return """
            expected \(expected.count), found \(actual.count); first difference at \(place.map { "\($0.offset)" } ?? "the end"):
            expected \(place.map { $0.element.0 } ?? "")
            found    \(place.map { $0.element.1 } ?? "")
            """
    }

    private func calculator(_ key: AssignmentKey) throws -> Calculator {
        let definition = definitions.first { $0.id == Int(key.calculator.rawValue) }
        return try Calculator(JSONValue(parsing: definition?.json ?? ""))
    }

    /// All calculators over all messages at once, sources first.
    private func fullEvaluation() throws -> [CalculatorID: [Interval]] {
        var found: [CalculatorID: [Interval]] = [:]
        let facts = DeviceFacts(id: device, ident: "352093081452251", name: "van 7")
        for (definition, key) in zip(definitions, keys) {
            let calculator = try calculator(key)
            var evaluator = Evaluator(
                calculator,
                environment: try Self.environment(
                    definition, calculator, metadataJSON: given.metadataJSON))
            evaluator.sources = found
            evaluator.customFields = try customFields(key)
            let binding = ColumnBinding(calculator.layout, table: rig.store.parameters, facts: facts)
            let block =
                calculator.messagesSource.map { SourceMessages(binding).block(found[$0] ?? []) }
                ?? binding.block(whole.sorted())
            let settled = evaluator.consume(block)
            let now = Timestamp(microseconds: given.nowMicroseconds)
            found[key.calculator] = (settled + evaluator.pendingIntervals(now: now)).map(\.interval)
        }
        return found
    }

    static func environment(
        _ definition: GeneratedCalculator, _ calculator: Calculator, metadataJSON: String
    ) throws -> ExpressionEnvironment {
        let geofences = try JSONValue(parsing: definition.geofencesJSON).arrayValue ?? []
        return ExpressionEnvironment(
            timeZone: try TimeZoneDatabase().table(calculator.timeZoneName),
            metadata: try JSONValue(parsing: metadataJSON), mileageOutlierSpeed: calculator.mileageOutlierSpeed,
            mileageFormula: calculator.mileageFormula,
            geofences: GeofenceSet(try geofences.map { try Geofence($0, id: $0["id"]?.integerValue ?? 0) }))
    }

    private func customFields(_ key: AssignmentKey) throws -> [Timestamp: [String: Value]] {
        let pairs = try rig.store.intervalFields(key).map { fields in
            let members = try JSONValue(parsing: fields.json).members ?? []
            return (fields.firstOn, Dictionary(members.map { ($0.key, $0.value.value) }, uniquingKeysWith: { $1 }))
        }
        return Dictionary(pairs, uniquingKeysWith: { $1 })
    }
}

extension Interval {
    fileprivate var text: String { String(decoding: head + tail, as: UTF8.self) + (isActive ? " active" : "") }
}
