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

    @Option(
        help: ArgumentHelp(
            "A calculator whose intervals are read, by the id that calc_id names; may be repeated.",
            valueName: "id=file"))
    var source: [CalculateSource] = []

    @Option(
        help: ArgumentHelp("A file with an array of the geofences that are assigned.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var geofences: String?

    @Option(
        help: ArgumentHelp("A file with the devices' metadata, an object.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var metadata: String?

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
        let asked = try member(calculator, zones)
        let (calculator, zone) = (asked.calculator, asked.zone)
        let nest = try nest(asked, zones)
        let read = try readMessages(for: nest.map(\.calculator))
        let evaluation = try surrounded {
            CalculateIntervals(
                nest: nest, table: read.table, metadata: try CalculateSurroundings.metadata(metadata),
                geofences: try CalculateSurroundings.geofences(geofences),
                range: TimeRange(
                    inclusive: from?.first(in: zone) ?? .distantPast, to?.last(in: zone) ?? .distantFuture),
                now: now?.first(in: zone) ?? Self.currentTime())
        }
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

    /// The calculators in the order in which they are evaluated.
    private func nest(_ asked: CalculateNest.Member, _ zones: TimeZoneDatabase) throws -> [CalculateNest.Member] {
        let sources = try source.map { source in
            var member = try member(source.file, zones)
            member.id = source.id
            return member
        }
        return try surrounded { try CalculateNest(asked, sources: sources).members }
    }

    private func surrounded<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as ExitCode { throw error } catch { throw fail(["\(error)"]) }
    }

    private func member(_ name: String, _ zones: TimeZoneDatabase) throws -> CalculateNest.Member {
        let calculator = try readCalculator(name, zones)
        return CalculateNest.Member(
            calculator: calculator, zone: try zones.table(timezone ?? calculator.timeZoneName))
    }

    private func readCalculator(_ name: String, _ zones: TimeZoneDatabase) throws -> Calculator {
        do {
            let file = try CheckedFile(name, requiresName: false, zones: zones)
            if file.hasErrors { throw fail(file.lines) }
            guard file.calculators.count == 1, let only = file.calculators.first else {
                throw fail(["\(name): has \(file.calculators.count) calculators; one is wanted"])
            }
            return only
        } catch let error as CheckFailure {
            throw fail(["\(error)"])
        }
    }

    private func readMessages(for calculators: [Calculator]) throws -> CalculateMessages {
        var read = CalculateMessages(for: calculators)
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
