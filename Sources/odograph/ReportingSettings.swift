import FoundationEssentials
import HTTPAPI
import PostgresClient
import Publishing

/// Where reports are published to, and where the dashboard's answers come from.
struct ReportingSettings {
    /// The server that gets the reporting tables, as a member of the writer's role; nil: none is published to.
    var postgres: PostgresSettings?
    /// Who reads for the dashboard: a member of the reader's role; the writer where nothing is said.
    var reader: PostgresSettings?
    /// Who may make and change the schema; the writer where nothing is said.
    var owner: PostgresSettings?
    /// Whether the dashboard's answers come from PostgreSQL.
    var isDashboardFromPostgres: Bool
    /// The business time zone: which day a trip belongs to in the fleet's reports.
    var timeZone: String
    /// Whether somebody has said so.
    var isTimeZoneSet: Bool
    /// Origins of web pages that may read the dashboard's answers; `*` is any.
    var corsOrigins: [String]

    static let names = ["postgres", "postgres_reader", "postgres_owner", "dashboard", "timezone", "cors_origins"]
    static let timeZoneDefault = "UTC"

    /// Those of a command that has no other settings: the file and the environment.
    init(postgres: String?, config: String?) throws {
        let environment = ProcessInfo.processInfo.environment
        let file = try Settings.read(config ?? environment["ODOGRAPH_CONFIG"])
        try self.init { name in
            name == "postgres" && postgres != nil
                ? postgres : environment["ODOGRAPH_" + name.uppercased()] ?? file[name]
        }
    }

    /// Reads what is set; the closure gives the text of a name.
    init(_ setting: (String) -> String?) throws {
        postgres = try Self.connection("postgres", setting)
        reader = try Self.connection("postgres_reader", setting) ?? postgres
        owner = try Self.connection("postgres_owner", setting) ?? postgres
        let source = setting("dashboard") ?? (postgres == nil ? "engine" : "postgres")
        guard ["engine", "postgres"].contains(source) else {
            throw CommandFailure(reason: "dashboard \"\(source)\": must be engine or postgres", status: 2)
        }
        isDashboardFromPostgres = source == "postgres"
        if isDashboardFromPostgres, reader == nil {
            throw CommandFailure(
                reason: "dashboard is postgres, but neither postgres nor postgres_reader is set", status: 2)
        }
        let zone = setting("timezone")
        isTimeZoneSet = zone != nil
        timeZone = zone ?? Self.timeZoneDefault
        corsOrigins = (setting("cors_origins") ?? "").split(separator: ",")
            .map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
    }

    private static func connection(_ name: String, _ setting: (String) -> String?) throws -> PostgresSettings? {
        guard let text = setting(name), !text.isEmpty else { return nil }
        do throws(PostgresError) { return try PostgresSettings(text) } catch {
            throw CommandFailure(reason: "\(name): \(error)", status: 2)
        }
    }
}

extension ReportingSettings {
    /// What the dashboard's answers depend on.
    var fleetOptions: FleetOptions {
        var options = FleetOptions()
        options.timeZone = timeZone
        options.origins = corsOrigins
        return options
    }

    /// The dashboard's answers from PostgreSQL; nil: from the engine's own store.
    var fleetReports: (any FleetReports)? {
        guard isDashboardFromPostgres, let reader else { return nil }
        return PostgresFleetReports(reader)
    }
}
