import Fleet
import Foundation
import Telemetry

extension Scenes {
    /// A message of each of 100 devices at once, round after round; a round ends when all intervals are committed.
    func flight() throws {
        let devices = options.devices ?? 100
        try createDevices(devices)
        try createCalculator(ReferenceCalculator.definition(updateInterval: 0), on: "all")
        let connections = try (0..<devices).map { _ in try server.connect() }
        var flight = try Flight(devices: devices, first: Int(Date().timeIntervalSince1970) - 40_000)
        // The first minute of each interval is below its least duration and shows nothing.
        for _ in 0..<30 { _ = try connection.post("/gw/devices/all/messages", flight.next().body) }
        try settle(calculator: 1)
        try measure("a request each", &flight) { bodies, _ in
            let paths = (1...devices).map { "/gw/devices/\($0)/messages" }
            for device in 0..<devices { try connections[device].begin("POST", paths[device], bodies[device]) }
            for device in 0..<devices { _ = try connections[device].posted(paths[device]) }
        }
        try measure("one request for all", &flight) { _, body in
            _ = try connection.post("/gw/devices/all/messages", body)
        }
    }

    private func measure(
        _ name: String, _ flight: inout Flight, rounds: Int = 150, send: ([[UInt8]], [UInt8]) throws -> Void
    ) throws {
        let devices = flight.devices
        let idle = server.processorTime
        for _ in 0..<400 { _ = try totalRevision() }
        let asking = (server.processorTime - idle) / 400
        var (walls, asked): ([Double], Int) = ([], 0)
        var revision = try totalRevision()
        let processor = server.processorTime
        for _ in 0..<rounds {
            let (bodies, body) = flight.next()
            let start = CPUClock.wall
            try send(bodies, body)
            revision += Double(devices)
            repeat {
                usleep(2_000)
                asked += 1
            } while try totalRevision() < revision && CPUClock.wall - start < 5
            walls.append((CPUClock.wall - start) * 1e3)
        }
        let spent = server.processorTime - processor - Double(asked) * asking
        measures.add("\(devices) devices in flight, \(name), a round", "ms", walls)
        measures.add(
            "\(devices) devices in flight, \(name), processor", "µs a message",
            spent / Double(devices * rounds) * 1e6)
    }

    /// The sum of all slots' feed revisions: how many changes of intervals there have been.
    private func totalRevision() throws -> Double {
        let rows = try JSONValue(parsing: connection.get("/gw/changes").body)["result"]?.arrayValue ?? []
        return rows.reduce(0) { $0 + ($1["rev"]?.numberValue ?? 0) }
    }
}

/// The messages of devices that drive on, round after round.
private struct Flight {
    let devices: Int
    private var moment: Int
    private let text: MessageText
    private let row: Int

    init(devices: Int, first: Int) throws {
        self.devices = devices
        moment = first
        let fleet = FleetColumns(devices: 1, days: 1)
        text = MessageText(fleet: fleet)
        row = fleet.values("position.speed").firstIndex { $0 > 30 } ?? 0
    }

    /// The bodies of the next round: one a device, and one of all.
    mutating func next() -> (bodies: [[UInt8]], body: [UInt8]) {
        moment += 5
        let objects = (1...devices).map { text.object(0, row, at: "\(moment)", id: $0) }
        return (objects.map { Array("[\($0)]".utf8) }, Array("[\(objects.joined(separator: ","))]".utf8))
    }
}
