import Telemetry

/// Messages of one device, encoded column by column into one blob: an entry of the log, or a day in archive and cache.
///
/// Making one checks magic, version, checksum and lengths, and reads the header; columns are decoded only when they
/// are asked for. A checksum that holds does not make bytes trustworthy: every read is bounded, and throws where the
/// contents contradict themselves.
public struct MessageChunk: Sendable {
    /// More messages than this are never in one chunk.
    public static let countMax = 1 << 20
    /// A chunk never has more messages times parameters than this, since each becomes a cell when it is read.
    public static let cellCountMax = 1 << 26
    /// `split` makes chunks of at most this many messages.
    public static let splitCountMax = 4096

    /// The encoded chunk.
    public let bytes: [UInt8]
    let header: ChunkHeader

    public init(_ bytes: [UInt8]) throws(ChunkError) {
        header = try Self.withBytes(of: bytes) { (raw) throws(ChunkError) in try ChunkHeader(raw) }
        self.bytes = bytes
    }

    /// Copies the bytes.
    public init(_ bytes: UnsafeRawBufferPointer) throws(ChunkError) {
        try self.init([UInt8](bytes))
    }

    public var count: Int { header.count }

    /// The smallest timestamp; the epoch if there are no messages.
    public var firstTimestamp: Timestamp { Timestamp(microseconds: header.first) }

    /// The greatest timestamp; the epoch if there are no messages.
    public var lastTimestamp: Timestamp { Timestamp(microseconds: header.last) }

    public var earliestAcceptance: Timestamp { Timestamp(microseconds: header.earliest) }

    public var latestAcceptance: Timestamp { Timestamp(microseconds: header.latest) }

    /// Whether two messages have one timestamp: only then must a reader coalesce.
    public var hasEqualTimestamps: Bool { header.flags.contains(.hasEqualTimestamps) }

    /// Whether the messages stand in the order of (timestamp, hash), none twice.
    public var isSorted: Bool { header.flags.contains(.isSorted) }

    /// The parameters that have a column, in the order of their ids.
    public var parameters: [ParameterID] { header.columns.map { $0.parameter } }

    static func withBytes<Result>(
        of bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(ChunkError) -> Result
    ) throws(ChunkError) -> Result {
        try bytes.withUnsafeBufferPointer { (buffer) throws(ChunkError) in try body(UnsafeRawBufferPointer(buffer)) }
    }
}
