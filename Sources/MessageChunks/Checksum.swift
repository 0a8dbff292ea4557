import CChecksum

/// The CRC-32C (Castagnoli) of bytes; `seed` is the checksum of the bytes before them.
///
/// By the processor's own instruction, eight bytes a step, or by tables where it has none.
public func crc32c(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    guard let start = bytes.baseAddress else { return seed }
    if checksum_has_instruction() != 0 { return checksum_crc32c(start, bytes.count, seed) }
    return crc32cByTables(bytes, seed: seed)
}

/// Sixteen bytes a step through tables of 16 KiB: about 0.3 ns a byte.
func crc32cByTables(_ bytes: UnsafeRawBufferPointer, seed: UInt32) -> UInt32 {
    guard let start = bytes.baseAddress else { return seed }
    return ChecksumTables.entries.withUnsafeBufferPointer { table in
        // Every index below is a table number under 16 times 256 plus one byte, within the table's 4,096 entries;
        // every load is at least its width before the end.
        guard let table = table.baseAddress else { return seed }
        var state = ~seed
        var offset = 0
        let end = bytes.count
        while offset &+ 16 <= end {
            let low = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let high = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self))
            state = fold(low ^ UInt64(state), table + 2048) ^ fold(high, table)
            offset &+= 16
        }
        while offset < end {
            let byte = start.load(fromByteOffset: offset, as: UInt8.self)
            state = table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ (state &>> 8)
            offset &+= 1
        }
        return ~state
    }
}

/// The CRC-32C (Castagnoli) of bytes; `seed` is the checksum of the bytes before them.
public func crc32c(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { crc32c($0, seed: seed) }
}

/// Eight bytes through eight tables.
@inline(__always)
private func fold(_ word: UInt64, _ table: UnsafePointer<UInt32>) -> UInt32 {
    @inline(__always)
    func entry(_ index: UInt64) -> UInt32 {
        let byte = UInt8(truncatingIfNeeded: word &>> (8 &* index))
        return table[Int(truncatingIfNeeded: (7 &- index) &* 256 &+ UInt64(byte))]
    }
    return (entry(0) ^ entry(1) ^ entry(2) ^ entry(3)) ^ (entry(4) ^ entry(5) ^ entry(6) ^ entry(7))
}

private enum ChecksumTables {
    private static let polynomial: UInt32 = 0x82f6_3b78

    /// Table n at 256 n: what a byte does to the checksum when n bytes follow it.
    static let entries: [UInt32] = {
        var entries: [UInt32] = []
        entries.reserveCapacity(16 * 256)
        for byte in UInt32(0)..<256 {
            var state = byte
            for _ in 0..<8 { state = state & 1 == 1 ? (state >> 1) ^ polynomial : state >> 1 }
            entries.append(state)
        }
        for index in 256..<(16 * 256) {
            let shorter = entries[index - 256]
            entries.append(entries[Int(shorter & 255)] ^ (shorter >> 8))
        }
        return entries
    }()
}
