/// A name of a schema, table, column or the like, as it stands in a statement: in quotation marks.
///
/// Interpolated into SQL it is quoted, so that any text is a name: `select`, one with quotes, one with blanks.
package struct PostgresName: Sendable, Hashable, CustomStringConvertible {
    /// The server cuts longer names off without an error, and two could become one.
    package static let bytesMax = 63

    /// The name itself.
    package let text: String

    /// A name as it is; one that is empty, too long or has a NUL in it is refused.
    package init(_ text: String) throws(PostgresError) {
        guard text.utf8.count <= Self.bytesMax else {
            throw PostgresError(.client, "the name \(text.prefix(20))… is longer than \(Self.bytesMax) bytes")
        }
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw PostgresError(.client, "a name is empty or has a NUL character in it")
        }
        self.text = text
    }

    /// A name made short enough: one that is too long keeps its beginning and gets a hash of the whole, so that two
    /// different names stay different.
    package init(shortening text: String) throws(PostgresError) { try self.init(Self.shortened(text)) }

    /// The name in quotation marks.
    package var description: String { Self.quoted(text, with: 34, doubling: [34]) }

    /// A name of at most `bytesMax` bytes that begins as the given one and differs where that differs.
    package static func shortened(_ text: String, bytesMax: Int = bytesMax) -> String {
        guard text.utf8.count > bytesMax else { return text }
        let hash = hexadecimal(fnv1a(text))
        var prefix = text.prefix(bytesMax)
        while prefix.utf8.count > bytesMax - hash.utf8.count - 1 { prefix.removeLast() }
        return "\(prefix)_\(hash)"
    }

    /// The text between two marks, with the given bytes doubled; bytes, so that no accent hides a mark.
    static func quoted(_ text: String, with mark: UInt8, doubling doubled: [UInt8]) -> String {
        var bytes = [mark]
        for byte in text.utf8 {
            if doubled.contains(byte) { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(mark)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func fnv1a(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// A table or view, with its schema if it has one; interpolated into SQL it is quoted.
package struct PostgresTable: Sendable, Hashable, CustomStringConvertible {
    package let schema: PostgresName?
    package let name: PostgresName

    package init(schema: PostgresName? = nil, _ name: PostgresName) {
        self.schema = schema
        self.name = name
    }

    package init(schema: String? = nil, _ name: String) throws(PostgresError) {
        var place: PostgresName?
        if let schema { place = try PostgresName(schema) }
        self.init(schema: place, try PostgresName(name))
    }

    package var description: String { schema.map { "\($0).\(name)" } ?? name.description }
}

/// A text as it stands in a statement that takes no parameters, such as a COMMENT; interpolated it is quoted.
package struct PostgresLiteral: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(PostgresError) {
        guard !text.utf8.contains(0) else {
            throw PostgresError(.client, "a text has a NUL character in it, which PostgreSQL cannot store")
        }
        self.text = text
    }

    /// The text in quotation marks, read alike whatever `standard_conforming_strings` says.
    package var description: String {
        let (mark, backslash) = (UInt8(ascii: "'"), UInt8(ascii: "\\"))
        let quoted = PostgresName.quoted(text, with: mark, doubling: [mark, backslash])
        return text.utf8.contains(backslash) ? " E" + quoted : quoted
    }
}
