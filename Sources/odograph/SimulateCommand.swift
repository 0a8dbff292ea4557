import ArgumentParser
import Ingest
import Telemetry

/// `odograph simulate`: messages of a made-up fleet as JSON lines.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Write the messages of a made-up fleet as JSON lines, always the same for a seed.")

    @Option(help: "Vehicles, 1 to \(FleetSimulator.vehicleCountMax).")
    var devices = 10

    @Option(help: "Days of history.")
    var days = 1

    @Option(help: "The number from which everything follows.")
    var seed: UInt64 = 1

    @Option(help: "The first day, as epoch seconds or ISO 8601. (default: 2026-10-01)")
    var from: CalculateMoment?

    /// 2026-10-01T00:00:00Z.
    private static let fromDefault = Timestamp(seconds: 1_790_812_800)

    func validate() throws {
        guard (1...FleetSimulator.vehicleCountMax).contains(devices) else {
            throw ValidationError("--devices must be from 1 to \(FleetSimulator.vehicleCountMax)")
        }
        guard (0...3_660).contains(days) else { throw ValidationError("--days must be from 0 to 3660") }
    }

    func run() throws {
        let start = from?.first(in: .utc) ?? Self.fromDefault
        var output = StandardOutput()
        let fleet = FleetSimulator(seed: seed, vehicleCount: devices)
        for index in 0..<devices {
            var vehicle = fleet.vehicle(index)
            for day in 0..<days {
                let lower = start.advanced(bySeconds: Double(day) * 86_400)
                let range = TimeRange(lower: lower, upper: lower.advanced(bySeconds: 86_400))
                var writer = JSONWriter(capacity: 1 << 20)
                for message in vehicle.messages(in: range) {
                    message.write(ident: vehicle.ident, to: &writer)
                }
                output.write(writer.bytes)
                // Whoever reads may have seen enough.
                if output.problem != nil { return }
            }
        }
        output.flush()
    }
}
