/// What an array can consist of. An array of bytes is `bytea`; all others are arrays of the server.
package protocol PostgresElement {
    static var postgresArrayType: PostgresType { get }
    static func encodeArray(_ array: [Self], into buffer: PostgresBuffer) throws(PostgresError)
    static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [Self]
}

extension PostgresElement where Self: PostgresParameter & PostgresDecodable {
    package static var postgresArrayType: PostgresType { postgresType.array }

    /// One dimension from index 1: flags, the type, and each value after its length.
    package static func encodeArray(_ array: [Self], into buffer: PostgresBuffer) throws(PostgresError) {
        let hasNulls = array.contains { $0.isNull }
        buffer.append(Int32(array.isEmpty ? 0 : 1))
        buffer.append(Int32(hasNulls ? 1 : 0))
        buffer.append(postgresType.oid)
        if array.isEmpty { return }
        buffer.append(Int32(array.count))
        buffer.append(Int32(1))
        for value in array {
            if value.isNull {
                buffer.append(Int32(-1))
            } else {
                try buffer.appendSized { () throws(PostgresError) in try value.encode(into: buffer) }
            }
        }
    }

    package static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [Self] {
        var rest = try PostgresArrayReader(cell)
        var result: [Self] = []
        result.reserveCapacity(rest.count)
        for _ in 0..<rest.count { result.append(try Self(rest.next())) }
        return result
    }
}

/// Reads the elements of an array one after the other.
struct PostgresArrayReader {
    let count: Int
    private let cell: PostgresCell
    private let type: PostgresType
    private var offset: Int

    init(_ cell: PostgresCell) throws(PostgresError) {
        let bytes = try cell.present()
        guard bytes.count >= 12 else { throw cell.mismatch("an array") }
        let dimensions = bytes.bigEndian(at: 0, as: Int32.self)
        guard dimensions == 0 || (dimensions == 1 && bytes.count >= 20) else { throw cell.mismatch("a plain array") }
        self.cell = cell
        type = PostgresType(oid: bytes.bigEndian(at: 8, as: UInt32.self))
        count = dimensions == 0 ? 0 : Int(bytes.bigEndian(at: 12, as: Int32.self))
        offset = 20
        guard count >= 0, count <= bytes.count / 4 else { throw cell.mismatch("an array") }
    }

    mutating func next() throws(PostgresError) -> PostgresCell {
        let bytes = try cell.present()
        guard offset + 4 <= bytes.count else { throw cell.mismatch("an array") }
        let size = Int(bytes.bigEndian(at: offset, as: Int32.self))
        offset += 4
        if size < 0 { return PostgresCell(type: type, bytes: nil, column: cell.column) }
        guard offset + size <= bytes.count else { throw cell.mismatch("an array") }
        defer { offset += size }
        let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + size])
        return PostgresCell(type: type, bytes: part, column: cell.column)
    }
}

extension UInt8: PostgresElement {
    package static var postgresArrayType: PostgresType { .bytea }

    package static func encodeArray(_ array: [UInt8], into buffer: PostgresBuffer) { buffer.append(array) }

    package static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [UInt8] {
        guard cell.type == .bytea || cell.type == .unknown else { throw cell.mismatch("bytes") }
        return Array(try cell.present())
    }
}

extension Bool: PostgresElement {}
extension Int16: PostgresElement {}
extension Int32: PostgresElement {}
extension Int64: PostgresElement {}
extension Int: PostgresElement {}
extension Double: PostgresElement {}
extension String: PostgresElement {}
extension PostgresTimestamp: PostgresElement {}
extension PostgresDate: PostgresElement {}
extension PostgresUUID: PostgresElement {}
extension PostgresJSON: PostgresElement {}
extension PostgresNumeric: PostgresElement {}
extension Optional: PostgresElement where Wrapped: PostgresElement & PostgresParameter & PostgresDecodable {}

extension Array: PostgresParameter where Element: PostgresElement {
    package static var postgresType: PostgresType { Element.postgresArrayType }

    package func encode(into buffer: PostgresBuffer) throws(PostgresError) {
        try Element.encodeArray(self, into: buffer)
    }
}

extension Array: PostgresDecodable where Element: PostgresElement {
    package init(_ cell: PostgresCell) throws(PostgresError) { self = try Element.decodeArray(cell) }
}
