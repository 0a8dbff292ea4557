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
            guard let message = message(columns, row) else { continue }
            take(message, rank: ranks.map { $0.numeric(row) })
        }
    }

    func result() -> Value? {
        switch counter.method {
        case _ where messages.isEmpty: nil
        case .aggregateByField where counter.extremum == nil: groups.map { .json($0.text) }
        case .each where counter.extremum == nil: .json(JSONValue.array(messages.map(object)).text)
        default: messages.first.map { .json(object($0).text) }
        }
    }

    func write(to writer: inout ByteWriter, withLists: Bool) {
        for memory in memories { memory.write(to: &writer) }
        extremumMemory?.write(to: &writer)
        writer.write(extreme.map { .number($0) })
        digest.write(to: &writer)
        guard withLists else { return }
        writer.write(varint: UInt64(messages.count))
        for message in messages { for value in message { writer.write(value) } }
    }

    mutating func read(from reader: inout ByteReader, withLists: Bool) throws(MalformedBytes) {
        for (index, field) in counter.fields.enumerated() {
            memories[index] = try ProgramMemory(for: field.program, from: &reader)
        }
        if let extremum = counter.extremum { extremumMemory = try ProgramMemory(for: extremum.program, from: &reader) }
        if case .number(let number)? = try reader.readValue() { extreme = number } else { extreme = nil }
        digest = try ListDigest(from: &reader)
        isIncomplete = digest.count > 0 && !withLists
        guard withLists else { return }
        let width = counter.wholeMessage == nil ? counter.fields.count : 1
        for _ in 0..<(try reader.readCount()) {
            var message: [Value?] = []
            for _ in 0..<width { message.append(try reader.readValue()) }
            messages.append(message)
        }
    }

    private mutating func parts(_ view: CounterView) -> [ValueColumn] {
        if let slot = counter.wholeMessage { return [view.block.columns[slot].slice(view.rows)] }
        return counter.fields.indices.map { index in
            counter.fields[index].program.evaluate(
                view.block, rows: view.rows, memory: &memories[index], environment: view.environment)
        }
    }

    /// The parts of a row; nil where the counter passes the message over.
    private func message(_ columns: [ValueColumn], _ row: Int) -> [Value?]? {
        guard let unknown = counter.unknown else { return columns.map { $0.storable(row) } }
        let values = columns.map { $0.present(row) }
        return unknown == .passesMessageOver && values.contains { $0 == nil } ? nil : values
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

    /// nil if no message has a key.
    private var groups: JSONValue? {
        let groups = FieldGroups.groups(messages, names: counter.fields.map(\.name)) { field, values in
            FieldGroups.aggregate(values, counter.fields[field].aggregate)
        }
        return groups.arrayValue?.isEmpty ?? true ? nil : groups
    }

    private func object(_ message: [Value?]) -> JSONValue {
        if counter.wholeMessage != nil { return message.first.flatMap { $0 }.map { JSONValue($0) } ?? .null }
        return .object(
            zip(counter.fields, message).compactMap { field, value in
                value.map { JSONValue.Member(field.name, JSONValue($0)) }
            })
    }
}
