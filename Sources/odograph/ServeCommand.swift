import ArgumentParser

/// `odograph serve`: everything on one machine.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the engine: REST API, calculation and storage in one process.",
        discussion: """
            The first start makes a master token and says in which file it is. Stop with SIGTERM or Ctrl-C; \
            everything acknowledged is on disk.
            """)

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        do {
            let server = try Server(Settings(options))
            try await server.run()
        } catch let failure as CommandFailure { throw failure } catch { throw CommandFailure(reason: "\(error)") }
    }
}
