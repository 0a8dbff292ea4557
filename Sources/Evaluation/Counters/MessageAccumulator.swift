import Calculators
import Expressions
import Telemetry

/// The counter `message`: whole messages or parts of them, the first, the last, each, the one where an expression is
/// extreme, or grouped by a field.
struct MessageAccumulator: Accumulator {
    private let counter: MessageCounter
    private var memories: [ProgramMemory]
    private var extremumMemory: ProgramMemory?
    private var messages: [[Value?]] = []
    private var extreme: Double?
    private var digest = ListDigest()
    private(set) var isIncomplete = false

    init(_ counter: MessageCounter) {
        self.counter = counter
        memories = counter.fields.map { ProgramMemory(for: $0.program) }
        extremumMemory = counter.extremum.map { ProgramMemory(for: $0.program) }
    }

    mutating func consume(_ view: CounterView) {
        let columns = parts(view)
        let ranks = extremumRanks(view)
        for row in 0..<view.rows.count {
            take(columns.map { $0.storable(row) }, rank: ranks.map { $0.numeric(row) })
        }
    }

    func result() -> Value? {
        switch counter.method {
        case _ where messages.isEmpty: nil
        case .aggregateByField where counter.extremum == nil: .json(groups().text)
        case .each where counter.extremum == nil: .json(JSONValue.array(messages.map(object)).text)
        default: messages.first.map { .json(object($0).text) }
        }
    }

    func write(to writer: inout ByteWriter) {
        for memory in memories { memory.write(to: &writer) }
        extremumMemory?.write(to: &writer)
        writer.write(extreme.map { .number($0) })
        digest.write(to: &writer)
    }

    mutating func read(from reader: inout ByteReader) throws(MalformedBytes) {
        for (index, field) in counter.fields.enumerated() {
            memories[index] = try ProgramMemory(for: field.program, from: &reader)
        }
        if let extremum = counter.extremum { extremumMemory = try ProgramMemory(for: extremum.program, from: &reader) }
        if case .number(let number)? = try reader.readValue() { extreme = number } else { extreme = nil }
        digest = try ListDigest(from: &reader)
        isIncomplete = digest.count > 0
    }

    private mutating func parts(_ view: CounterView) -> [ValueColumn] {
        if let slot = counter.wholeMessage { return [view.block.columns[slot].slice(view.rows)] }
        return counter.fields.indices.map { index in
            counter.fields[index].program.evaluate(
                view.block, rows: view.rows, memory: &memories[index], environment: view.environment)
        }
    }

    private mutating func extremumRanks(_ view: CounterView) -> ValueColumn? {
        guard let extremum = counter.extremum, var memory = extremumMemory else { return nil }
        defer { extremumMemory = memory }
        return extremum.program.evaluate(view.block, rows: view.rows, memory: &memory, environment: view.environment)
    }

    /// `rank` is nil where there is no extremum, and holds nil where its expression gives no number.
    private mutating func take(_ message: [Value?], rank: Double??) {
        if let rank {
            guard let rank, let extremum = counter.extremum else { return }
            if let extreme, extremum.isMaximum ? rank <= extreme : rank >= extreme { return }
            extreme = rank
            messages = [message]
            note(message)
        } else if counter.method == .each || counter.method == .aggregateByField {
            messages.append(message)
            note(message)
        } else if counter.method == .last || digest.count == 0 {
            messages = [message]
            note(message)
        }
    }

    private mutating func note(_ message: [Value?]) {
        for value in message { digest.add(value?.stableHash ?? 1) }
    }

    private func object(_ message: [Value?]) -> JSONValue {
        if counter.wholeMessage != nil { return message.first.flatMap { $0 }.map { JSONValue($0) } ?? .null }
        return .object(
            zip(counter.fields, message).compactMap { field, value in
                value.map { JSONValue.Member(field.name, JSONValue($0)) }
            })
    }

    /// An array with an object a group, in the order in which the groups first came: the key under the name of the
    /// first field, then the other fields aggregated.
    private func groups() -> JSONValue {
        var order: [String] = []
        var rows: [String: [[Value?]]] = [:]
        for message in messages {
            for key in Self.keys(message.first.flatMap { $0 }) {
                if rows[key] == nil { order.append(key) }
                rows[key, default: []].append(message)
            }
        }
        return .array(
            order.map { key in
                let members = counter.fields.enumerated().dropFirst().compactMap { index, field in
                    Self.aggregate((rows[key] ?? []).compactMap { $0[index] }, field.aggregate).map {
                        JSONValue.Member(field.name, JSONValue($0))
                    }
                }
                return .object([JSONValue.Member(counter.fields[0].name, .string(key))] + members)
            })
    }

    /// The groups a key value belongs to: one for each string of an array or `id` of its objects, else its text.
    private static func keys(_ value: Value?) -> [String] {
        guard let value else { return [] }
        guard case .array(let items) = JSONValue(value) else { return [text(JSONValue(value))] }
        return items.compactMap { item in item.members == nil ? text(item) : item["id"].map(text) }
    }

    private static func text(_ value: JSONValue) -> String { value.stringValue ?? value.text }

    private static func aggregate(_ values: [Value], _ method: Method) -> Value? {
        let numbers = values.compactMap { value in
            switch value {
            case .number(let number): number
            case .boolean(let flag): flag ? 1 : 0
            default: nil
            }
        }
        var sum = LaneSum()
        numbers.withUnsafeBufferPointer { sum.add($0) }
        switch method {
        case .first: return values.first
        case .last: return values.last
        case .minimum: return numbers.min().map { .number($0) }
        case .maximum: return numbers.max().map { .number($0) }
        case .summary: return numbers.isEmpty ? nil : .number(sum.total)
        case .average: return numbers.isEmpty ? nil : .number(sum.total / Double(numbers.count))
        case .difference: return numbers.first.flatMap { first in numbers.last.map { .number($0 - first) } }
        case .duration: return nil
        case .distinct: return .json(JSONValue.array(values.map { JSONValue($0) }.uniqued()).text)
        }
    }
}

extension Array where Element: Hashable {
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
