import Fleet
import Foundation
import Synchronization
import Telemetry

extension Scenes {
    /// A message of each of 100 devices at once, round after round; a round ends when all intervals are committed.
    func flight() throws {
        let devices = options.devices ?? 100
        let rounds = 200
        try createDevices(devices)
        try createCalculator(ReferenceCalculator.definition(updateInterval: 0), on: "all")
        let fleet = FleetColumns(devices: 1, days: 1)
        let row = fleet.values("position.speed").firstIndex { $0 > 30 } ?? 0
        let first = Int(Date().timeIntervalSince1970) - 20_000
        let text = MessageText(fleet: fleet)
        let clients = 10
        let connections = try (0..<clients).map { _ in try server.connect() }
        var walls: [Double] = []
        var revision = 0.0
        var processor = 0.0
        for round in 0..<rounds {
            // The first minute of each interval is below its least duration and shows nothing.
            if round == 50 {
                try settle(calculator: 1)
                revision = try totalRevision()
                processor = server.processorTime
            }
            let bodies = (1...devices).map { device in
                (device, Array("[\(text.object(0, row, at: "\(first + round * 5)", id: device))]".utf8))
            }
            let start = CPUClock.wall
            try inParallel(clients) { client in
                for (device, body) in bodies where device % clients == client {
                    _ = try connections[client].post("/gw/devices/\(device)/messages", body)
                }
            }
            guard round >= 50 else { continue }
            revision += Double(devices)
            while try totalRevision() < revision, CPUClock.wall - start < 5 { usleep(500) }
            walls.append((CPUClock.wall - start) * 1e3)
        }
        let messages = Double(devices * (rounds - 50))
        measures.add("\(devices) devices in flight, a round", "ms", walls)
        measures.add(
            "\(devices) devices in flight, processor with HTTP", "µs a message",
            (server.processorTime - processor) / messages * 1e6)
    }

    /// The sum of all slots' feed revisions: how many changes of intervals there have been.
    private func totalRevision() throws -> Double {
        let rows = try JSONValue(parsing: connection.get("/gw/changes").body)["result"]?.arrayValue ?? []
        return rows.reduce(0) { $0 + ($1["rev"]?.numberValue ?? 0) }
    }

    /// Runs a piece of work on so many threads and waits for all of them.
    private func inParallel(_ count: Int, _ work: (Int) throws -> Void) throws {
        let failures = Mutex<[String]>([])
        withoutActuallyEscaping(work) { work in
            nonisolated(unsafe) let work = work
            // Each client uses the connection of its own number alone.
            DispatchQueue.concurrentPerform(iterations: count) { index in
                do { try work(index) } catch { failures.withLock { $0.append("\(error)") } }
            }
        }
        let all = failures.withLock { $0 }
        if let first = all.first { throw BenchmarkError(first) }
    }
}
