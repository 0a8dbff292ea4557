import Calculators
import Evaluation
import Expressions
import PrimaryStore
import Telemetry

/// Stored intervals of one or several assignments as one stream of messages: the timestamp is the end, the parameters
/// are begin, end, duration and the counters, with `calc_id` and `device_id` of the assignment.
struct IntervalStream: Sendable {
    /// An interval that stands for a message.
    private struct Row {
        var moment: Timestamp
        var firstOn: Timestamp
        var key: AssignmentKey
        var facts: DeviceFacts
        var fields: [JSONValue.Member]
    }

    private var rows: [Row] = []

    /// Adds the intervals of an assignment; active ones are not settled and left out.
    mutating func add(_ intervals: [StoredInterval], of key: AssignmentKey, _ facts: DeviceFacts) {
        for interval in intervals where !interval.isActive {
            rows.append(
                Row(
                    moment: interval.end, firstOn: interval.firstOn, key: key, facts: facts, fields: interval.fields))
        }
    }

    /// The messages in the order of their ends, then of the assignments; of equal ends the later ones are moved up by a
    /// microsecond each, so that all are distinct.
    func block(_ layout: ColumnLayout) -> MessageBlock {
        let rows = settled()
        let timestamps = rows.map(\.moment.microseconds)
        let columns = layout.names.map { name in
            var column = ValueColumn()
            for row in rows { column.append(value(name, of: row)) }
            return column
        }
        return MessageBlock(timestamps: timestamps, acceptances: timestamps, columns: columns)
    }

    private func settled() -> [Row] {
        var rows = rows.sorted { left, right in
            if left.moment != right.moment { return left.moment < right.moment }
            return left.key == right.key ? left.firstOn < right.firstOn : left.key.precedes(right.key)
        }
        for index in rows.indices.dropFirst() {
            let next = Timestamp(microseconds: rows[index - 1].moment.microseconds + 1)
            rows[index].moment = max(rows[index].moment, next)
        }
        return rows
    }

    private func value(_ name: String, of row: Row) -> Value? {
        switch name {
        case "timestamp", "server.timestamp": .number(row.moment.seconds)
        case MessageCounter.wholeMessageName: .json(JSONValue.object(members(of: row)).text)
        case "calc_id": .number(Double(row.key.calculator.rawValue))
        case "device_id": .number(Double(row.key.device.rawValue))
        default:
            DeviceFacts.names.contains(name)
                ? row.facts.value(name) : row.fields.first { $0.key == name }?.value.value
        }
    }

    /// The whole message, as one of a device is rendered.
    private func members(of row: Row) -> [JSONValue.Member] {
        let moments = ["timestamp", "server.timestamp"].map {
            JSONValue.Member($0, .number(row.moment.seconds))
        }
        let constants = row.facts.constants.map { JSONValue.Member($0.name, JSONValue($0.value)) }
        return moments + constants + row.key.members + row.fields
    }
}

extension StoredInterval {
    /// Begin, end, duration and the counters.
    var fields: [JSONValue.Member] {
        let json = (try? JSONValue(parsing: json)) ?? .object([])
        return (json.members ?? []).filter { $0.key != "id" && $0.key != "timestamp" }
    }
}

extension AssignmentKey {
    fileprivate func precedes(_ other: AssignmentKey) -> Bool {
        (calculator, device) < (other.calculator, other.device)
    }
}
