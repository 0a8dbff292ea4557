import Telemetry

/// "This range of this assignment must be calculated again", with its cause.
package struct Invalidation: Sendable, Hashable {
    package var range: TimeRange
    /// When the first change in it came.
    package var since: Timestamp
    /// When it is to be calculated.
    package var due: Timestamp
    package var cause: String
    /// Whether a change of configuration is among its causes: then intervals may vanish in numbers.
    package var isConfigured: Bool
    /// Whether it waits for somebody to decide, together with the job that was held.
    package var isHeld: Bool

    package init(
        range: TimeRange, since: Timestamp, due: Timestamp, cause: String, isConfigured: Bool = false,
        isHeld: Bool = false
    ) {
        self.isConfigured = isConfigured
        self.isHeld = isHeld
        self.range = range
        self.since = since
        self.due = due
        self.cause = cause
    }
}

extension Invalidation {
    private func write(to writer: inout ByteWriter) {
        for moment in [range.lower, range.upper, since, due] { writer.write(fixed: moment.microseconds) }
        writer.write(byte: (isConfigured ? 1 : 0) | (isHeld ? 2 : 0))
        writer.write(cause)
    }

    private init(from reader: inout ByteReader) throws(MalformedBytes) {
        var moments: [Timestamp] = []
        for _ in 0..<4 { moments.append(Timestamp(microseconds: try reader.readFixed(Int64.self))) }
        self.init(
            range: TimeRange(lower: moments[0], upper: moments[1]), since: moments[2], due: moments[3], cause: "")
        let flags = try reader.readByte()
        isConfigured = flags & 1 != 0
        isHeld = flags & 2 != 0
        cause = try reader.readString()
    }

    static func encode(_ pending: [Invalidation]) -> [UInt8] {
        var writer = ByteWriter()
        for invalidation in pending { invalidation.write(to: &writer) }
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(MalformedBytes) -> [Invalidation] {
        var reader = ByteReader(bytes)
        var pending: [Invalidation] = []
        while !reader.isAtEnd { pending.append(try Invalidation(from: &reader)) }
        return pending
    }
}
