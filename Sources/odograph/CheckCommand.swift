import ArgumentParser
import TimeZones

/// `odograph check`: validates files with calculators.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validate calculators.",
        discussion: """
            A file holds a calculator or an array of calculators. Each problem is a line on standard error, \
            FILE:LINE:COLUMN: error|warning: PATH: what is wrong and how to mend it. \
            The exit status is 0 if there are no errors, 1 otherwise.
            """)

    @Argument(help: "Files with calculators.", completion: .file(extensions: ["json"]))
    var files: [String]

    func run() async throws {
        let zones = TimeZoneDatabase()
        var hasErrors = false
        for name in files {
            do throws(CheckFailure) {
                let file = try CheckedFile(name, requiresName: true, zones: zones)
                hasErrors = hasErrors || file.hasErrors
                if file.lines.isEmpty { print("\(name): ok") } else { StandardError.write(file.lines) }
            } catch {
                hasErrors = true
                StandardError.write(["\(error)"])
            }
        }
        if hasErrors { throw ExitCode.failure }
    }
}
