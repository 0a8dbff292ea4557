import Fleet
import Foundation
import Telemetry

extension Scenes {
    /// Imports a history, then measures what is asked of it.
    func history() throws {
        let fleet = try options.fleet()
        let year = try options.year.map { folder throws(FleetError) in try FleetColumns(folder: folder) }
        try createDevices(fleet.deviceCount + 2)
        let count = try importAll(fleet, named: 0) + (try year.map { try importAll($0, named: fleet.deviceCount) } ?? 0)
        try createCalculator(ReferenceCalculator.definition(updateInterval: 0), on: "all")
        print("all calculated in", (try settle(calculator: 1)).text(2), "s")
        try printLedger(calculator: 1)
        print("waiting", options.settle, "s for the log to be sealed")
        sleep(UInt32(options.settle))
        printDisk(count)
        try reports(device: 1)
        if year != nil { try changes(device: fleet.deviceCount + 1) }
        try late(fleet)
        try singles(device: fleet.deviceCount + 2, fleet)
        print(server.memory)
    }

    private func importAll(_ fleet: FleetColumns, named first: Int) throws -> Int {
        let text = MessageText(fleet: fleet)
        for device in 0..<fleet.deviceCount {
            let rows = fleet.rows(of: device).map { (device: device, row: $0) }
            for body in text.bodies(rows, of: 5_000) {
                let id = first + device + 1
                let renamed = String(decoding: body, as: UTF8.self)
                    .replacing("\"ident\":\"d\(device + 1)\"", with: "\"ident\":\"d\(id)\"")
                _ = try connection.post("/gw/devices/\(id)/messages?history=1", renamed.utf8)
            }
        }
        return fleet.count
    }

    private func printDisk(_ count: Int) {
        for name in ["primary.db", "primary.db-wal", "cache"] {
            let size = server.size(name)
            print(name, size, "bytes,", (Double(size) / Double(count)).text(2), "a message")
        }
    }

    // MARK: Reports

    /// A device's intervals of a month, the page in memory; in turns with another server, if one is named.
    private func reports(device: Int) throws {
        let path = "/gw/calcs/1/devices/\(device)/intervals/all"
        let page = try connection.get(path)
        print("a device's intervals:", page.body.count, "bytes, status", page.status)
        if let file = options.page { try Data(page.body).write(to: URL(fileURLWithPath: file)) }
        let beside = try options.beside.map { other throws(BenchmarkError) in
            try HTTPConnection(port: other.port, token: "")
        }
        var ours: [Double] = []
        var others: [Double] = []
        for _ in 0..<20 {
            try measure(connection, path, 300, into: &ours)
            if let beside, let other = options.beside { try measure(beside, other.path, 300, into: &others) }
        }
        printLatency("report", ours)
        if !others.isEmpty { printLatency("beside", others) }
    }

    private func measure(
        _ connection: HTTPConnection, _ path: String, _ count: Int, into latencies: inout [Double]
    ) throws(BenchmarkError) {
        for _ in 0..<count {
            let start = CPUClock.wall
            _ = try connection.get(path)
            latencies.append(CPUClock.wall - start)
        }
    }

    private func printLatency(_ name: String, _ latencies: [Double]) {
        print(
            "\(name): p50", (latencies.median * 1e6).text(1), "µs, p99", (latencies.quantile(0.99) * 1e6).text(1),
            "µs, least", (latencies.quantile(0) * 1e6).text(1), "µs of", latencies.count)
    }

    // MARK: A year calculated again

    /// Changes a calculator of this device alone, until the last interval of its year is committed.
    private func changes(device: Int) throws {
        let base = ReferenceCalculator.definition(updateInterval: 0).replacing("reference", with: "changing")
        try createCalculator(base, on: "\(device)")
        let edits = [
            ("counter", "\"expression\":\"1\"", "\"expression\":\"2\""),
            ("selector", "\"min_duration\":60", "\"min_duration\":90"),
        ]
        for (name, old, new) in edits {
            var walls: [Double] = []
            var job = try waitForJob(2, device, after: 0)
            for round in 0..<10 {
                let definition = round % 2 == 0 ? base.replacing(old, with: new) : base
                let start = CPUClock.wall
                let answer = try connection.send("PATCH", "/gw/calcs/2", Array(definition.utf8))
                guard answer.status == 200 else { throw BenchmarkError("PATCH: \(answer.status)") }
                job = try waitForJob(2, device, after: job["id"]?.numberValue ?? 0)
                walls.append(CPUClock.wall - start)
            }
            print("a year after another \(name), to committed intervals: median", (walls.median * 1e3).text(1), "ms")
            print(job.text)
        }
    }

    /// The latest job of an assignment, once there is one after a given one.
    private func waitForJob(_ calculator: Int, _ device: Int, after id: Double) throws -> JSONValue {
        for _ in 0..<20_000 {
            let answer = try connection.get("/gw/calcs/\(calculator)/devices/\(device)/jobs?count=1")
            let job = try JSONValue(parsing: answer.body)["result"]?.arrayValue?.first
            if let job, job["id"]?.numberValue ?? 0 > id { return job }
            usleep(1_000)
        }
        throw BenchmarkError("no job came")
    }

    // MARK: Single messages

    /// A late message into a day that is sealed, until its interval has changed.
    private func late(_ fleet: FleetColumns) throws {
        let text = MessageText(fleet: fleet)
        let speeds = fleet.values("position.speed")
        var latencies: [Double] = []
        for attempt in 0..<60 {
            let device = attempt % fleet.deviceCount
            let rows = fleet.rows(of: device)
            let from = rows.lowerBound + (attempt + 7) * rows.count / 80
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
            while try connection.get(path).body == before, CPUClock.wall - start < 5 {}
            latencies.append(CPUClock.wall - start)
        }
        printLatency("late message to changed interval", latencies)
    }

    /// A message that makes an open interval longer, until the interval shows it.
    private func singles(device: Int, _ fleet: FleetColumns) throws {
        let text = MessageText(fleet: fleet)
        let row = fleet.values("position.speed").firstIndex { $0 > 30 } ?? 0
        let path = "/gw/calcs/1/devices/\(device)/intervals/last"
        let now = Int(Date().timeIntervalSince1970) - 4_000
        var latencies: [Double] = []
        var acknowledged: [Double] = []
        for count in 0..<600 {
            let moment = "\(now + count * 5)"
            let body = Array("[\(text.object(device - 1, row, at: moment))]".utf8)
            let wanted = Array("\"end\":\(moment),".utf8)
            let start = CPUClock.wall
            _ = try connection.post("/gw/devices/\(device)/messages", body)
            acknowledged.append(CPUClock.wall - start)
            if count < 20 { continue }
            while try !connection.get(path).body.contains(wanted), CPUClock.wall - start < 5 {}
            latencies.append(CPUClock.wall - start)
        }
        printLatency("one message acknowledged", acknowledged)
        printLatency("one message to committed interval", latencies)
    }
}
