/// Chunks that follow one another in one blob: many small batches of a device cost a cache one row.
///
///     run     'O' 'R', of each chunk its length (4 bytes, little-endian) and its bytes, then the CRC-32C of all before
///
/// A single chunk stands as it is.
package enum ChunkRun {
    private static let magic: [UInt8] = [0x4f, 0x52]
    private static let lengthSize = 4

    /// The bytes of some chunks, of which there is at least one.
    package static func encode(_ chunks: [[UInt8]]) -> [UInt8] {
        precondition(!chunks.isEmpty, "a run has chunks")
        guard chunks.count > 1 else { return chunks[0] }
        var bytes = magic
        bytes.reserveCapacity(chunks.reduce(8) { $0 + $1.count + lengthSize })
        for chunk in chunks {
            bytes.append(fixed: UInt32(chunk.count))
            bytes.append(contentsOf: chunk)
        }
        bytes.append(fixed: crc32c(bytes))
        return bytes
    }

    /// The chunks in their order, each checked.
    package static func chunks(_ bytes: UnsafeRawBufferPointer) throws(ChunkError) -> [MessageChunk] {
        guard bytes.count > magic.count + ChunkFormat.checksumSize, bytes.starts(with: magic) else {
            return [try MessageChunk(bytes)]
        }
        let end = bytes.count - ChunkFormat.checksumSize
        let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt32.self))
        let computed = crc32c(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        guard stored == computed else { throw .checksumMismatch(stored: stored, computed: computed) }
        var reader = ChunkReader(bytes, magic.count..<end)
        var chunks: [MessageChunk] = []
        while reader.remaining > 0 {
            let place = try reader.take(lengthSize).lowerBound
            let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
            let part = try reader.take(Int(length))
            chunks.append(try MessageChunk(UnsafeRawBufferPointer(rebasing: bytes[part])))
        }
        return chunks
    }
}
