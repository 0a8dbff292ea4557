import ArgumentParser
import Glibc
import PrimaryStore
import Publishing
import Telemetry

/// `odograph rebuild`: writes the reports in PostgreSQL anew from the engine's store.
struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild", abstract: "Write the reports in PostgreSQL anew from the engine's store.",
        discussion: """
            From a data folder that no server uses, or by a running server (--server and --token). What is right \
            already is not written again, and readers see whole rows throughout. After a restore of the engine, or \
            where another engine has filled the database, --adopt makes it this engine's: that needs the owner's \
            connection.
            """)

    @OptionGroup var options: SettingsOptions
    @Option(help: "The running server, such as http://127.0.0.1:8080.") var server: String?
    @Option(help: "The server's token.") var token: String?
    @Flag(help: "Take the database over, whoever has filled it.") var adopt = false

    /// Between two looks at how far it is.
    static let pauseMilliseconds: UInt32 = 200

    func validate() throws {
        if server != nil, token == nil { throw ValidationError("--server needs --token") }
    }

    func run() async throws {
        do {
            let settings = try Settings(options)
            if adopt { try disown(settings) }
            if let server, let token {
                try ReportingClient(client: ServerClient(server: server, token: token)).rebuild()
            } else {
                try await rebuild(settings)
            }
        } catch let failure as CommandFailure { throw failure } catch { throw CommandFailure(reason: "\(error)") }
    }

    private func disown(_ settings: Settings) throws {
        guard let owner = settings.reporting.owner else { throw Self.noDatabase }
        try Publication.disown(owner)
    }

    static let noDatabase = CommandFailure(reason: "no database is named: give --postgres, or set postgres", status: 2)

    /// Delivers everything from here, and ends when all is there.
    private func rebuild(_ settings: Settings) async throws {
        guard let postgres = settings.reporting.postgres else { throw Self.noDatabase }
        let server = try Server(settings)
        let delivery = Publication.delivery(
            server.store, to: postgres, timeZone: settings.reporting.timeZone, logger: server.logger)
        delivery.rebuild()
        var progress = ProgressBar("rebuild")
        defer { progress.finish() }
        let outcome = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await delivery.run() }
            defer { group.cancelAll() }
            return try await Self.watch(delivery, &progress)
        }
        progress.finish()
        server.store.close()
        StandardOutput.show(outcome)
    }

    /// Waits until nothing is left; a refusal ends it, since nobody is here to mend it.
    private static func watch(_ delivery: Delivery, _ progress: inout ProgressBar) async throws -> String {
        while true {
            try await Task.sleep(for: .milliseconds(pauseMilliseconds))
            let status = delivery.status
            for loop in [status.feed, status.messages] {
                if case .refused(let reason) = loop.state { throw CommandFailure(reason: reason) }
            }
            if case .rebuilding(let done, let total) = status.feed.state { progress.update(done: done, total: total) }
            guard status.isUpToDate, status.feed.state == .idle, status.messages.state == .idle else { continue }
            return
                "rebuilt: \(status.feed.writtenCount) intervals and \(status.messages.writtenCount) messages written, "
                + "\(status.feed.deletedCount) intervals deleted, \(status.feed.passedOverCount) were right"
        }
    }
}
