import Fleet
import Foundation
import Telemetry

extension Scenes {
    /// A day of 100 to 100,000 devices: what a new calculator over all of them takes of memory and time.
    func breadth() throws {
        for devices in [100, 1_000, 10_000, 100_000].map({ max(100, $0 / options.scale) }) { try spread(devices) }
    }

    /// The server is started anew before the replay, so that what the import took is not counted.
    private func spread(_ devices: Int) throws {
        try clear()
        try createDevices(devices)
        let count = try importDay(of: devices)
        seal()
        try restart()
        let name = "breadth \(devices)"
        measures.add("\(name): memory before", "MB", server.memoryMost)
        let (processor, wall) = (server.processorTime, CPUClock.wall)
        try createCalculator(ReferenceCalculator.definition(updateInterval: 0), on: "all")
        try settleReplay(of: 1)
        measures.add("\(name): replay, with copying", "ns a message", (server.processorTime - processor) * 1e9 / count)
        measures.add("\(name): replay, by the clock", "s", CPUClock.wall - wall)
        measures.add("\(name): memory at most", "MB", server.memoryMost)
        measures.add("\(name): messages", "messages", count)
    }

    /// Gives devices a day of messages, each hundred the same ones; every eighth of the made-up ones.
    private func importDay(of devices: Int) throws -> Double {
        let fleet = FleetColumns(devices: 100, days: 1)
        let text = MessageText(fleet: fleet)
        var count = 0
        for block in stride(from: 0, to: devices, by: 100) {
            let rows = (0..<100).flatMap { device in
                fleet.rows(of: device).filter { $0 % 8 == 0 }.map { (device: device, row: $0) }
            }
            count += rows.count
            for part in text.bodies(rows, of: 5_000, firstID: block + 1) {
                _ = try connection.post("/gw/devices/all/messages?history=1", part)
            }
        }
        return Double(count)
    }

    /// Waits for a replay without asking for any interval: the answer would be the largest thing in memory.
    private func settleReplay(of calculator: Int) throws {
        for _ in 0..<72_000 {
            let body = try connection.get("/gw/calcs/\(calculator)/replay").body
            let progress = try JSONValue(parsing: body)["result"]?.arrayValue?.first
            if progress?["ended"]?.numberValue != nil { return }
            usleep(50_000)
        }
        throw BenchmarkError("calculator \(calculator) is still being calculated after an hour")
    }
}
