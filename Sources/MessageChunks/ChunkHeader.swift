import Telemetry

/// What stands in front of the columns: enough to find each of them without reading the others.
struct ChunkHeader: Sendable {
    /// Where the body of a parameter's column lies.
    struct Column: Sendable {
        var parameter: ParameterID
        var part: Range<Int>
    }

    var flags: ChunkFormat.Flags
    var count: Int
    var first: Int64
    var last: Int64
    var earliest: Int64
    var latest: Int64
    var timestamps: Range<Int>
    var acceptances: Range<Int>
    /// In the order of the parameter ids.
    var columns: [Column]
    var hashes: Range<Int>

    /// Reads the header of a whole chunk and checks that its parts fill the chunk exactly.
    init(_ bytes: UnsafeRawBufferPointer) throws(ChunkError) {
        try Self.checkEnvelope(bytes)
        var reader = ChunkReader(bytes, 3..<bytes.count - ChunkFormat.checksumSize)
        flags = ChunkFormat.Flags(rawValue: try reader.byte())
        // Every message has its hash, so that a chunk cannot claim more messages than its bytes allow.
        count = try reader.count(
            max: min(reader.remaining / ChunkFormat.hashSize, MessageChunk.countMax), "number of messages")
        first = try reader.zigzag()
        last = first &+ Int64(bitPattern: try reader.varint())
        earliest = first &+ (try reader.zigzag())
        latest = earliest &+ Int64(bitPattern: try reader.varint())
        let timestampsLength = try reader.count(max: reader.remaining, "length of the timestamps")
        let acceptancesLength = try reader.count(max: reader.remaining, "length of the acceptances")
        let columnCountMax = min(reader.remaining / 3, MessageChunk.cellCountMax / max(count, 1))
        let columnCount = try reader.count(max: columnCountMax, "number of columns")
        columns = []
        columns.reserveCapacity(columnCount)
        for _ in 0..<columnCount { columns.append(try Self.column(&reader, after: columns.last?.parameter)) }
        timestamps = try reader.take(timestampsLength)
        acceptances = try reader.take(acceptancesLength)
        for index in columns.indices { columns[index].part = try reader.take(columns[index].part.count) }
        hashes = try reader.take(count * ChunkFormat.hashSize)
        try reader.finish("chunk")
    }

    /// Checks magic, version and checksum.
    private static func checkEnvelope(_ bytes: UnsafeRawBufferPointer) throws(ChunkError) {
        guard bytes.count >= 3, (bytes[0], bytes[1]) == ChunkFormat.magic else { throw ChunkError.notAChunk }
        guard bytes[2] == ChunkFormat.version else { throw ChunkError.unsupportedVersion(bytes[2]) }
        guard bytes.count >= ChunkFormat.sizeMin else { throw ChunkError.malformed("unexpected end") }
        let end = bytes.count - ChunkFormat.checksumSize
        let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt32.self))
        let computed = crc32c(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        guard stored == computed else { throw ChunkError.checksumMismatch(stored: stored, computed: computed) }
    }

    /// Reads a column's parameter and length; where it lies is known once all lengths are.
    private static func column(
        _ reader: inout ChunkReader, after previous: ParameterID?
    ) throws(ChunkError) -> Column {
        let delta = try reader.varint()
        let raw = UInt64(previous?.rawValue ?? 0).addingReportingOverflow(delta)
        guard !raw.overflow, let id = UInt32(exactly: raw.partialValue), previous == nil || delta > 0 else {
            throw ChunkError.malformed("columns out of order")
        }
        let codec = try reader.byte()
        let parameter = ParameterID(rawValue: id)
        guard codec == ChunkFormat.codecNone else { throw ChunkError.unsupportedCodec(codec, parameter: parameter) }
        return Column(parameter: parameter, part: 0..<(try reader.count(max: reader.remaining, "length of a column")))
    }

    /// The column of a parameter.
    func column(_ parameter: ParameterID) -> Column? {
        var low = 0
        var high = columns.count
        while low < high {
            let middle = (low + high) / 2
            if columns[middle].parameter < parameter { low = middle + 1 } else { high = middle }
        }
        return low < columns.count && columns[low].parameter == parameter ? columns[low] : nil
    }
}
