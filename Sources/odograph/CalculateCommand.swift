import ArgumentParser
import Calculators
import Glibc
import Ingest
import Telemetry
import TimeZones

/// `odograph calculate`: messages to intervals, without a server.
struct CalculateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calculate",
        abstract: "Calculate the intervals of messages, without a server.",
        discussion: """
            Messages are JSON lines: flat objects, whose ident tells devices apart. The intervals come on standard \
            output, by ident and begin: as a JSON array (each with its ident first, then the bytes that a server \
            stores, without id and timestamp), as CSV, or as a table in local time. \
            A moment is in seconds since 1970, or ISO 8601; without an offset it is local to the calculator's time zone.
            """)

    @Option(
        help: ArgumentHelp("A file with one calculator.", valueName: "file"), completion: .file(extensions: ["json"]))
    var calculator: String

    @Option(help: ArgumentHelp("A file with messages, - for standard input.", valueName: "file"), completion: .file())
    var messages: String

    @Option(help: ArgumentHelp("Leave out messages before; a date is its begin.", valueName: "moment"))
    var from: CalculateMoment?

    @Option(help: ArgumentHelp("Leave out messages after; a date is its end.", valueName: "moment"))
    var to: CalculateMoment?

    @Option(help: ArgumentHelp("When to judge what is active, by default now.", valueName: "moment"))
    var now: CalculateMoment?

    @Option(help: ArgumentHelp("A time zone instead of the calculator's, such as Europe/Paris.", valueName: "zone"))
    var timezone: String?

    @Option(help: ArgumentHelp("How the intervals are written.", valueName: "format"))
    var format: CalculateFormat = .json

    /// More problems of messages than this are only counted.
    static let problemsShownMax = 100

    func validate() throws {
        do {
            _ = try timezone.map { try TimeZoneDatabase().table($0) }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() async throws {
        let zones = TimeZoneDatabase()
        let calculator = try readCalculator(zones)
        let zone = try zones.table(timezone ?? calculator.timeZoneName)
        let read = try readMessages(for: calculator)
        let evaluation = CalculateIntervals(
            calculator: calculator, zone: zone, table: read.table,
            range: TimeRange(
                inclusive: from?.first(in: zone) ?? .distantPast, to?.last(in: zone) ?? .distantFuture),
            now: now?.first(in: zone) ?? Self.currentTime())
        var output = CalculateOutput(format, calculator, zone: zone, to: StandardOutput())
        var progress = ProgressBar("calculating")
        let devices = read.sortedDevices()
        for (index, device) in devices.enumerated() {
            output.write(evaluation.intervals(ident: device.ident, messages: device.messages), ident: device.ident)
            progress.update(done: index + 1, total: devices.count)
        }
        progress.finish()
        if let problem = output.finish() { throw fail(["standard output: \(problem)"]) }
    }

    private func readCalculator(_ zones: TimeZoneDatabase) throws -> Calculator {
        do {
            let file = try CheckedFile(calculator, requiresName: false, zones: zones)
            if file.hasErrors { throw fail(file.lines) }
            guard file.calculators.count == 1, let only = file.calculators.first else {
                throw fail(["\(calculator): has \(file.calculators.count) calculators; one is wanted"])
            }
            return only
        } catch let error as CheckFailure {
            throw fail(["\(error)"])
        }
    }

    private func readMessages(for calculator: Calculator) throws -> CalculateMessages {
        var read = CalculateMessages(for: calculator)
        var progress = ProgressBar("reading messages")
        var shown = 0
        do throws(ImportError) {
            try read.read(messages, progress: &progress) { problem in
                shown += 1
                if shown <= Self.problemsShownMax { StandardError.write([problem]) }
            }
        } catch {
            progress.finish()
            throw fail(["\(error)"])
        }
        progress.finish()
        if read.problems > 0 {
            let counts = "problems: \(read.problems); messages taken: \(read.accepted), refused: \(read.refused)"
            StandardError.write([counts])
        }
        return read
    }

    /// Writes lines to standard error and gives the error that ends the command with status 1.
    private func fail(_ lines: [String]) -> ExitCode {
        StandardError.write(lines)
        return .failure
    }

    private static func currentTime() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
