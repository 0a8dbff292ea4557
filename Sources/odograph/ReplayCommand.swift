import ArgumentParser
import Glibc
import Telemetry

/// `odograph replay`: how far recalculations of whole histories are, and how much of the processor they may take.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Watch and steer the recalculation of whole histories on a running server.",
        discussion: """
            A changed calculator is calculated again over the whole history of its devices. Live messages always go \
            first; `share` says which part of the processor the histories may take, `pause` stops them where they \
            are, `resume` lets them go on. The settings outlive a restart of the server.
            """,
        subcommands: [Status.self, Pause.self, Resume.self, Share.self], defaultSubcommand: Status.self)

    /// How the server is reached.
    struct Options: ParsableArguments {
        @Option(help: "The running server, such as http://127.0.0.1:8080.") var server: String
        @Option(help: "The server's token.") var token: String

        @Flag(help: "Show the progress until all is done.") var watch = false

        /// Sends a request and shows what the server says then.
        func run(_ method: String, _ body: JSONValue?) throws {
            let client = ReplayClient(client: try ServerClient(server: server, token: token))
            let status = try client.send(method, body)
            guard watch else { return StandardOutput.show(status.lines.joined(separator: "\n")) }
            try ReplayWatch(client: client).run(from: status)
        }
    }

    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show how far they are.")
        @OptionGroup var options: Options

        func run() throws { try options.run("GET", nil) }
    }

    struct Pause: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stop them where they are.")
        @OptionGroup var options: Options

        func run() throws { try options.run("PUT", .object([.init("paused", .boolean(true))])) }
    }

    struct Resume: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let them go on.")
        @OptionGroup var options: Options

        func run() throws { try options.run("PUT", .object([.init("paused", .boolean(false))])) }
    }

    struct Share: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say which part of the processor they may take.")
        @Argument(help: "From 0.05 to 1.") var share: Double
        @OptionGroup var options: Options

        func validate() throws {
            guard (0.05...1).contains(share) else { throw ValidationError("the share must be from 0.05 to 1") }
        }

        func run() throws { try options.run("PUT", .object([.init("share", .number(share))])) }
    }
}

/// Asks a running server about replays.
struct ReplayClient {
    let client: ServerClient

    func send(_ method: String, _ body: JSONValue? = nil) throws -> ReplayReport {
        ReplayReport(try client.item(method, "/gw/replays", body.map { Array($0.text.utf8) }))
    }
}

/// What a server says of its replays.
struct ReplayReport {
    /// One calculator's.
    struct Progress {
        var calculator: Int64
        var total: Int
        var done: Int
        var messagesPerSecond: Double
        var secondsLeft: Double?

        var isDone: Bool { done >= total }
    }

    var isPaused: Bool
    var share: Double
    var progress: [Progress]

    init(_ json: JSONValue) {
        isPaused = json["paused"]?.booleanValue ?? false
        share = json["share"]?.numberValue ?? 1
        progress = (json["progress"]?.arrayValue ?? []).map { item in
            Progress(
                calculator: item["calc_id"]?.integerValue ?? 0, total: Int(item["total"]?.integerValue ?? 0),
                done: Int(item["done"]?.integerValue ?? 0),
                messagesPerSecond: item["messages_per_second"]?.numberValue ?? 0,
                secondsLeft: item["seconds_left"]?.numberValue)
        }
    }

    var total: Int { progress.reduce(0) { $0 + $1.total } }
    var done: Int { progress.reduce(0) { $0 + $1.done } }
    var isDone: Bool { done >= total }
    var messagesPerSecond: Double { progress.reduce(0) { $0 + $1.messagesPerSecond } }
    /// Of what takes longest; nil while nothing tells.
    var secondsLeft: Double? { progress.compactMap(\.secondsLeft).max() }

    /// How it is set, then a line for each calculator.
    var lines: [String] {
        let state = isPaused ? "paused" : isDone ? "done" : "running"
        return ["replays \(state), share \(JSONValue.number(share).text)"]
            + progress.map { item in
                "calculator \(item.calculator): "
                    + Self.line(item.done, item.total, item.messagesPerSecond, item.secondsLeft)
            }
    }

    /// All of them in one line.
    var line: String {
        (isPaused ? "paused: " : "") + Self.line(done, total, messagesPerSecond, secondsLeft)
    }

    private static func line(_ done: Int, _ total: Int, _ rate: Double, _ left: Double?) -> String {
        let speed = rate > 0 ? ", \(Int(rate.rounded())) messages/s" : ""
        let time = done < total ? left.map { ", \(ProgressBar.time(.seconds($0.rounded()))) left" } ?? "" : ""
        return "\(done) of \(total) devices done\(speed)\(time)"
    }
}

/// Shows replays until all are done: a bar on a terminal, elsewhere a line each time that something has changed.
struct ReplayWatch {
    let client: ReplayClient
    var isTerminal = isatty(STDERR_FILENO) != 0

    /// Microseconds between two looks.
    static let pause: useconds_t = 500_000

    func run(from first: ReplayReport) throws {
        var report = first
        var last = ""
        var progress = ProgressBar("replays", isTerminal: isTerminal)
        while !report.isDone {
            progress.show(done: report.done, total: report.total, note: report.line)
            if !isTerminal, report.line != last {
                last = report.line
                StandardOutput.show(last)
            }
            usleep(Self.pause)
            report = try client.send("GET")
        }
        progress.finish()
        StandardOutput.show(report.lines.joined(separator: "\n"))
    }
}
