import ArgumentParser
import FoundationEssentials
import Ingest
import PrimaryStore
import Telemetry

/// `odograph demo`: a made-up fleet, with history and live messages, on a server like any other.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Run the engine with a made-up fleet: history first, then live messages.",
        discussion: """
            The fleet lives in a data folder of its own, .odograph-demo unless --data names another; started again, it \
            goes on where it was.
            """)

    @OptionGroup var options: SettingsOptions

    @Option(help: "Vehicles, 1 to 10000.")
    var devices = 25

    @Option(help: "Days of history, 0 to 3660.")
    var days = 30

    @Option(help: "The number from which the fleet follows.")
    var seed: UInt64 = 1

    @Option(help: "The folder of the shipped calculators.")
    var calculators = "calculators"

    static let dataDefault = ".odograph-demo"
    /// The calculators that the demo assigns to every vehicle.
    static let calculatorFiles = [
        "trips.json", "daily-mileage.json", "stops.json", "idling.json", "overspeed.json", "harsh-braking.json",
    ]

    func validate() throws {
        guard (1...10_000).contains(devices) else { throw ValidationError("--devices must be from 1 to 10000") }
        guard (0...3_660).contains(days) else { throw ValidationError("--days must be from 0 to 3660") }
    }

    func run() async throws {
        do {
            var settings = try Settings(options, dataDefault: Self.dataDefault)
            // The made-up vehicles drive there.
            if !settings.reporting.isTimeZoneSet { settings.reporting.timeZone = "Africa/Nairobi" }
            let server = try Server(settings)
            let fleet = try DemoFleet(store: server.store, seed: seed, vehicleCount: devices)
            try await fill(server.store, fleet)
            let calcs = try await assign(server.store, fleet)
            let page = DemoPage(settings: settings, tokenPath: server.tokenPath, calculators: calcs)
            let feeder = DemoFeeder(fleet: fleet, store: server.store, logger: server.logger)
            try await server.run(with: { _ in [feeder] }, onListening: { StandardOutput.show(page.text(port: $0)) })
        } catch let failure as CommandFailure { throw failure } catch { throw CommandFailure(reason: "\(error)") }
    }

    /// Writes the fleet's history, a day at a time, up to now; what is there already is left.
    private func fill(_ store: SQLitePrimaryStore, _ fleet: DemoFleet) async throws {
        let now = Server.clock()
        var progress = ProgressBar("history")
        var lower = try fleet.start(now: now, days: days)
        let total = now.seconds - lower.seconds
        while lower < now {
            let upper = min(now, lower.advanced(bySeconds: 86_400))
            try await fleet.append(TimeRange(lower: lower, upper: upper), as: .history)
            lower = upper
            progress.update(done: Int(total - (now.seconds - lower.seconds)), total: Int(total))
        }
        progress.finish()
    }

    /// Makes the demo's calculators if they are not there, and assigns them to the whole fleet.
    private func assign(_ store: SQLitePrimaryStore, _ fleet: DemoFleet) async throws -> [CalculatorRecord] {
        var known = try store.registry().calculators
        var records: [CalculatorRecord] = []
        for file in Self.calculatorFiles {
            let path = calculators + "/" + file
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw CommandFailure(reason: "\(path): cannot be read; name the folder with --calculators", status: 2)
            }
            let json = try JSONValue(parsing: bytes)
            let name = json["name"]?.stringValue ?? file
            let record = try known.first { $0.name == name } ?? store.createCalculator(name: name, json: json.text)
            known.append(record)
            records.append(record)
        }
        let keys = records.flatMap { record in
            fleet.deviceIDs.map { AssignmentKey(calculator: record.id, device: $0) }
        }
        _ = try store.assign(keys, isEnabled: true, isAutoCreated: false)
        return records
    }
}
