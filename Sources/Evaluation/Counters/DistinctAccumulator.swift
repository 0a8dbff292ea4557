import Calculators
import Expressions
import Telemetry

/// The method `distinct`: the different values in the order in which they first came, as an array.
struct DistinctAccumulator: Accumulator {
    private let program: Program
    private var memory: ProgramMemory
    private var values: [Value] = []
    private var seen: Set<Value> = []
    private var digest = ListDigest()
    private(set) var isIncomplete = false

    init(_ program: Program) {
        self.program = program
        memory = ProgramMemory(for: program)
    }

    mutating func consume(_ view: CounterView) {
        let (column, rows) = view.values(program, &memory)
        var before: Value?
        for row in rows {
            guard let value = column.present(row), value != before else { continue }
            before = value
            guard seen.insert(value).inserted else { continue }
            values.append(value)
            digest.add(value.stableHash)
        }
    }

    func result() -> Value? {
        guard !values.isEmpty else { return nil }
        return .json(JSONValue.array(values.map { JSONValue($0) }).text)
    }

    func write(to writer: inout ByteWriter, withLists: Bool) {
        memory.write(to: &writer)
        digest.write(to: &writer)
        if withLists { for value in values { writer.write(value) } }
    }

    mutating func read(from reader: inout ByteReader, withLists: Bool) throws(MalformedBytes) {
        memory = try ProgramMemory(for: program, from: &reader)
        digest = try ListDigest(from: &reader)
        isIncomplete = digest.count > 0 && !withLists
        guard withLists else { return }
        for _ in 0..<digest.count { if let value = try reader.readValue() { values.append(value) } }
        seen = Set(values)
    }
}
