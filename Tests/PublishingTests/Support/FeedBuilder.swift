import PrimaryStore
import Telemetry

/// Numbers feed rows as the store does: by slot, from 1.
struct FeedBuilder {
    private(set) var revisions: [Slot: Int64] = [:]

    mutating func row(
        _ operation: ChangeOperation, _ key: AssignmentKey, _ id: Int64, _ interval: Interval,
        calculatorRevision: Int64 = 1,
        json: [UInt8]? = nil
    ) -> FeedRow {
        let slot = Slot(device: key.device)
        let revision = revisions[slot, default: 0] + 1
        revisions[slot] = revision
        let body = operation == .deleted ? nil : json ?? interval.json(id: id)
        var row = FeedRow(
            slot: slot, revision: revision, operation: operation, key: key, id: id, begin: interval.begin,
            end: interval.end,
            timestamp: interval.calculatedAt, json: body)
        row.isActive = interval.isActive
        row.calculatorRevision = calculatorRevision
        return row
    }
}

extension Interval {
    var calculatedAt: Timestamp { end.advanced(bySeconds: 12) }

    /// The text as a push makes it.
    func json(id: Int64) -> [UInt8] {
        var writer = JSONWriter(capacity: 64)
        writer.write(literal: ",\"id\":")
        writer.write(Value.number(Double(id)))
        writer.write(literal: ",\"timestamp\":")
        writer.write(calculatedAt)
        return head + writer.bytes + tail
    }

    func stored(id: Int64, calculatorRevision: Int64 = 1) -> StoredInterval {
        StoredInterval(
            held: HeldInterval(id: id, firstOn: begin, begin: begin, end: end, isActive: isActive, digest: 0),
            timestamp: calculatedAt, calculatorRevision: calculatorRevision, json: json(id: id), headCount: head.count)
    }

    init(_ begin: Double, _ end: Double, isActive: Bool = false, _ counters: KeyValuePairs<String, Value>) {
        self.init(
            begin: Timestamp(seconds: begin), end: Timestamp(seconds: end), firstOn: Timestamp(seconds: begin),
            isActive: isActive, counters: counters.map { Counter(name: $0.key, value: $0.value) })
    }
}

extension CalculatorRecord {
    init(
        _ id: Int64, _ name: String, counters: [JSONValue] = [], metadata: JSONValue = [:], revision: Int64 = 1
    ) {
        let json: JSONValue = ["name": .string(name), "counters": .array(counters), "metadata": metadata]
        self.init(id: CalculatorID(id), name: name, json: json.text, revision: revision)
    }
}

extension DeviceRecord {
    init(_ id: Int64, _ ident: String, name: String = "", metadata: JSONValue = [:], revision: Int64 = 1) {
        let json: JSONValue = [
            "name": .string(name), "configuration": ["ident": .string(ident)], "metadata": metadata,
        ]
        self.init(id: DeviceID(id), ident: ident, name: name, json: json.text, revision: revision)
    }
}

extension RegistrySnapshot {
    /// Every calculator on every device.
    init(
        revision: Int64 = 1, devices: [DeviceRecord], calculators: [CalculatorRecord], horizon: Timestamp = .distantPast
    ) {
        self.init(
            revision: revision, devices: devices, calculators: calculators,
            assignments: devices.flatMap { device in
                calculators.map { calculator in
                    AssignmentRecord(
                        key: AssignmentKey(calculator: calculator.id, device: device.id), isEnabled: true,
                        isAutoCreated: false, marks: AssignmentMarks(horizon: horizon))
                }
            })
    }
}

func key(_ calculator: Int64, _ device: Int64) -> AssignmentKey {
    AssignmentKey(calculator: CalculatorID(calculator), device: DeviceID(device))
}
