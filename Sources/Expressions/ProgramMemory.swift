import Telemetry

/// What a program remembers of the messages it has seen; a value that can be saved and compared.
public struct ProgramMemory: Sendable, Equatable {
    /// Whether any message has been seen.
    var hasPrevious = false
    var previousTimestamp: Int64 = 0
    /// The previous message's values of `Program.previousNames`.
    var previous: [Value?]
    /// The last accepted position and, after an outlier, the one that may prove a real move.
    var position: Fix?
    var candidate: Fix?

    struct Fix: Sendable, Equatable {
        var latitude: Double
        var longitude: Double
        var timestamp: Int64
        /// The first of the messages in a row that say this same position.
        var since: Int64
    }

    public init(for program: Program) {
        previous = [Value?](repeating: nil, count: program.previousNames.count)
    }

    public func write(to writer: inout ByteWriter) {
        writer.write(byte: hasPrevious ? 1 : 0)
        writer.write(fixed: previousTimestamp)
        for value in previous { writer.write(value) }
        for fix in [position, candidate] {
            writer.write(byte: fix == nil ? 0 : 1)
            guard let fix else { continue }
            writer.write(double: fix.latitude)
            writer.write(double: fix.longitude)
            writer.write(fixed: fix.timestamp)
            writer.write(fixed: fix.since)
        }
    }

    public init(for program: Program, from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(for: program)
        hasPrevious = try reader.readByte() != 0
        previousTimestamp = try reader.readFixed(Int64.self)
        for index in previous.indices { previous[index] = try reader.readValue() }
        position = try Self.readFix(&reader)
        candidate = try Self.readFix(&reader)
    }

    private static func readFix(_ reader: inout ByteReader) throws(MalformedBytes) -> Fix? {
        guard try reader.readByte() != 0 else { return nil }
        return Fix(
            latitude: try reader.readDouble(), longitude: try reader.readDouble(),
            timestamp: try reader.readFixed(Int64.self), since: try reader.readFixed(Int64.self))
    }
}

extension ProgramMemory {
    /// The memory of a program over intervals: the fields of the interval before; nil if there is none.
    public init(for program: Program, previousFields: [String: Value]?) {
        self.init(for: program)
        guard let previousFields else { return }
        hasPrevious = true
        previous = program.previousNames.map { previousFields[$0] }
    }
}
