import Calculators
import Telemetry

/// Makes one of several: the values of a field, and rows that share a key.
enum FieldGroups {
    /// The values of several rows as one; nil where the method finds none that it takes.
    static func aggregate(_ values: [Value], _ method: Method) -> Value? {
        let numbers = values.compactMap(\.numeric)
        var sum = LaneSum()
        numbers.withUnsafeBufferPointer { sum.add($0) }
        switch method {
        case .first: return values.first
        case .last: return values.last
        case .minimum: return numbers.min().map { .number($0) }
        case .maximum: return numbers.max().map { .number($0) }
        case .summary: return numbers.isEmpty ? nil : finite(sum.total)
        case .average: return numbers.isEmpty ? nil : finite(sum.total / Double(numbers.count))
        case .difference: return numbers.first.flatMap { first in numbers.last.flatMap { finite($0 - first) } }
        case .duration: return nil
        case .distinct:
            return values.isEmpty ? nil : .json(JSONValue.array(values.map { JSONValue($0) }.uniqued()).text)
        }
    }

    /// The same where nobody says how: numbers are summed, of others the first is taken.
    static func aggregate(_ values: [Value]) -> Value? {
        aggregate(values, values.allSatisfy { $0.numeric != nil } ? .summary : .first)
    }

    /// An array with an object a group, in the order in which the groups first came: the key under the name of the
    /// first field, then the other fields as `aggregate` makes them of the group's rows.
    static func groups(
        _ rows: [[Value?]], names: [String], _ aggregate: (_ field: Int, _ values: [Value]) -> Value?
    ) -> JSONValue {
        var order: [String] = []
        var members: [String: [[Value?]]] = [:]
        for row in rows {
            for key in keys(row.first.flatMap { $0 }) {
                if members[key] == nil { order.append(key) }
                members[key, default: []].append(row)
            }
        }
        return .array(
            order.map { key in
                let others = names.indices.dropFirst().compactMap { field in
                    aggregate(field, (members[key] ?? []).compactMap { $0[field] }.filter { $0 != .null }).map {
                        JSONValue.Member(names[field], JSONValue($0))
                    }
                }
                return .object([JSONValue.Member(names[0], .string(key))] + others)
            })
    }

    /// The groups that a key value stands for: each element of an array by its text, objects in it by their `id`.
    private static func keys(_ value: Value?) -> [String] {
        guard let value, value != .null else { return [] }
        guard case .json = value, let items = JSONValue(value).arrayValue else { return [text(JSONValue(value))] }
        return items.compactMap { item in item.members == nil ? text(item) : item["id"].map(text) }.uniqued()
    }

    private static func text(_ value: JSONValue) -> String { value.stringValue ?? value.text }

    private static func finite(_ number: Double) -> Value? { number.isFinite ? .number(number == 0 ? 0 : number) : nil }
}

extension Value {
    /// A number, or a boolean as 1 or 0.
    var numeric: Double? {
        switch self {
        case .number(let number): number
        case .boolean(let flag): flag ? 1 : 0
        case .null, .string, .json: nil
        }
    }
}

extension Array where Element: Hashable {
    /// Each element once, in the order of first appearance.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
