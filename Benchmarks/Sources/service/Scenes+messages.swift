import Fleet
import Foundation
import Telemetry

extension Scenes {
    /// Between two looks for an interval: who asks without a pause takes one of two processors from the server.
    private static let pauseMicroseconds: UInt32 = 100

    /// Late messages into drives of the past, one at a time, until the interval has changed.
    func late(_ fleet: FleetColumns, name: String, attempts: Int = 100) throws {
        let text = MessageText(fleet: fleet)
        let speeds = fleet.values("position.speed")
        var latencies: [Double] = []
        let before = server.processorTime
        for attempt in 0..<attempts {
            let device = attempt % fleet.deviceCount
            let rows = fleet.rows(of: device)
            let from = rows.lowerBound + (attempt + 7) * rows.count / (attempts + 20)
            let candidate = (from..<rows.upperBound - 1).first { row in
                speeds[row] > 20 && speeds[row - 2] > 20 && fleet.seconds[row + 1] - fleet.seconds[row] > 5
            }
            guard let row = candidate else { continue }
            let moment = "\(fleet.seconds[row] + 3)"
            let path = "/gw/calcs/1/devices/\(device + 1)/intervals/all?begin=\(moment)&end=\(moment)"
            let before = try connection.get(path).body
            let start = CPUClock.wall
            let body = "[\(text.object(device, row, at: moment))]"
            _ = try connection.post("/gw/devices/\(device + 1)/messages", body.utf8)
            while try connection.get(path).body == before, CPUClock.wall - start < 5 {
                usleep(Self.pauseMicroseconds)
            }
            latencies.append(CPUClock.wall - start)
        }
        measures.add(seconds: latencies, name)
        measures.add(name + ", processor, with asking", "µs", (server.processorTime - before) / Double(attempts) * 1e6)
    }

    /// Messages that make an open interval longer, one at a time, until the interval shows it.
    func singles(device: Int, _ fleet: FleetColumns, name: String, count: Int = 600, from: Int? = nil) throws {
        let text = MessageText(fleet: fleet)
        let row = fleet.values("position.speed").firstIndex { $0 > 30 } ?? 0
        let path = "/gw/calcs/1/devices/\(device)/intervals/last"
        let first = from ?? Int(Date().timeIntervalSince1970) - 4_000
        var latencies: [Double] = []
        var acknowledged: [Double] = []
        for index in 0..<count {
            let moment = "\(first + index * 5)"
            let body = Array("[\(text.object(device - 1, row, at: moment))]".utf8)
            let wanted = Array("\"end\":\(moment),".utf8)
            let start = CPUClock.wall
            _ = try connection.post("/gw/devices/\(device)/messages", body)
            acknowledged.append(CPUClock.wall - start)
            if index < 20 { continue }
            while try !connection.get(path).body.contains(wanted), CPUClock.wall - start < 5 {
                usleep(Self.pauseMicroseconds)
            }
            latencies.append(CPUClock.wall - start)
        }
        measures.add(seconds: acknowledged, name + ", acknowledged")
        measures.add(seconds: latencies, name + ", to its committed interval")
    }
}
