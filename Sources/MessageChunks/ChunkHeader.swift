import Telemetry

/// What stands in front of the columns: enough to find each of them without reading the others.
struct ChunkHeader: Sendable {
    /// Where the body of a parameter's column lies.
    struct Column: Sendable {
        var parameter: ParameterID
        var codec: UInt8
        /// The hash of the parameter's name, where the hashes are computed; else 0.
        var nameHash: UInt64
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
        let version = try Self.checkedVersion(bytes)
        var reader = ChunkReader(bytes, 3..<bytes.count - ChunkFormat.checksumSize)
        flags = ChunkFormat.Flags(rawValue: try reader.byte())
        let isComputed = version > ChunkFormat.versionPlain && flags.contains(.computedHashes)
        // Where every message has its hash, a chunk cannot claim more messages than its bytes allow.
        let countMax = isComputed ? MessageChunk.countMax : reader.remaining / ChunkFormat.hashSize
        count = try reader.count(max: min(countMax, MessageChunk.countMax), "number of messages")
        guard !isComputed || Self.holds(count, in: bytes.count) else {
            throw ChunkError.malformed("\(count) messages in \(bytes.count) bytes")
        }
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
        for _ in 0..<columnCount {
            columns.append(try Self.column(&reader, version, isComputed, after: columns.last?.parameter))
        }
        timestamps = try reader.take(timestampsLength)
        acceptances = try reader.take(acceptancesLength)
        for index in columns.indices { columns[index].part = try reader.take(columns[index].part.count) }
        hashes = try reader.take(isComputed ? 0 : count * ChunkFormat.hashSize)
        try reader.finish("chunk")
    }

    /// Checks magic, version and checksum; returns the version.
    private static func checkedVersion(_ bytes: UnsafeRawBufferPointer) throws(ChunkError) -> UInt8 {
        guard bytes.count >= 3, (bytes[0], bytes[1]) == ChunkFormat.magic else { throw ChunkError.notAChunk }
        guard ChunkFormat.versionPlain...ChunkFormat.version ~= bytes[2] else {
            throw ChunkError.unsupportedVersion(bytes[2])
        }
        guard bytes.count >= ChunkFormat.sizeMin else { throw ChunkError.malformed("unexpected end") }
        let end = bytes.count - ChunkFormat.checksumSize
        let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt32.self))
        let computed = crc32c(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        guard stored == computed else { throw ChunkError.checksumMismatch(stored: stored, computed: computed) }
        return bytes[2]
    }

    /// Reads a column's parameter and length; where it lies is known once all lengths are.
    private static func column(
        _ reader: inout ChunkReader, _ version: UInt8, _ isComputed: Bool, after previous: ParameterID?
    ) throws(ChunkError) -> Column {
        let delta = try reader.varint()
        let raw = UInt64(previous?.rawValue ?? 0).addingReportingOverflow(delta)
        guard !raw.overflow, let id = UInt32(exactly: raw.partialValue), previous == nil || delta > 0 else {
            throw ChunkError.malformed("columns out of order")
        }
        let codec = try reader.byte()
        let parameter = ParameterID(rawValue: id)
        guard codec <= (version > ChunkFormat.versionPlain ? ChunkFormat.codecZstd : ChunkFormat.codecNone) else {
            throw ChunkError.unsupportedCodec(codec, parameter: parameter)
        }
        let nameHash = isComputed ? try reader.fixed() : 0
        let length = try reader.count(max: reader.remaining, "length of a column")
        return Column(parameter: parameter, codec: codec, nameHash: nameHash, part: 0..<length)
    }

    /// Whether a chunk without hashes may have so many messages.
    static func holds(_ count: Int, in byteCount: Int) -> Bool {
        count <= max(0, byteCount - fixedSize) * ChunkFormat.messagesPerByteMax
    }

    /// What does not grow with the messages counts for none.
    private static let fixedSize = 32

    var hasComputedHashes: Bool { hashes.isEmpty && count > 0 }

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
