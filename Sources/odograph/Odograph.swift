import ArgumentParser
import Glibc

/// The command line of Odograph.
@main
struct Odograph: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "odograph", abstract: "Telematics analytics on your own machine: messages in, intervals out.",
        discussion: """
            Settings are taken from flags, then from the environment (ODOGRAPH_DATA, ODOGRAPH_LISTEN, \
            ODOGRAPH_POSTGRES, …), then from a JSON file (--config), then from \
            defaults. Exit status: 0 done, 1 the work failed, 2 wrong use.
            """,
        version: "0.1.0",
        subcommands: [
            ServeCommand.self, DemoCommand.self, ImportCommand.self, CalculateCommand.self, CheckCommand.self,
            SimulateCommand.self, TokenCommand.self, BackupCommand.self, RestoreCommand.self, VerifyCommand.self,
            DoctorCommand.self, ReplayCommand.self, MigrateCommand.self, RebuildCommand.self,
        ])

    /// Runs a command; ArgumentParser's own status for wrong use (64) becomes 2.
    static func main() async {
        // What the commands write is the owner's alone.
        umask(0o077)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            if code == .validationFailure {
                StandardError.write(text: fullMessage(for: error) + "\n")
                exit(withError: ExitCode(2))
            }
            guard let failure = error as? CommandFailure else { exit(withError: error) }
            StandardError.write(text: "odograph: \(failure.reason)\n")
            exit(withError: ExitCode(failure.status))
        }
    }
}

/// Work that could not be done, in one line.
struct CommandFailure: Error {
    var reason: String
    /// 1: the work failed; 2: wrong use.
    var status: Int32 = 1
}
