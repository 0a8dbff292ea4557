import Telemetry

extension MessageChunk {
    /// Encodes messages, in any order, which is kept; decoding gives back every value bit for bit.
    ///
    /// The columns must stand in the order of their parameters, each with a row a message, and the batch must be
    /// within `countMax` and `cellCountMax`: whoever takes messages from outside limits them before.
    public static func encode(_ batch: MessageBatch) -> [UInt8] {
        checkLimits(batch)
        var bodies: [UInt8] = []
        var lengths: [Int] = []
        bodies.reserveCapacity(batch.count * batch.columns.count + 64)
        let first = batch.timestamps.min() ?? 0
        let earliest = batch.acceptances.min() ?? 0
        TimeStream.append(batch.timestamps, reference: first, to: &bodies)
        let timestampsLength = bodies.count
        let isRelative = appendAcceptances(batch, earliest: earliest, to: &bodies)
        let acceptancesLength = bodies.count - timestampsLength
        for column in batch.columns {
            let start = bodies.count
            ColumnCoder.append(column.values, to: &bodies)
            lengths.append(bodies.count - start)
        }

        var bytes: [UInt8] = [ChunkFormat.magic.0, ChunkFormat.magic.1, ChunkFormat.version]
        bytes.reserveCapacity(bodies.count + batch.count * ChunkFormat.hashSize + 4 * lengths.count + 64)
        bytes.append(flags(batch, isRelative: isRelative).rawValue)
        bytes.append(varint: UInt64(batch.count))
        bytes.append(zigzag: first)
        bytes.append(varint: UInt64(bitPattern: (batch.timestamps.max() ?? 0) &- first))
        bytes.append(zigzag: earliest &- first)
        bytes.append(varint: UInt64(bitPattern: (batch.acceptances.max() ?? 0) &- earliest))
        bytes.append(varint: UInt64(timestampsLength))
        bytes.append(varint: UInt64(acceptancesLength))
        appendColumns(batch.columns.map { $0.parameter }, lengths, to: &bytes)
        bytes.append(contentsOf: bodies)
        batch.hashes.map { $0.littleEndian }.withUnsafeBytes { bytes.append(contentsOf: $0) }
        bytes.append(fixed: crc32c(bytes))
        return bytes
    }

    private static func checkLimits(_ batch: MessageBatch) {
        precondition(batch.count <= countMax, "a chunk holds at most \(countMax) messages")
        precondition(
            batch.columns.count <= cellCountMax / max(batch.count, 1), "a chunk has at most \(cellCountMax) cells")
        precondition(batch.columns.allSatisfy { $0.values.count == batch.count }, "a column has a row a message")
        precondition(
            zip(batch.columns, batch.columns.dropFirst()).allSatisfy { $0.parameter < $1.parameter },
            "columns stand in the order of their parameters")
    }

    /// Appends the acceptances as they are or as differences from the timestamps, whichever is smaller: a batch is
    /// taken in one moment, a day's messages come a little after each was made.
    private static func appendAcceptances(_ batch: MessageBatch, earliest: Int64, to bytes: inout [UInt8]) -> Bool {
        var plain: [UInt8] = []
        TimeStream.append(batch.acceptances, reference: earliest, to: &plain)
        guard batch.count > 1 else {
            bytes.append(contentsOf: plain)
            return false
        }
        var relative: [UInt8] = []
        let differences = zip(batch.acceptances, batch.timestamps).map { $0 &- $1 }
        TimeStream.append(differences, reference: 0, to: &relative)
        bytes.append(contentsOf: relative.count < plain.count ? relative : plain)
        return relative.count < plain.count
    }

    private static func flags(_ batch: MessageBatch, isRelative: Bool) -> ChunkFormat.Flags {
        var flags: ChunkFormat.Flags = isRelative ? [.relativeAcceptances] : []
        let isSorted = batch.isSorted
        if isSorted { flags.insert(.isSorted) }
        let times = isSorted ? batch.timestamps : batch.timestamps.sorted()
        if zip(times, times.dropFirst()).contains(where: { $0 == $1 }) { flags.insert(.hasEqualTimestamps) }
        return flags
    }

    private static func appendColumns(_ parameters: [ParameterID], _ lengths: [Int], to bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(parameters.count))
        var previous: UInt32 = 0
        for (parameter, length) in zip(parameters, lengths) {
            bytes.append(varint: UInt64(parameter.rawValue - previous))
            bytes.append(ChunkFormat.codecNone)
            bytes.append(varint: UInt64(length))
            previous = parameter.rawValue
        }
    }
}
