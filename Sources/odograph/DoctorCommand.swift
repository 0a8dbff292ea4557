import ArgumentParser
import FoundationEssentials
import Telemetry

/// `odograph doctor`: what is wrong with this installation, and how to mend it.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look at settings, data folder, store and surroundings, and say what is wrong.",
        discussion: """
            It only reads, and may run beside a server. Each line is ok, a warning or an error, with what to do about \
            it. The exit status is 1 if there is an error, 0 otherwise.
            """)

    @Option(help: "The data folder. (default: odograph-data)") var data: String?
    @Option(help: "A JSON file of settings.") var config: String?
    @Flag(help: "Write an object of JSON in each line.") var json = false

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        var progress = ProgressBar("looking at slots")
        var hasErrors = false
        let isJSON = json
        var doctor = Doctor(data: data, config: config, environment: environment, now: Server.clock()) { finding in
            progress.finish()
            if finding.state == .error { hasErrors = true }
            StandardOutput.show(isJSON ? finding.json.text : finding.line)
        } progress: { done, total in
            progress.update(done: done, total: total)
        }
        doctor.run()
        progress.finish()
        if hasErrors { throw ExitCode.failure }
    }
}
