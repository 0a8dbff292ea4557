import Fleet
import Foundation
import Telemetry

extension Scenes {
    /// Imports a fleet's messages; its first device becomes the device with this id.
    func importAll(_ fleet: FleetColumns, firstID: Int = 1) throws {
        for device in 0..<fleet.deviceCount {
            try importRows(fleet.rows(of: device).map { (device: device, row: $0) }, of: fleet, id: firstID + device)
        }
        // What is ahead of the server's clock would be missing from all that is measured.
        let metrics = String(decoding: try connection.get("/metrics").body, as: UTF8.self)
        guard metrics.contains("odograph_messages_apart_total 0\n") else {
            throw BenchmarkError("messages were kept apart: is the fleet's time ahead of the clock?")
        }
    }

    /// Imports messages, all of them as those of one device.
    func importRows(_ rows: [(device: Int, row: Int)], of fleet: FleetColumns, id: Int) throws {
        let text = MessageText(fleet: fleet)
        for body in text.bodies(rows, of: 5_000, device: id) {
            _ = try connection.post("/gw/devices/\(id)/messages?history=1", body)
        }
    }

    /// Waits until the messages of the log have become chunks.
    func seal() {
        print("waiting", options.settle, "s for the log to be sealed")
        fflush(nil)
        sleep(UInt32(options.settle))
    }

    /// Asks for a page in rounds, in turns with the other server if one is named.
    func measure(page path: String, _ name: String, rounds: Int = 20, each: Int = 300) throws {
        if let file = options.page { try Data(connection.get(path).body).write(to: URL(fileURLWithPath: file)) }
        let request = connection.request(get: path)
        let beside = try options.beside.map { other throws(BenchmarkError) in
            let connection = try HTTPConnection(port: other.port, token: "")
            return (connection: connection, request: connection.request(get: other.path))
        }
        var (ours, others): ([Double], [Double]) = ([], [])
        for _ in 0..<rounds {
            for _ in 0..<each { ours.append(try connection.time(request)) }
            guard let beside else { continue }
            for _ in 0..<each { others.append(try beside.connection.time(beside.request)) }
        }
        measures.add(seconds: ours, name)
        if !others.isEmpty { measures.add(seconds: others, name + ", beside") }
    }
}
