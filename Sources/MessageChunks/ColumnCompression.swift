import CZstd
import Synchronization

/// Compresses the body of a column as one frame of zstd, behind its length.
enum ColumnCompression {
    /// Of the levels tried, the last one that still took much off; a column takes some 20 µs.
    private static let level: Int32 = 9
    /// A body larger than this is not compressed, so that a chunk cannot claim more memory than this a column.
    private static let sizeMax = 1 << 24
    /// A column has to become smaller by this part, since reading it then costs several times as much.
    private static let gainPart = 16

    /// The length and the frame; nil where they are not enough smaller than the column takes otherwise.
    static func compressed(_ body: UnsafeRawBufferPointer, instead size: Int) -> [UInt8]? {
        guard body.count <= sizeMax else { return nil }
        var bytes: [UInt8] = []
        bytes.append(varint: UInt64(body.count))
        let limit = size - size / gainPart
        guard limit > bytes.count else { return nil }
        let frame = [UInt8](unsafeUninitializedCapacity: limit - bytes.count) { buffer, count in
            let compressor = compressors.take() ?? Compressor(level: level)
            defer { compressors.put(compressor) }
            count = compressor?.compress(body, into: UnsafeMutableRawBufferPointer(buffer)) ?? 0
        }
        return frame.isEmpty ? nil : bytes + frame
    }

    /// Reads a column's body, which is compressed or not.
    static func read<Result>(
        _ reader: inout ChunkReader, _ codec: UInt8, _ read: (inout ChunkReader) throws(ChunkError) -> Result
    ) throws(ChunkError) -> Result {
        guard codec == ChunkFormat.codecZstd else { return try read(&reader) }
        let body = try body(&reader)
        return try MessageChunk.withBytes(of: body.bytes) { (raw) throws(ChunkError) in
            var inner = ChunkReader(raw, 0..<body.count)
            let result = try read(&inner)
            try inner.finish("compressed column")
            return result
        }
    }

    /// The body, and some bytes behind it that the reader may look at.
    private static func body(_ reader: inout ChunkReader) throws(ChunkError) -> (bytes: [UInt8], count: Int) {
        let size = try reader.count(max: sizeMax, "length of a compressed column")
        let part = try reader.take(reader.remaining)
        let frame = UnsafeRawBufferPointer(rebasing: reader.bytes[part])
        guard let decompressor = decompressors.take() ?? Decompressor() else {
            throw ChunkError.malformed("no memory to decompress")
        }
        defer { decompressors.put(decompressor) }
        var isWhole = false
        let bytes = [UInt8](unsafeUninitializedCapacity: size + padding) { buffer, count in
            let body = UnsafeMutableBufferPointer(rebasing: buffer[..<size])
            isWhole = decompressor.decompress(frame, into: UnsafeMutableRawBufferPointer(body))
            for index in size..<size + padding { buffer[index] = 0 }
            count = isWhole ? size + padding : 0
        }
        guard isWhole else { throw ChunkError.malformed("a compressed column") }
        return (bytes, size)
    }

    /// A packed group may be read with words that begin in it.
    private static let padding = 8

    private static let compressors = Pool<Compressor>()
    private static let decompressors = Pool<Decompressor>()
}

/// Contexts of zstd that nobody uses at the moment: making one costs more than a column.
private final class Pool<Context: AnyObject & Sendable>: Sendable {
    /// More are not kept, whatever number of threads has read at one time.
    private static var idleMax: Int { 16 }
    private let idle = Mutex<[Context]>([])

    func take() -> Context? { idle.withLock { $0.popLast() } }

    func put(_ context: Context?) {
        guard let context else { return }
        idle.withLock { idle in
            if idle.count < Self.idleMax { idle.append(context) }
        }
    }
}

/// Owns a compression context.
///
/// `@unchecked Sendable`: the pool gives each to one thread at a time.
private final class Compressor: @unchecked Sendable {
    private let context: OpaquePointer

    init?(level: Int32) {
        guard let context = ZSTD_createCCtx() else { return nil }
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        // The chunk knows the length of the body, and has a checksum of its own.
        ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0)
    }

    deinit { ZSTD_freeCCtx(context) }

    /// The length of the frame; 0 if it does not fit.
    func compress(_ body: UnsafeRawBufferPointer, into frame: UnsafeMutableRawBufferPointer) -> Int {
        let count = ZSTD_compress2(context, frame.baseAddress, frame.count, body.baseAddress, body.count)
        return ZSTD_isError(count) == 0 ? count : 0
    }
}

/// Owns a decompression context.
///
/// `@unchecked Sendable`: the pool gives each to one thread at a time.
private final class Decompressor: @unchecked Sendable {
    private let context: OpaquePointer

    init?() {
        guard let context = ZSTD_createDCtx() else { return nil }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Whether the frame holds just as many bytes as there is room for.
    func decompress(_ frame: UnsafeRawBufferPointer, into body: UnsafeMutableRawBufferPointer) -> Bool {
        let count = ZSTD_decompressDCtx(context, body.baseAddress, body.count, frame.baseAddress, frame.count)
        return ZSTD_isError(count) == 0 && count == body.count
    }
}
