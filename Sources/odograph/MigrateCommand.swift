import ArgumentParser
import PostgresClient
import Publishing

/// `odograph migrate`: makes the fleet schema in PostgreSQL, or brings it up to date.
struct MigrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Make or update the schema of the reports in PostgreSQL.",
        discussion: """
            Connect as a role that may create roles and schemas. Three roles are made that nobody logs in as; make \
            login roles that are members of them. Running it again changes nothing.
            """)

    @Option(help: "The database. (default: the setting postgres_owner, then postgres)") var postgres: String?
    @Option(help: "A JSON file of settings.") var config: String?
    @Option(help: "The role that owns the objects.") var owner = RoleNames().owner
    @Option(help: "The role that the engine writes as.") var writer = RoleNames().writer
    @Option(help: "The role that reports are read as.") var reader = RoleNames().reader
    @Option(help: "The business time zone of a new database. (default: the setting timezone, then UTC)")
    var timezone: String?
    @Flag(help: "Say what would be done, and do nothing.") var plan = false

    func run() throws {
        do {
            let reporting = try ReportingSettings(postgres: postgres, config: config)
            var migrator = Migrator(names: try RoleNames(owner: owner, writer: writer, reader: reader))
            migrator.timeZone = timezone ?? reporting.timeZone
            let connection = try PostgresConnection(try database(reporting))
            defer { connection.close() }
            try migrate(migrator, connection)
        } catch let failure as CommandFailure { throw failure } catch { throw CommandFailure(reason: "\(error)") }
    }

    private func database(_ reporting: ReportingSettings) throws -> PostgresSettings {
        guard let found = postgres == nil ? reporting.owner : reporting.postgres else {
            throw CommandFailure(reason: "no database is named: give --postgres, or set postgres_owner", status: 2)
        }
        return found
    }

    private func migrate(_ migrator: Migrator, _ connection: PostgresConnection) throws {
        let found = try migrator.plan(connection)
        guard !found.isUpToDate else { return StandardOutput.show("schema \(found.present): up to date") }
        if plan {
            for migration in found.pending { StandardOutput.show("would apply \(migration.version) \(migration.name)") }
            return
        }
        var progress = ProgressBar("migrations")
        defer { progress.finish() }
        var done = 0
        let applied = try migrator.run(connection) { _ in
            progress.update(done: done, total: found.pending.count)
            done += 1
        }
        progress.finish()
        for migration in applied {
            StandardOutput.show("applied \(migration.version) \(migration.name), \(migration.milliseconds) ms")
        }
        StandardOutput.show("schema \(found.wanted)")
    }
}
