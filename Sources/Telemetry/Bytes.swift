/// Writes the binary forms of this project: little-endian fixed widths, LEB128 varints, length-prefixed bytes.
public struct ByteWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    @inlinable
    public mutating func write(byte: UInt8) { append(byte) }

    @usableFromInline
    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    public mutating func write<Integer: FixedWidthInteger>(fixed value: Integer) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    public mutating func write(varint value: UInt64) {
        var rest = value
        while rest >= 128 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    public mutating func write(zigzag value: Int64) {
        write(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    public mutating func write(double value: Double) { write(fixed: value.bitPattern) }

    public mutating func write(_ text: String) {
        write(varint: UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    public mutating func write(blob: some Collection<UInt8>) {
        write(varint: UInt64(blob.count))
        bytes.append(contentsOf: blob)
    }

    public mutating func write(raw: some Collection<UInt8>) { bytes.append(contentsOf: raw) }

    public mutating func write(_ value: Value?) {
        write(byte: (value?.kind ?? .absent).rawValue)
        switch value {
        case nil, .null: break
        case .boolean(let flag): write(byte: flag ? 1 : 0)
        case .number(let number): write(double: number)
        case .string(let text), .json(let text): write(text)
        }
    }

    public mutating func write(_ moment: Timestamp?) {
        write(byte: moment == nil ? 0 : 1)
        if let moment { write(fixed: moment.microseconds) }
    }
}

/// Bytes that do not hold what they should.
public struct MalformedBytes: Error, Sendable, CustomStringConvertible {
    public var offset: Int
    public var reason: String

    public init(offset: Int, reason: String) {
        self.offset = offset
        self.reason = reason
    }

    public var description: String { "malformed bytes at offset \(offset): \(reason)" }
}

/// Reads what `ByteWriter` wrote; every read is checked against the end.
public struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    public private(set) var offset: Int

    public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        offset = bytes.startIndex
    }

    public var isAtEnd: Bool { offset >= bytes.endIndex }
    public var remaining: Int { bytes.endIndex - offset }

    public mutating func readByte() throws(MalformedBytes) -> UInt8 {
        guard offset < bytes.endIndex else { throw MalformedBytes(offset: offset, reason: "unexpected end") }
        defer { offset += 1 }
        return bytes[offset]
    }

    public mutating func readRaw(_ count: Int) throws(MalformedBytes) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else { throw MalformedBytes(offset: offset, reason: "unexpected end") }
        defer { offset += count }
        return bytes[offset..<offset + count]
    }

    public mutating func readFixed<Integer: FixedWidthInteger>(
        _ type: Integer.Type
    ) throws(MalformedBytes) -> Integer {
        let raw = try readRaw(MemoryLayout<Integer>.size)
        return raw.withUnsafeBytes { Integer(littleEndian: $0.loadUnaligned(as: Integer.self)) }
    }

    public mutating func readVarint() throws(MalformedBytes) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte()
            guard shift < 63 || byte <= 1 else { throw MalformedBytes(offset: offset, reason: "varint too long") }
            result |= UInt64(byte & 127) << shift
            if byte < 128 { return result }
            shift += 7
        }
    }

    public mutating func readZigzag() throws(MalformedBytes) -> Int64 {
        let raw = try readVarint()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    /// A count or a length, refused above a limit.
    public mutating func readCount(max limit: Int = 1 << 28) throws(MalformedBytes) -> Int {
        let raw = try readVarint()
        guard raw <= UInt64(limit) else { throw MalformedBytes(offset: offset, reason: "count \(raw) over \(limit)") }
        return Int(raw)
    }

    public mutating func readDouble() throws(MalformedBytes) -> Double {
        Double(bitPattern: try readFixed(UInt64.self))
    }

    public mutating func readString() throws(MalformedBytes) -> String {
        let raw = try readRaw(try readCount())
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw MalformedBytes(offset: offset, reason: "text is not UTF-8")
        }
        return text
    }

    public mutating func readBlob() throws(MalformedBytes) -> [UInt8] { Array(try readRaw(try readCount())) }

    public mutating func readValue() throws(MalformedBytes) -> Value? {
        switch ValueKind(rawValue: try readByte()) {
        case .absent: return nil
        case .null: return .null
        case .boolean: return .boolean(try readByte() != 0)
        case .number: return .number(try readDouble())
        case .string: return .string(try readString())
        case .json: return .json(try readString())
        case .error, nil: throw MalformedBytes(offset: offset, reason: "unknown kind of value")
        }
    }

    public mutating func readTimestamp() throws(MalformedBytes) -> Timestamp? {
        guard try readByte() != 0 else { return nil }
        return Timestamp(microseconds: try readFixed(Int64.self))
    }
}
