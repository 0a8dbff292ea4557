import Glibc
import PostgresClient

/// Brings a database to the fleet schema of this program.
///
/// Each migration is a transaction of its own, with its row in `odograph.migrations`, under a lock that lets one
/// migrator through at a time. What was interrupted is gone on with by running it again.
package struct Migrator: Sendable {
    /// A migration may rewrite tables; it is cancelled after this.
    package static let timeoutMillisecondsDefault = 3_600_000
    private static let attemptsMax = 10
    private static let attemptMicroseconds: UInt32 = 50_000
    /// The advisory lock that migrators take.
    private static let lock: Int64 = 920_150

    package let names: RoleNames
    package let migrations: [Migration]
    package var timeoutMilliseconds = timeoutMillisecondsDefault
    /// The business time zone of a database that is made; a name that PostgreSQL knows. Later ones are set by whoever
    /// writes, but a continuous aggregate of TimescaleDB has it built in.
    package var timeZone = "UTC"

    package init(names: RoleNames = RoleNames(), migrations: [Migration] = Migration.all) {
        self.names = names
        self.migrations = migrations
    }

    private var wanted: Int { migrations.last?.version ?? 0 }

    /// What `run` would do; changes nothing.
    package func plan(_ connection: PostgresConnection) throws(MigrationError) -> MigrationPlan {
        let present = try present(connection)
        return MigrationPlan(
            present: present, wanted: wanted, pending: migrations.filter { $0.version > present })
    }

    /// Applies what is missing; tells of each migration before it begins, and of those that it applied.
    @discardableResult
    package func run(
        _ connection: PostgresConnection, progress: (Migration) -> Void = { _ in }
    ) throws(MigrationError) -> [AppliedMigration] {
        let usual = connection.timeoutMilliseconds
        connection.timeoutMilliseconds = timeoutMilliseconds
        defer { connection.timeoutMilliseconds = usual }
        try database { () throws(PostgresError) in
            try connection.execute("SET client_min_messages = warning")
            try connection.query("SELECT set_config('odograph.timezone', $1, false)", timeZone)
        }
        var applied: [AppliedMigration] = []
        for migration in try plan(connection).pending {
            progress(migration)
            if let done = try applyBesideNeighbours(migration, connection) { applied.append(done) }
        }
        return applied
    }

    /// Refuses a database that does not have exactly the schema of this program.
    package func checkSchema(_ connection: PostgresConnection) throws(MigrationError) {
        let present = try present(connection)
        guard present > 0 else { throw .missing }
        guard present == wanted else { throw .older(present: present, wanted: wanted) }
    }

    /// The version that the database has; an error where it is newer, or has another text of a migration.
    private func present(_ connection: PostgresConnection) throws(MigrationError) -> Int {
        do throws(PostgresError) {
            let isThere = try connection.value(
                "SELECT to_regprocedure('odograph.check_migrations(integer[], text[])') IS NOT NULL", as: Bool.self)
            guard isThere == true else { return 0 }
            let version = try connection.value(
                "SELECT odograph.check_migrations($1, $2)", migrations.map { Int32($0.version) },
                migrations.map(\.checksum), as: Int64.self)
            return Int(version ?? 0)
        } catch {
            throw error.sqlState == "55000" ? .refused(error.message) : .database(error)
        }
    }

    /// Applies one migration, and again where another database of the same server was migrated at the same moment:
    /// roles are common to all of them, and no lock of one database keeps the others off.
    private func applyBesideNeighbours(
        _ migration: Migration, _ connection: PostgresConnection
    ) throws(MigrationError) -> AppliedMigration? {
        for _ in 1..<Self.attemptsMax {
            do throws(MigrationError) { return try apply(migration, connection) } catch {
                guard case .failed(_, _, let reason) = error, reason.isOfNeighbour else { throw error }
                usleep(Self.attemptMicroseconds)
            }
        }
        return try apply(migration, connection)
    }

    /// Applies one migration, unless another migrator has done so meanwhile.
    private func apply(
        _ migration: Migration, _ connection: PostgresConnection
    ) throws(MigrationError) -> AppliedMigration? {
        let start = ContinuousClock.now
        do {
            return try connection.transaction {
                try connection.query("SELECT pg_advisory_xact_lock($1)", Self.lock)
                guard try present(connection) < migration.version else { return nil }
                try connection.execute(names.applied(to: migration.text))
                let milliseconds = Int((ContinuousClock.now - start) / .milliseconds(1))
                try connection.query(
                    "INSERT INTO odograph.migrations (version, name, checksum, milliseconds) VALUES ($1, $2, $3, $4)",
                    Int32(migration.version), migration.name, migration.checksum, Int32(clamping: milliseconds))
                return AppliedMigration(version: migration.version, name: migration.name, milliseconds: milliseconds)
            }
        } catch {
            if let error = error as? MigrationError { throw error }
            throw .failed(version: migration.version, name: migration.name, PostgresError(any: error))
        }
    }

    @discardableResult
    private func database<Value>(_ body: () throws(PostgresError) -> Value) throws(MigrationError) -> Value {
        do throws(PostgresError) { return try body() } catch { throw .database(error) }
    }
}

extension PostgresError {
    /// Whether something that is common to all databases of a server was changed from another one at the same moment.
    fileprivate var isOfNeighbour: Bool {
        ["23505", "42710", "40001"].contains(sqlState) || sqlState == "XX000" && message.contains("concurrently")
    }

    /// What a call threw whose type does not say that it throws nothing else.
    init(any error: any Error) { self = error as? PostgresError ?? PostgresError(.client, "\(error)") }
}
