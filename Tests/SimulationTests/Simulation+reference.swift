import Calculators
import Evaluation
import PrimaryStore
import ReferenceEvaluator
import Telemetry

/// Lives of one device with calculators drawn from the whole language, at whose end the reference evaluator is asked.
extension Simulation {
    /// Cases of few messages.
    static let caseSeeds: [UInt64] = []

    /// Registers the calculators, geofences and messages of a case.
    func populate(with given: GeneratedCase) throws {
        let entity = "{\"metadata\":\(given.metadataJSON)}"
        for index in 1...6 { _ = try store.createDevice(ident: "other-\(index)", name: "", json: "{}") }
        let id = try store.createDevice(ident: "352093081452251", name: "van 7", json: entity).id
        for definition in given.calculators {
            let id = try store.createCalculator(name: "c\(definition.id)", json: definition.json).id
            calculators.append((id, []))
            note("calculator \(id) \(definition.json)")
            try addGeofences(of: definition, id)
        }
        let keys = calculators.map { AssignmentKey(calculator: $0.id, device: id) }
        _ = try store.assign(keys, isEnabled: true, isAutoCreated: false)
        let messages = MessageBatch(given.rawMessages, store.parameters)
        devices.append(
            SimulatedDevice(
                id: id, ident: "352093081452251", messages: messages,
                batches: SimulatedDevice.batches(messages.count, rates, &random), hasStamps: true))
    }

    private func addGeofences(of definition: GeneratedCalculator, _ calculator: CalculatorID) throws {
        for geofence in try JSONValue(parsing: definition.geofencesJSON).arrayValue ?? [] {
            let name = geofence["name"]?.stringValue ?? ""
            let id = try store.createEntity(.geofence, name: name, json: geofence.text).id
            let link = LinkRecord(kind: .calculatorGeofence, from: calculator.rawValue, to: id)
            _ = try store.link([link], at: clock.now)
        }
    }

    /// Why what is stored is not what the reference evaluator gives; nil if it is.
    func otherThanReference() throws -> String? {
        guard let given, !hasEdits, let device = devices.first else { return nil }
        faults.count("lives compared with the reference")
        let expected = try given.nest().evaluate(given.messages, nowMicroseconds: clock.now.microseconds)
        for calculator in calculators {
            let record = try store.registry().calculators.first { $0.id == calculator.id }
            let names = Set(try Calculator(JSONValue(parsing: record?.json ?? "")).counters.map(\.name))
            let key = AssignmentKey(calculator: calculator.id, device: device.id)
            let stored = try store.intervals(key, IntervalQuery()).map { RefInterval(Interval($0, counters: names)) }
            let wanted = expected[Int(calculator.id.rawValue)] ?? []
            if let difference = RefInterval.disagreement(expected: wanted, actual: stored) {
                return "calculator \(calculator.id) is not as the reference has it: \(difference)"
            }
        }
        return nil
    }
}

extension RefInterval {
    fileprivate init(_ interval: Interval) {
        self.init(
            beginMicroseconds: interval.begin.microseconds, endMicroseconds: interval.end.microseconds,
            firstOnMicroseconds: interval.firstOn.microseconds, isActive: interval.isActive,
            counters: interval.counters.map { ($0.name, RefValue($0.value)) })
    }
}

extension RefValue {
    fileprivate init(_ value: Value) {
        self =
            switch value {
            case .null: .null
            case .boolean(let flag): .boolean(flag)
            case .number(let number): .number(number)
            case .string(let text): .string(text)
            case .json(let text): .json(text)
            }
    }
}

extension Value {
    fileprivate init(_ value: RefValue) {
        self =
            switch value {
            case .null: .null
            case .boolean(let flag): .boolean(flag)
            case .number(let number): .number(number)
            case .string(let text): .string(text)
            case .json(let text): .json(text)
            }
    }
}

extension MessageBatch {
    /// A case's messages as the log takes them.
    fileprivate init(_ messages: [RefMessage], _ table: ParameterTable) {
        var builder = MessageBatchBuilder(table: table)
        for message in messages {
            for (name, value) in message.values.sorted(by: { $0.key < $1.key }) {
                if let parameter = table.id(for: name) { builder.set(parameter, Value(value)) }
            }
            builder.finishMessage(
                timestamp: Timestamp(microseconds: message.timestampMicroseconds),
                acceptance: Timestamp(microseconds: message.acceptanceMicroseconds))
        }
        self = builder.build()
    }
}
