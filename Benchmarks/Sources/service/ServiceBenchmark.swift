import Fleet
import Foundation

/// Measures the server over HTTP: ingest, reports, single messages, late messages, a year calculated again, disk.
@main
struct ServiceBenchmark {
    static func main() {
        do {
            let options = try ServiceOptions(Array(CommandLine.arguments.dropFirst()))
            let server = try ServerProcess(binary: options.binary, folder: options.folder)
            // After it has stopped, the files hold everything and the write-ahead logs are gone.
            defer {
                server.stop()
                for name in ["primary.db", "cache"] { print(name, "at rest:", server.size(name), "bytes") }
            }
            print("server", server.processID, "on port", server.port)
            let scenes = Scenes(server: server, connection: try server.connect(), options: options)
            switch options.scene {
            case "ingest": try scenes.ingest()
            case "history": try scenes.history()
            case "load": try scenes.load()
            default: throw BenchmarkError(ServiceOptions.usage)
            }
        } catch {
            print(error)
            exit(2)
        }
    }
}

/// What the command line asks for.
struct ServiceOptions {
    static let usage = """
        usage: service ingest|history|load --binary ODOGRAPH --folder SCRATCH [--columns FOLDER | --devices N --days N]
            [--year FOLDER] [--messages N] [--beside PORT:PATH] [--page FILE] [--settle SECONDS] [--pause SECONDS]
            [--minutes N] [--reads N] [--edit SECONDS] [--out FILE]
          --binary ODOGRAPH   the program to measure, built with -c release
          --folder SCRATCH    deleted before; the server's data folder is made in it
          --year FOLDER       raw columns of one device's year, for the scene history
          --page FILE         where the page that is measured is written, so that another server can serve it
          --beside PORT:PATH  another server that serves that page, to be measured in turns with ours
          --minutes N         how long the load lasts (60); --devices as many messages a second (2000)
          --reads N           requests for reports a second (50); --edit: seconds from edit to edit (300; 0: none)
          --out FILE          where the series of the load is written
        """

    var scene: String
    var binary = ""
    var folder = ""
    var columns: String?
    var year: String?
    var devices = 100
    var minutes = 60
    var reads = 50
    var editInterval = 300
    var out: String?
    var days = 3
    var messages = 400_000
    var beside: (port: Int, path: String)?
    var page: String?
    var settle = 75
    var pause = 0

    init(_ arguments: [String]) throws(BenchmarkError) {
        scene = arguments.first ?? ""
        if scene == "load" { devices = 2_000 }
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
        case "--year": year = value
        case "--page": page = value
        case "--devices": devices = Int(value) ?? devices
        case "--days": days = Int(value) ?? days
        case "--messages": messages = Int(value) ?? messages
        case "--settle": settle = Int(value) ?? settle
        case "--minutes": minutes = Int(value) ?? minutes
        case "--reads": reads = Int(value) ?? reads
        case "--edit": editInterval = Int(value) ?? editInterval
        case "--out": out = value
        case "--pause": pause = Int(value) ?? pause
        case "--beside":
            let parts = value.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let port = Int(parts[0]) else { throw BenchmarkError(Self.usage) }
            beside = (port, String(parts[1]))
        default: throw BenchmarkError(Self.usage)
        }
    }

    func fleet() throws(FleetError) -> FleetColumns {
        if let columns { return try FleetColumns(folder: columns) }
        return FleetColumns(devices: devices, days: days)
    }
}
