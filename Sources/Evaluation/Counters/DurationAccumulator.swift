import Expressions
import Telemetry

/// The method `duration`: the seconds from each message on which the expression is true to the next one.
///
/// Absent if the expression is an error on every message.
struct DurationAccumulator: Sendable {
    private var microseconds: Int64 = 0
    private var wasTrue = false
    private var lastTimestamp: Int64?
    private var hasValue = false

    /// Takes the values in some rows of a column; `start` is the row of the first of them among the timestamps.
    mutating func take(_ values: ValueColumn, _ rows: Range<Int>, _ timestamps: [Int64], from start: Int) {
        guard let first = rows.first, let last = rows.last else { return }
        if wasTrue, let lastTimestamp { microseconds += timestamps[start] - lastTimestamp }
        let timestamps = timestamps[start..<start + rows.count]
        if values.uniform == .boolean || values.uniform == .number {
            microseconds += Self.time(values.numbers[rows], timestamps)
        } else {
            for (row, moment) in zip(rows.dropLast(), timestamps.indices) where values.isTrue(row) {
                microseconds += timestamps[moment + 1] - timestamps[moment]
            }
        }
        wasTrue = values.isTrue(last)
        lastTimestamp = timestamps.last
        if !hasValue {
            hasValue = values.kind(first) != .error || rows.contains { values.kind($0) != .error }
        }
    }

    /// The time from each row that is not zero to the next.
    private static func time(_ numbers: ArraySlice<Double>, _ timestamps: ArraySlice<Int64>) -> Int64 {
        numbers.withUnsafeBufferPointer { numbers in
            timestamps.withUnsafeBufferPointer { timestamps in
                var sum: Int64 = 0
                for row in 0..<timestamps.count - 1 {
                    sum &+= numbers[row] != 0 ? timestamps[row &+ 1] &- timestamps[row] : 0
                }
                return sum
            }
        }
    }

    func result() -> Value? { hasValue ? .number(Double(microseconds) / 1e6) : nil }

    func write(to writer: inout ByteWriter) {
        writer.write(fixed: microseconds)
        writer.write(byte: (wasTrue ? 1 : 0) | (hasValue ? 2 : 0))
        writer.write(lastTimestamp.map { Timestamp(microseconds: $0) })
    }

    mutating func read(from reader: inout ByteReader) throws(MalformedBytes) {
        microseconds = try reader.readFixed(Int64.self)
        let flags = try reader.readByte()
        (wasTrue, hasValue) = (flags & 1 != 0, flags & 2 != 0)
        lastTimestamp = try reader.readTimestamp()?.microseconds
    }
}
