/// The names of the database roles that own, fill and read the fleet schema.
package struct RoleNames: Sendable, Hashable {
    package static let lengthMax = 63

    /// Owns the schemas and makes what is in them.
    package let owner: String
    /// Changes rows and makes no objects.
    package let writer: String
    /// Reads reports.
    package let reader: String

    /// The names that are used where nobody asks for others.
    package init() { (owner, writer, reader) = ("odograph_owner", "odograph_writer", "odograph_reader") }

    /// Names of letters from a to z, digits and `_`: they are put into the text of migrations. They must differ, since
    /// the reader is given limits that the others must not have.
    package init(owner: String, writer: String, reader: String) throws(MigrationError) {
        for name in [owner, writer, reader] where !Self.isName(name) { throw .invalidRole(name) }
        guard Set([owner, writer, reader]).count == 3 else { throw .sameRoles }
        (self.owner, self.writer, self.reader) = (owner, writer, reader)
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= lengthMax else { return false }
        let isBegin = isLetter(first)
        return isBegin && name.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) } && !name.hasPrefix("pg_")
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte) || byte == 95 }

    /// A migration's text with the names in it.
    func applied(to text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        var rest = text[...]
        while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
            result += rest[..<open.lowerBound]
            result +=
                name(of: rest[open.upperBound..<close.lowerBound]) ?? String(rest[open.lowerBound..<close.upperBound])
            rest = rest[close.upperBound...]
        }
        return result + rest
    }

    private func name(of role: Substring) -> String? {
        switch role {
        case "owner": owner
        case "writer": writer
        case "reader": reader
        default: nil
        }
    }
}
