import Telemetry

extension MessageChunk {
    /// Encodes messages, in any order, which is kept; decoding gives back every value bit for bit.
    ///
    /// The columns must stand in the order of their parameters, each with a row a message, and the batch must be
    /// within `countMax` and `cellCountMax`: whoever takes messages from outside limits them before.
    public static func encode(_ batch: MessageBatch) -> [UInt8] {
        encode(batch, nameHashes: nil, isCold: false)
    }

    /// The same for messages that are kept. Their hashes are left out where they follow from the columns, and columns
    /// of chunks that have gone cold are compressed where that pays.
    public static func encodeSealed(
        _ batch: MessageBatch, names: ParameterTable, isCold: Bool = false
    ) -> [UInt8] {
        let isKnown = batch.columns.last.map { $0.parameter.rawValue < names.count } ?? true
        let isShorter = batch.columns.count < batch.count
        guard isKnown, isShorter else { return encode(batch, nameHashes: nil, isCold: isCold) }
        let nameHashes = batch.columns.map { names.nameHash($0.parameter) }
        let computed = PayloadHash.hashes(of: batch.columns, nameHashes: nameHashes, count: batch.count)
        guard batch.hashes == computed else { return encode(batch, nameHashes: nil, isCold: isCold) }
        let bytes = encode(batch, nameHashes: nameHashes, isCold: isCold)
        return ChunkHeader.holds(batch.count, in: bytes.count)
            ? bytes : encode(batch, nameHashes: nil, isCold: isCold)
    }

    private static func encode(_ batch: MessageBatch, nameHashes: [UInt64]?, isCold: Bool) -> [UInt8] {
        checkLimits(batch)
        var bodies: [UInt8] = []
        var entries: [ColumnEntry] = []
        bodies.reserveCapacity(batch.count * batch.columns.count + 64)
        entries.reserveCapacity(batch.columns.count)
        let first = batch.timestamps.min() ?? 0
        let earliest = batch.acceptances.min() ?? 0
        TimeStream.append(batch.timestamps, reference: first, to: &bodies)
        let timestampsLength = bodies.count
        let isRelative = appendAcceptances(batch, earliest: earliest, to: &bodies)
        let acceptancesLength = bodies.count - timestampsLength
        for (index, column) in batch.columns.enumerated() {
            let start = bodies.count
            ColumnCoder.append(column.values, to: &bodies)
            let codec = isCold ? compress(column.values, from: start, of: &bodies) : ChunkFormat.codecNone
            entries.append(
                ColumnEntry(
                    parameter: column.parameter, codec: codec, nameHash: nameHashes?[index],
                    length: bodies.count - start))
        }

        let isPlain = nameHashes == nil && entries.allSatisfy { $0.codec == ChunkFormat.codecNone }
        var bytes: [UInt8] = [ChunkFormat.magic.0, ChunkFormat.magic.1]
        let hashesSize = nameHashes == nil ? batch.count * ChunkFormat.hashSize : 0
        bytes.reserveCapacity(bodies.count + hashesSize + 12 * entries.count + 64)
        bytes.append(isPlain ? ChunkFormat.versionPlain : ChunkFormat.version)
        bytes.append(flags(batch, isRelative: isRelative, isComputed: nameHashes != nil).rawValue)
        bytes.append(varint: UInt64(batch.count))
        bytes.append(zigzag: first)
        bytes.append(varint: UInt64(bitPattern: (batch.timestamps.max() ?? 0) &- first))
        bytes.append(zigzag: earliest &- first)
        bytes.append(varint: UInt64(bitPattern: (batch.acceptances.max() ?? 0) &- earliest))
        bytes.append(varint: UInt64(timestampsLength))
        bytes.append(varint: UInt64(acceptancesLength))
        append(entries, to: &bytes)
        bytes.append(contentsOf: bodies)
        if nameHashes == nil { batch.hashes.map { $0.littleEndian }.withUnsafeBytes { bytes.append(contentsOf: $0) } }
        bytes.append(fixed: crc32c(bytes))
        return bytes
    }

    /// Compresses the body of the last column, as it is or in planes, if that pays.
    private static func compress(_ column: ValueColumn, from start: Int, of bodies: inout [UInt8]) -> UInt8 {
        var planes: [UInt8] = []
        ColumnCoder.append(column, isPlanar: true, to: &planes)
        let frames = bodies.withUnsafeBytes { bodies in
            let body = UnsafeRawBufferPointer(rebasing: bodies[start...])
            return [
                ColumnCompression.compressed(body, instead: body.count),
                planes.withUnsafeBytes { ColumnCompression.compressed($0, instead: body.count) },
            ].compactMap { $0 }
        }
        guard let least = frames.min(by: { $0.count < $1.count }) else { return ChunkFormat.codecNone }
        bodies.replaceSubrange(start..., with: least)
        return ChunkFormat.codecZstd
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
        let start = bytes.count
        TimeStream.append(batch.acceptances, reference: earliest, to: &bytes)
        guard batch.count > 1 else { return false }
        let middle = bytes.count
        TimeStream.append(count: batch.count, reference: 0, to: &bytes) { row in
            batch.acceptances[row] &- batch.timestamps[row]
        }
        let isRelative = bytes.count - middle < middle - start
        bytes.removeSubrange(isRelative ? start..<middle : middle..<bytes.count)
        return isRelative
    }

    private static func flags(_ batch: MessageBatch, isRelative: Bool, isComputed: Bool) -> ChunkFormat.Flags {
        var flags: ChunkFormat.Flags = isRelative ? [.relativeAcceptances] : []
        if isComputed { flags.insert(.computedHashes) }
        let isSorted = batch.isSorted
        if isSorted { flags.insert(.isSorted) }
        let times = isSorted ? batch.timestamps : batch.timestamps.sorted()
        if zip(times, times.dropFirst()).contains(where: { $0 == $1 }) { flags.insert(.hasEqualTimestamps) }
        return flags
    }

    /// What the header says of a column.
    private struct ColumnEntry {
        var parameter: ParameterID
        var codec: UInt8
        var nameHash: UInt64?
        var length: Int
    }

    private static func append(_ entries: [ColumnEntry], to bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(entries.count))
        var previous: UInt32 = 0
        for entry in entries {
            bytes.append(varint: UInt64(entry.parameter.rawValue - previous))
            bytes.append(entry.codec)
            if let nameHash = entry.nameHash { bytes.append(fixed: nameHash) }
            bytes.append(varint: UInt64(entry.length))
            previous = entry.parameter.rawValue
        }
    }
}
