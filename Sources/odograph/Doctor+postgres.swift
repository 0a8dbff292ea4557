import PostgresClient
import Publishing
import Telemetry

/// The database of the reports, if one is set.
extension Doctor {
    /// Seconds after which a reader that has not delivered is told.
    private static let silenceSeconds = 300.0

    func lookAtReporting(_ settings: ReportingSettings) {
        guard let postgres = settings.postgres else {
            return say(.ok, "reporting", "no PostgreSQL is set; nothing is published")
        }
        do throws(PostgresError) {
            let connection = try PostgresConnection(postgres)
            defer { connection.close() }
            guard lookAtSchema(connection) else { return }
            try lookAtCursors(connection)
        } catch {
            say(
                .error, "reporting", "\(error)",
                mend: "nothing is published until it answers; what is missing then follows by itself")
        }
    }

    private func lookAtSchema(_ connection: PostgresConnection) -> Bool {
        do throws(MigrationError) {
            try Migrator().checkSchema(connection)
            say(.ok, "reporting", "PostgreSQL \(connection.parameterStatus("server_version") ?? ""), the schema fits")
            return true
        } catch {
            say(.error, "reporting", "\(error)", mend: "run odograph migrate as the owner")
            return false
        }
    }

    private func lookAtCursors(_ connection: PostgresConnection) throws(PostgresError) {
        let rows = try connection.query(
            """
            SELECT name, count(*), (EXTRACT(epoch FROM now() - max(at)))::float8
            FROM odograph.cursors GROUP BY name ORDER BY name
            """, as: String.self, Int64.self, Double?.self)
        if rows.isEmpty { say(.warning, "reporting", "nothing was ever published", mend: "start odograph serve") }
        for (name, _, seconds) in rows where name == "messages" {
            let isSilent = (seconds ?? .infinity) > Self.silenceSeconds
            say(
                isSilent ? .warning : .ok, "reporting", "\(name) published \(Int(seconds ?? 0)) s ago",
                mend: isSilent ? "see the log of odograph serve, or GET /gw/reporting" : nil)
        }
        let refused = try connection.value("SELECT count(*) FROM odograph.refused", as: Int64.self) ?? 0
        if refused > 0 {
            say(
                .warning, "reporting", "\(refused) rows were refused by PostgreSQL",
                mend: "SELECT * FROM odograph.refused says which and why")
        }
    }
}
