/// One value of a row as it came: its type and its bytes, nil for null. The bytes are lent while the row is.
package struct PostgresCell {
    package let type: PostgresType
    package let bytes: UnsafeRawBufferPointer?
    /// Where it stands in its row, from 0.
    package let column: Int

    /// The bytes of a value that must not be null.
    package func present() throws(PostgresError) -> UnsafeRawBufferPointer {
        if let bytes { return bytes }
        throw PostgresError(.client, "column \(column) is null, and what was asked for cannot be")
    }

    package func mismatch(_ wanted: String) -> PostgresError {
        PostgresError(.client, "column \(column) is of type \(type) and cannot be read as \(wanted)")
    }

    /// The whole number of a cell of one of the integer types.
    func integer() throws(PostgresError) -> Int64 {
        let bytes = try present()
        switch (type.oid, bytes.count) {
        case (20, 8), (0, 8): return bytes.bigEndian(at: 0, as: Int64.self)
        case (23, 4), (0, 4): return Int64(bytes.bigEndian(at: 0, as: Int32.self))
        case (26, 4): return Int64(bytes.bigEndian(at: 0, as: UInt32.self))
        case (21, 2), (0, 2): return Int64(bytes.bigEndian(at: 0, as: Int16.self))
        default: throw mismatch("a whole number")
        }
    }
}

extension UnsafeRawBufferPointer {
    func bigEndian<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type) -> Value {
        Value(bigEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}

/// A value that can be read from a cell. It checks the type of the cell: what is stored as a text is no number.
package protocol PostgresDecodable {
    init(_ cell: PostgresCell) throws(PostgresError)
}

extension Bool: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.present()
        guard cell.type == .bool || cell.type == .unknown, bytes.count == 1 else { throw cell.mismatch("a boolean") }
        self = bytes[0] != 0
    }
}

extension Int64: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) { self = try cell.integer() }
}

extension Int: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) { self = Int(try cell.integer()) }
}

extension Int32: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) {
        guard let value = Int32(exactly: try cell.integer()) else { throw cell.mismatch("a number of 32 bits") }
        self = value
    }
}

extension Int16: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) {
        guard let value = Int16(exactly: try cell.integer()) else { throw cell.mismatch("a number of 16 bits") }
        self = value
    }
}

extension Double: PostgresDecodable {
    /// Reads numbers of every type; a `numeric` as the nearest double.
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.present()
        switch (cell.type, bytes.count) {
        case (.float8, 8), (.unknown, 8): self.init(bitPattern: bytes.bigEndian(at: 0, as: UInt64.self))
        case (.float4, 4): self.init(Float(bitPattern: bytes.bigEndian(at: 0, as: UInt32.self)))
        case (.numeric, _): self = try PostgresNumeric(cell).double
        default: self.init(try cell.integer())
        }
    }
}

extension String: PostgresDecodable {
    /// Reads texts, names, JSON, and the labels of enumerations and of other types of the database's own.
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.present()
        if cell.type == .jsonb { self = try PostgresJSON(cell).text; return }
        guard cell.type.isText || cell.type.oid == 18 || cell.type.oid >= Self.firstOwnType else {
            throw cell.mismatch("a text")
        }
        self.init(decoding: bytes, as: UTF8.self)
    }

    /// Types below this number are the server's, and have binary forms of their own.
    private static let firstOwnType: UInt32 = 16384
}

extension PostgresTimestamp: PostgresDecodable {
    /// Reads `timestamptz`, and `timestamp` as if it were UTC.
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.present()
        guard [.timestamptz, .timestamp, .unknown].contains(cell.type), bytes.count == 8 else {
            throw cell.mismatch("a moment")
        }
        let wire = bytes.bigEndian(at: 0, as: Int64.self)
        let (value, isOver) = wire.addingReportingOverflow(Self.epochMicroseconds)
        if isOver, wire != .max { throw cell.mismatch("a moment before the year 294247") }
        self.init(microseconds: wire == .min ? .min : isOver ? .max : value)
    }
}

extension PostgresDate: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.present()
        guard cell.type == .date || cell.type == .unknown, bytes.count == 4 else { throw cell.mismatch("a day") }
        let wire = bytes.bigEndian(at: 0, as: Int32.self)
        self.init(days: wire == .max || wire == .min ? wire : wire + Self.epochDays)
    }
}

extension PostgresUUID: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.present()
        guard cell.type == .uuid || cell.type == .unknown, bytes.count == 16 else { throw cell.mismatch("a UUID") }
        self.init(high: bytes.bigEndian(at: 0, as: UInt64.self), low: bytes.bigEndian(at: 8, as: UInt64.self))
    }
}

extension PostgresJSON: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.present()
        switch cell.type {
        case .json, .text: self.init(String(decoding: bytes, as: UTF8.self))
        case .jsonb where bytes.first == Self.version, .unknown where bytes.first == Self.version:
            self.init(String(decoding: bytes.dropFirst(), as: UTF8.self))
        default: throw cell.mismatch("JSON")
        }
    }
}

extension PostgresNumeric: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.present()
        guard cell.type == .numeric || cell.type == .unknown, let value = PostgresNumeric(wire: bytes) else {
            throw cell.mismatch("a decimal number")
        }
        self = value
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package init(_ cell: PostgresCell) throws(PostgresError) {
        self = cell.bytes == nil ? nil : try Wrapped(cell)
    }
}
