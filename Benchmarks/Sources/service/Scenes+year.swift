import Fleet
import Foundation
import Telemetry

extension Scenes {
    /// A year of one device: from the archive into a cache, and calculated again after its calculator has changed.
    func year() throws {
        let fleet = try options.fleet(devices: 1, days: 365)
        try createDevices(1)
        try importAll(fleet)
        seal()
        try synchronize()
        let calculator = try createCalculator(ReferenceCalculator.definition(updateInterval: 0), on: "1")
        try settle(calculator: calculator)
        let page = try connection.get("/gw/calcs/\(calculator)/devices/1/intervals/all").body
        let intervals = try JSONValue(parsing: page)["result"]?.arrayValue?.count ?? 0
        measures.add("a year, messages", "messages", Double(fleet.count))
        measures.add("a year, intervals", "intervals", Double(intervals))
        try edits(calculator)
        measures.add("a year, memory at most", "MB", server.memoryMost)
    }

    /// From the assignment of a first calculator, or a start without caches, until the messages are in a cache. The
    /// calculator chooses nothing, so that what is left beside the copy is one look at the messages.
    private func synchronize() throws {
        let idle = #"{"name":"idle","selectors":[{"type":"expression","expression":"false"}],"counters":[]}"#
        let start = CPUClock.wall
        try createCalculator(idle, on: "1")
        var seconds = [try waitUntilSynced(since: start)]
        for _ in 0..<4 {
            try dropCache()
            seconds.append(try waitUntilSynced(since: CPUClock.wall))
        }
        measures.add("a year, unsynced to synced", "ms", seconds.map { $0 * 1e3 })
    }

    private func waitUntilSynced(since start: Double) throws -> Double {
        while try !isSynced(), CPUClock.wall - start < 60 {}
        return CPUClock.wall - start
    }

    private func isSynced() throws -> Bool {
        let body = try connection.get("/gw/devices/1?fields=sync_state").body
        return String(decoding: body, as: UTF8.self).contains("\"synced\"")
    }

    /// Takes the caches away while the server is stopped, so that the device is copied anew.
    private func dropCache() throws {
        server.stop()
        try FileManager.default.removeItem(atPath: server.folder + "/data/cache")
        try restart()
    }

    /// Changes the calculator, time and again, until what comes of it is committed.
    private func edits(_ calculator: Int) throws {
        let base = ReferenceCalculator.definition(updateInterval: 0)
        let edits = [
            ("another counter, every interval changes", "\"expression\":\"1\"", "\"expression\":\"2\""),
            ("another selector, few intervals change", "\"min_duration\":60", "\"min_duration\":90"),
            ("an edit that changes no interval", "\"min_active\":0", "\"min_active\":1"),
        ]
        for (name, old, new) in edits {
            var (walls, spent): ([Double], [Double]) = ([], [])
            var last = try waitForJob(calculator, after: 0)
            for round in 0..<10 {
                let definition = round % 2 == 0 ? base.replacing(old, with: new) : base
                let (start, processor) = (CPUClock.wall, server.processorTime)
                let answer = try connection.send("PATCH", "/gw/calcs/\(calculator)", Array(definition.utf8))
                guard answer.status == 200 else { throw BenchmarkError("PATCH: \(answer.status)") }
                last = try waitForJob(calculator, after: last)
                walls.append((CPUClock.wall - start) * 1e3)
                spent.append((server.processorTime - processor) * 1e3)
            }
            measures.add("a year after an edit: \(name)", "ms", walls)
            measures.add("a year after an edit: \(name), processor", "ms", spent)
        }
        try addLedger(calculator: calculator, "a year, jobs")
    }

    /// The id of the latest job, once there is one after a given one.
    func waitForJob(_ calculator: Int, after id: Double) throws -> Double {
        for _ in 0..<60_000 {
            let answer = try connection.get("/gw/calcs/\(calculator)/devices/1/jobs?count=1")
            let job = try JSONValue(parsing: answer.body)["result"]?.arrayValue?.first
            if let latest = job?["id"]?.numberValue, latest > id { return latest }
            usleep(500)
        }
        throw BenchmarkError("no job came")
    }
}
