import Calculators
import Expressions
import Telemetry

/// The method `duration`: the seconds from each message on which the expression is true to the next one.
///
/// Absent if the expression is an error on every message.
struct DurationAccumulator: Accumulator {
    private let program: Program
    private var memory: ProgramMemory
    private var microseconds: Int64 = 0
    private var wasTrue = false
    private var lastTimestamp: Int64?
    private var hasValue = false

    init(_ program: Program) {
        self.program = program
        memory = ProgramMemory(for: program)
    }

    var isIncomplete: Bool { false }

    mutating func consume(_ view: CounterView) {
        let (values, rows) = view.values(program, &memory)
        let shift = view.rows.lowerBound - rows.lowerBound
        for row in rows {
            let timestamp = view.block.timestamps[row + shift]
            if wasTrue, let lastTimestamp { microseconds += timestamp - lastTimestamp }
            wasTrue = values.isTrue(row)
            lastTimestamp = timestamp
        }
        if !hasValue { hasValue = rows.contains { values.kind($0) != .error } }
    }

    func result() -> Value? { hasValue ? .number(Double(microseconds) / 1e6) : nil }

    func write(to writer: inout ByteWriter, withLists: Bool) {
        memory.write(to: &writer)
        writer.write(fixed: microseconds)
        writer.write(byte: (wasTrue ? 1 : 0) | (hasValue ? 2 : 0))
        writer.write(lastTimestamp.map { Timestamp(microseconds: $0) })
    }

    mutating func read(from reader: inout ByteReader, withLists: Bool) throws(MalformedBytes) {
        memory = try ProgramMemory(for: program, from: &reader)
        microseconds = try reader.readFixed(Int64.self)
        let flags = try reader.readByte()
        (wasTrue, hasValue) = (flags & 1 != 0, flags & 2 != 0)
        lastTimestamp = try reader.readTimestamp()?.microseconds
    }
}
