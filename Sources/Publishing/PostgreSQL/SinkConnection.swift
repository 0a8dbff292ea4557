import PostgresClient

/// The connection of a sink: it has the right schema, acts as the writer, and has its staging tables.
final class SinkConnection {
    let postgres: PostgresConnection

    /// Connects, and refuses a database of another schema or one that is filled from another store.
    init(_ settings: SinkSettings, store: String, deliveryMilliseconds: Int) throws(SinkError) {
        var way = settings.postgres
        // Of several servers only the one that takes changes will do.
        if way["target_session_attrs"] == nil { way["target_session_attrs"] = "read-write" }
        do throws(PostgresError) {
            postgres = try PostgresConnection(way)
            postgres.timeoutMilliseconds = settings.openingMilliseconds
            try Self.prepare(postgres, settings, deliveryMilliseconds)
        } catch { throw SinkError(error) }
        do throws(MigrationError) {
            try Migrator(names: settings.roles).checkSchema(postgres)
        } catch { throw SinkError(error) }
        let other: String?
        do throws(PostgresError) {
            try postgres.query("SELECT odograph.open_staging()")
            other = try otherStore(than: store)
        } catch { throw SinkError(error) }
        if let other {
            throw .refused(
                "this database is filled from the store \(other), not from \(store): "
                    + "odograph rebuild --adopt takes it over")
        }
        postgres.timeoutMilliseconds = deliveryMilliseconds
    }

    /// The session's settings. The server gives up a little after us, should we be gone by then.
    private static func prepare(
        _ postgres: PostgresConnection, _ settings: SinkSettings, _ deliveryMilliseconds: Int
    ) throws(PostgresError) {
        let statementMilliseconds = deliveryMilliseconds + 2 * postgres.graceMilliseconds
        try postgres.execute(
            """
            SET client_min_messages = warning; SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET jit = off;
            SET statement_timeout = \(statementMilliseconds); SET lock_timeout = \(settings.lockMilliseconds);
            SET idle_in_transaction_session_timeout = \(statementMilliseconds)
            """)
        try postgres.query(
            """
            SELECT set_config('role', rolname, false) FROM pg_roles
            WHERE rolname = $1 AND rolname <> current_user AND pg_has_role(rolname, 'MEMBER')
            """, settings.roles.writer)
    }

    private func otherStore(than store: String) throws(PostgresError) -> String? {
        try postgres.value(
            "SELECT store FROM odograph.cursors WHERE store <> $1 LIMIT 1", StagedText.plain(store), as: String.self)
    }

    /// Runs the body in a transaction.
    func transaction<Value>(_ body: (PostgresConnection) throws -> Value) throws(PostgresError) -> Value {
        do {
            return try postgres.transaction { try body(postgres) }
        } catch { throw PostgresError(any: error) }
    }

    /// Notes something that is not taken, so that the rest can go on.
    func refuse(sink: String, key: String, reason: String, content: String?) throws(PostgresError) {
        try postgres.query(
            """
            INSERT INTO odograph.refused (sink, key, reason, content) VALUES ($1, $2, $3, $4)
            ON CONFLICT (sink, key, reason) DO NOTHING
            """, sink, key, String(StagedText.plain(reason).prefix(500)),
            content.map { String(StagedText.plain($0).prefix(2000)) })
    }
}
