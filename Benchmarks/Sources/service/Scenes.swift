import Fleet
import Foundation
import Telemetry

/// The things that are measured, on one server.
final class Scenes {
    let server: ServerProcess
    private(set) var connection: HTTPConnection
    let options: ServiceOptions
    let measures = Measures()

    init(server: ServerProcess, options: ServiceOptions) throws {
        self.server = server
        self.options = options
        connection = try server.connect()
    }

    /// Ends the server and starts it again, on the same files.
    func restart() throws {
        server.stop()
        try server.start()
        connection = try server.connect()
    }

    // MARK: Setting up

    /// Creates the devices `d1`, `d2`, …; their ids count up from 1.
    func createDevices(_ count: Int) throws {
        for start in stride(from: 0, to: count, by: 500) {
            let items = (start..<min(start + 500, count)).map { index in
                #"{"name":"d\#(index + 1)","configuration":{"ident":"d\#(index + 1)"}}"#
            }
            _ = try connection.post("/gw/devices", "[\(items.joined(separator: ","))]".utf8)
        }
    }

    /// Creates a calculator and assigns it to the devices of a selector; gives its id.
    @discardableResult
    func createCalculator(_ definition: String, on devices: String) throws -> Int {
        let response = try connection.post("/gw/calcs", definition.utf8)
        let id = try JSONValue(parsing: response.body)["result"]?.arrayValue?.first?["id"]?.numberValue ?? 0
        _ = try connection.post("/gw/calcs/\(Int(id))/devices/\(devices)", [])
        return Int(id)
    }

    /// Waits until nothing is pending for the calculator; gives the seconds it took.
    @discardableResult
    func settle(calculator: Int, seconds: Double = 120) throws -> Double {
        let start = CPUClock.wall
        let path = "/gw/calcs/\(calculator)/devices/all/intervals/last"
        while CPUClock.wall - start < seconds {
            let answer = try connection.get(path)
            if answer.header("x-odograph-pending-since") == nil, answer.header("x-odograph-synced") == "true" {
                return CPUClock.wall - start
            }
            usleep(20_000)
        }
        throw BenchmarkError("calculator \(calculator) is still behind after \(seconds) s")
    }

    // MARK: Ingest

    func ingest() throws {
        let fleet = try options.fleet(devices: 100, days: 4)
        try createDevices(fleet.deviceCount)
        try createCalculator(ReferenceCalculator.definition(updateInterval: 10), on: "all")
        let text = MessageText(fleet: fleet)
        let rows = Array(text.arrivals.prefix(options.messages))
        let bodies = text.bodies(rows, of: 1_000)
        let bytes = bodies.reduce(0) { $0 + $1.count }
        print(rows.count, "messages,", bytes / rows.count, "bytes of JSON each")
        let (wall, cpu) = (CPUClock.wall, server.processorTime)
        var latencies: [Double] = []
        for body in bodies {
            let start = CPUClock.wall
            _ = try connection.post("/gw/devices/all/messages?history=1", body)
            latencies.append(CPUClock.wall - start)
        }
        let acknowledged = server.processorTime - cpu
        let seconds = CPUClock.wall - wall
        try settle(calculator: 1)
        sleep(1)
        let all = server.processorTime - cpu
        let count = Double(rows.count)
        measures.add("ingest, acknowledged", "messages/CPU-s", count / acknowledged)
        measures.add("ingest, acknowledged, by the clock", "messages/s", count / seconds)
        measures.add("ingest, calculated", "messages/CPU-s", count / all)
        measures.add(seconds: latencies, "a batch of 1,000 acknowledged")
        try addLedger(calculator: 1, "ingest, jobs")
        measures.add("ingest, memory at most", "MB", server.memoryMost)
    }

    /// Notes what the jobs in a calculator's ledger cost; the latest 1,000.
    func addLedger(calculator: Int, _ name: String) throws {
        let answer = try connection.get("/gw/calcs/\(calculator)/devices/all/jobs?count=1000")
        let jobs = try JSONValue(parsing: answer.body)["result"]?.arrayValue ?? []
        let messages = jobs.reduce(0) { $0 + ($1["messages"]?.numberValue ?? 0) }
        let milliseconds = jobs.reduce(0) { $0 + ($1["milliseconds"]?.numberValue ?? 0) }
        guard messages > 0 else { return }
        measures.add(name, "ns a message", milliseconds * 1e6 / messages)
    }
}
