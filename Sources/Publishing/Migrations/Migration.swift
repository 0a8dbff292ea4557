import CCrypto
import FleetSchema

/// One step from an empty database to the fleet schema.
package struct Migration: Sendable, Hashable {
    /// Counts from 1.
    package let version: Int
    package let name: String
    /// SQL with `{{owner}}`, `{{writer}}` and `{{reader}}` where names of roles stand.
    package let text: String
    /// The SHA-256 of the text, in hexadecimal digits.
    package let checksum: String

    package init(version: Int, name: String, text: String) {
        self.version = version
        self.name = name
        self.text = text
        checksum = Self.checksum(Array(text.utf8))
    }

    /// Those that are part of this program, in their order.
    package static let all: [Migration] = (0..<fleet_schema_count()).compactMap { index in
        guard let name = fleet_schema_name(index), let text = fleet_schema_text(index) else { return nil }
        let bytes = UnsafeBufferPointer(start: text, count: fleet_schema_length(index))
        return Migration(
            version: Int(fleet_schema_version(index)), name: String(cString: name),
            text: String(decoding: bytes, as: UTF8.self))
    }

    private static func checksum(_ bytes: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        let code = EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha256(), nil)
        precondition(code == 1, "libcrypto has SHA-256")
        return digest.prefix(Int(count)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

/// What a run of migrations would do.
package struct MigrationPlan: Sendable, Hashable {
    /// The version that the database has; 0 before the first migration.
    package var present: Int
    /// The version that this program needs.
    package var wanted: Int
    package var pending: [Migration]

    package var isUpToDate: Bool { pending.isEmpty }
}

/// A migration that was applied, and how long it took.
package struct AppliedMigration: Sendable, Hashable {
    package var version: Int
    package var name: String
    package var milliseconds: Int
}
