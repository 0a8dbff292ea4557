/// Reads a part of a chunk's bytes; every read is checked against the part's end.
///
/// It works on a pointer, not on `ByteReader`, since a column is read by the million; it must not outlive the closure
/// that lent the pointer.
struct ChunkReader {
    /// The whole chunk: a packed group may look, though not take, beyond the end of its part.
    let bytes: UnsafeRawBufferPointer
    private(set) var offset: Int
    let end: Int

    /// The part must lie within the bytes.
    init(_ bytes: UnsafeRawBufferPointer, _ part: Range<Int>) {
        precondition(part.lowerBound >= 0 && part.upperBound <= bytes.count, "a part lies within its chunk")
        self.bytes = bytes
        offset = part.lowerBound
        end = part.upperBound
    }

    var remaining: Int { end - offset }

    @inline(__always)
    mutating func byte() throws(ChunkError) -> UInt8 {
        guard offset < end else { throw ChunkError.malformed("unexpected end") }
        defer { offset &+= 1 }
        return bytes[offset]
    }

    /// Eight bytes, little-endian.
    mutating func fixed() throws(ChunkError) -> UInt64 {
        let part = try take(8)
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: part.lowerBound, as: UInt64.self))
    }

    /// The range of the next `count` bytes.
    mutating func take(_ count: Int) throws(ChunkError) -> Range<Int> {
        guard count >= 0, count <= remaining else { throw ChunkError.malformed("unexpected end") }
        defer { offset += count }
        return offset..<offset + count
    }

    @inline(__always)
    mutating func varint() throws(ChunkError) -> UInt64 {
        let first = try byte()
        return first < 128 ? UInt64(first) : try longVarint(first)
    }

    @inline(__always)
    mutating func zigzag() throws(ChunkError) -> Int64 {
        let raw = try varint()
        return Int64(bitPattern: raw &>> 1) ^ (0 &- Int64(bitPattern: raw & 1))
    }

    /// A count or a length, refused above a limit.
    mutating func count(max limit: Int, _ what: String) throws(ChunkError) -> Int {
        let raw = try varint()
        guard raw <= UInt64(limit) else { throw ChunkError.malformed("\(what): \(raw), at most \(limit) possible") }
        return Int(raw)
    }

    func finish(_ what: @autoclosure () -> String) throws(ChunkError) {
        guard offset == end else { throw ChunkError.malformed("\(what()): \(remaining) bytes left over") }
    }

    private mutating func longVarint(_ first: UInt8) throws(ChunkError) -> UInt64 {
        var result = UInt64(first & 127)
        var shift: UInt64 = 7
        while true {
            let byte = try byte()
            guard shift < 63 || byte <= 1 else { throw ChunkError.malformed("varint beyond 64 bits") }
            result |= UInt64(byte & 127) << shift
            if byte < 128 { return result }
            shift += 7
        }
    }
}

/// The writing side of `ChunkReader`.
extension [UInt8] {
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 128 {
            append(UInt8(truncatingIfNeeded: rest) | 128)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func append(zigzag value: Int64) { append(varint: Self.zigzag(value)) }

    mutating func append(fixed value: UInt64) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    mutating func append(fixed value: UInt32) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }

    @inline(__always)
    static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)) }

    /// How many bytes a varint takes.
    @inline(__always)
    static func varintSize(_ value: UInt64) -> Int { ((64 &- (value | 1).leadingZeroBitCount) &* 9 &+ 64) &>> 6 }
}
