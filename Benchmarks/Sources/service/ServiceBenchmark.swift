import Fleet
import Foundation

/// Measures the server over HTTP: ingest, reports, single messages, late messages, a year calculated again, disk.
@main
struct ServiceBenchmark {
    private static let scenes: [String: @Sendable (Scenes) -> () throws -> Void] = [
        "ingest": Scenes.ingest, "history": Scenes.history, "year": Scenes.year, "fleet": Scenes.fleet,
        "flight": Scenes.flight, "growth": Scenes.growth, "breadth": Scenes.breadth, "load": Scenes.load,
    ]

    static func main() {
        do {
            let options = try ServiceOptions(Array(CommandLine.arguments.dropFirst()))
            let server = try ServerProcess(binary: options.binary, folder: options.folder)
            defer { server.stop() }
            print("server", server.processID, "on port", server.port)
            let scenes = try Scenes(server: server, options: options)
            guard let scene = Self.scenes[options.scene] else { throw BenchmarkError(ServiceOptions.usage) }
            try scene(scenes)()
            if let path = options.out, options.scene != "load" { try scenes.measures.write(to: path) }
        } catch {
            print(error)
            exit(2)
        }
    }
}

/// What the command line asks for.
struct ServiceOptions {
    static let usage = """
        usage: service SCENE --binary ODOGRAPH --folder SCRATCH [options]
        scenes:
          ingest    JSON batches of 1,000 messages over all devices, stored and calculated
          history   a fleet's history: replay, disk, a device's month by HTTP, late messages, single messages
          year      one device's year: from the archive to synced, calculated again after edits
          fleet     the daily mileage of many devices (1,000)
          flight    100 devices in flight, a message each
          growth    the same work over more devices, more months, longer open intervals
          breadth   a day of 100 to 100,000 devices: memory of a replay
          load      an hour of load, with its latencies, memory and files every ten seconds
        options:
          --binary ODOGRAPH   the program to measure, built with -c release
          --folder SCRATCH    deleted before; the server's data folder is made in it
          --devices N, --days N   how large the fleet is
          --columns FOLDER    raw columns to read the messages from, instead of a made-up fleet
          --messages N        how many messages the ingest sends
          --page FILE         where the page that is measured is written, so that another server can serve it
          --beside PORT:PATH  another server that serves that page, to be measured in turns with ours
          --settle SECONDS    how long the log has to be sealed (75)
          --scale N           how far growth and breadth go: 1,000 devices, 120 months, 400,000 messages, 100,000
                              devices, divided by this
          --minutes N         how long the load lasts (60); --devices as many messages a second (2000)
          --reads N           requests for reports a second (50); --edit: seconds from edit to edit (300; 0: none)
          --out FILE          where the figures are written as JSON
        """

    var scene: String
    var binary = ""
    var folder = ""
    var columns: String?
    var devices: Int?
    var scale = 1
    var minutes = 60
    var reads = 50
    var editInterval = 300
    var out: String?
    var days: Int?
    var messages = 400_000
    var beside: (port: Int, path: String)?
    var page: String?
    var settle = 75

    init(_ arguments: [String]) throws(BenchmarkError) {
        scene = arguments.first ?? ""
        var rest = arguments.dropFirst()
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { throw BenchmarkError(Self.usage) }
            try take(flag, value)
        }
        guard !binary.isEmpty, !folder.isEmpty else { throw BenchmarkError(Self.usage) }
    }

    private mutating func take(_ flag: String, _ value: String) throws(BenchmarkError) {
        switch flag {
        case "--binary": binary = value
        case "--folder": folder = value
        case "--columns": columns = value
        case "--page": page = value
        case "--devices": devices = Int(value)
        case "--days": days = Int(value)
        case "--messages": messages = Int(value) ?? messages
        case "--settle": settle = Int(value) ?? settle
        case "--minutes": minutes = Int(value) ?? minutes
        case "--reads": reads = Int(value) ?? reads
        case "--edit": editInterval = Int(value) ?? editInterval
        case "--out": out = value
        case "--scale": scale = max(1, Int(value) ?? scale)
        case "--beside":
            let parts = value.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let port = Int(parts[0]) else { throw BenchmarkError(Self.usage) }
            beside = (port, String(parts[1]))
        default: throw BenchmarkError(Self.usage)
        }
    }

    /// The fleet that was asked for, or a made-up one of this size.
    func fleet(devices: Int, days: Int) throws(FleetError) -> FleetColumns {
        if let columns { return try FleetColumns(folder: columns) }
        return FleetColumns(devices: self.devices ?? devices, days: self.days ?? days)
    }
}
