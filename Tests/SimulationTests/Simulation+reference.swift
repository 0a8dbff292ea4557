import Calculators
import Evaluation
import PrimaryStore
import ReferenceBridge
import ReferenceEvaluator
import SeededRandom
import Telemetry

/// Lives of one device with calculators drawn from the whole language, at whose end the reference evaluator is asked.
extension Simulation {
    /// Cases of few messages.
    static let caseSeeds: [UInt64] = [
        3, 6, 8, 9, 15, 32, 38, 39, 49, 50, 73, 75, 79, 93, 114, 121, 125, 143, 171, 175, 219, 227, 249, 271, 272,
        300, 322, 324, 326, 332, 333, 351, 353, 372, 388, 399, 412, 417, 464, 470, 497, 498, 507, 515, 523, 539,
        546, 581, 595, 602, 621, 636, 646, 663, 678, 706, 715, 716, 732, 734, 738, 769, 784, 786, 800, 838, 842,
        846, 854, 898, 920, 921, 936, 956, 963, 969, 970, 993, 1036, 1041, 1042, 1054, 1063, 1073, 1100, 1101, 1103,
        1111, 1118, 1128, 1143, 1153, 1157, 1162, 1166, 1179, 1194, 1201, 1222, 1226, 1234, 1238, 1265, 1305, 1308,
        1324, 1327, 1338, 1367, 1373,
    ]

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

    /// A case of few messages; its geofences are numbered over all its calculators, as a store does it.
    static func givenCase(_ random: inout SeededGenerator) throws -> GeneratedCase {
        var given = Generator.wholeCase(seed: random.pick(caseSeeds))
        var last = 0.0
        func numbered(_ geofences: String) throws -> String {
            let numbered = try (JSONValue(parsing: geofences).arrayValue ?? []).map { geofence in
                last += 1
                var copy = geofence
                copy["id"] = .number(last)
                return copy
            }
            return JSONValue.array(numbered).text
        }
        for index in given.sources.indices {
            given.sources[index].geofencesJSON = try numbered(given.sources[index].geofencesJSON)
        }
        given.geofencesJSON = try numbered(given.geofencesJSON)
        return given
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
            if let difference = RefInterval.disagreement(expected: wanted, actual: stored, tolerance: 1e-6) {
                return "calculator \(calculator.id) is not as the reference has it: \(difference)"
            }
        }
        return nil
    }
}
