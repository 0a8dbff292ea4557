import PostgresClient

/// Why a database was not migrated, or cannot be used as it is.
package enum MigrationError: Error, Sendable, Hashable, CustomStringConvertible {
    case invalidRole(String)
    case sameRoles
    /// No migration was ever applied.
    case missing
    /// The database is older than this program.
    case older(present: Int, wanted: Int)
    /// It is newer, or was migrated with other texts; in the words of the database.
    case refused(String)
    /// A migration did not succeed; what was applied before it stays.
    case failed(version: Int, name: String, PostgresError)
    case database(PostgresError)

    package var description: String {
        switch self {
        case .invalidRole(let name):
            "\"\(name)\" is no name for a role: at most \(RoleNames.lengthMax) letters from a to z, digits and _, "
                + "beginning with neither a digit nor pg_"
        case .sameRoles: "owner, writer and reader must be three roles"
        case .missing: "the database has no fleet schema: run `odograph migrate`"
        case .older(let present, let wanted):
            "the database has schema \(present), this program needs \(wanted): run `odograph migrate`"
        case .refused(let words): words
        case .failed(let version, let name, let error): "migration \(version) (\(name)) failed: \(error)"
        case .database(let error): error.description
        }
    }

    /// Whether the same call may succeed later without anybody's doing.
    package var isRetryable: Bool {
        switch self {
        case .failed(_, _, let error), .database(let error): error.isRetryable || error.isCancelled
        default: false
        }
    }
}
