import ArgumentParser
import Glibc
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
    var from = CalculateMoment.instant(Timestamp(seconds: 1_790_812_800))

    func validate() throws {
        guard (1...FleetSimulator.vehicleCountMax).contains(devices) else {
            throw ValidationError("--devices must be from 1 to \(FleetSimulator.vehicleCountMax)")
        }
        guard (0...3_660).contains(days) else { throw ValidationError("--days must be from 0 to 3660") }
    }

    func run() throws {
        let start = from.first(in: .utc)
        let fleet = FleetSimulator(seed: seed, vehicleCount: devices)
        for index in 0..<devices {
            var vehicle = fleet.vehicle(index)
            for day in 0..<days {
                let lower = start.advanced(bySeconds: Double(day) * 86_400)
                let range = TimeRange(lower: lower, upper: lower.advanced(bySeconds: 86_400))
                var writer = JSONWriter(capacity: 1 << 20)
                for message in vehicle.messages(in: range) {
                    message.write(ident: vehicle.ident, to: &writer)
                    writer.write(literal: "\n")
                }
                guard Self.put(writer.bytes) else { return }
            }
        }
    }

    /// Writes to standard output; false if the reader has gone.
    private static func put(_ bytes: [UInt8]) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer -> Int in
                guard let start = buffer.baseAddress else { return 0 }
                return write(STDOUT_FILENO, start + offset, bytes.count - offset)
            }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }
}
