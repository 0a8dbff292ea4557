import Fleet
import Foundation
import Telemetry

extension Scenes {
    /// Imports a history, then measures what is asked of it.
    func history() throws {
        let fleet = try options.fleet(devices: 40, days: 30)
        try createDevices(fleet.deviceCount + 1)
        try importAll(fleet)
        try createCalculator(ReferenceCalculator.definition(updateInterval: 0), on: "all")
        measures.add("history calculated, by the clock", "s", try settle(calculator: 1))
        try addLedger(calculator: 1, "replay in the server")
        measures.add("memory at most, import and replay", "MB", server.memoryMost)
        seal()
        try addDisk(fleet.count)
        try restart()
        try coldPages(fleet.deviceCount)
        let path = "/gw/calcs/1/devices/1/intervals/all"
        measures.add("a device's month, size", "bytes", Double(try connection.get(path).body.count))
        try measure(page: path, "a device's month, warm")
        try late(fleet, name: "late message into a sealed day")
        try singles(device: fleet.deviceCount + 1, fleet, name: "one message")
        measures.add("memory at most, reads and single messages", "MB", server.memoryMost)
    }

    /// The store as its backup, and the caches once the server has ended: neither has a write-ahead log.
    private func addDisk(_ count: Int) throws {
        let backup = server.folder + "/backup.db"
        try server.run(["backup", "--to", backup, "--data", server.folder + "/data", "--force"])
        let size = try FileManager.default.attributesOfItem(atPath: backup)[.size] as? Int ?? 0
        measures.add("disk, archive", "bytes a message", Double(size) / Double(count))
        server.stop()
        measures.add("disk, cache", "bytes a message", Double(server.size("cache")) / Double(count))
    }

    /// The first time that each device is asked for after a start.
    private func coldPages(_ devices: Int) throws {
        // The first request of all opens the connection's path through the server.
        _ = try connection.get("/gw/calcs/1")
        var seconds: [Double] = []
        for device in 1...devices {
            seconds.append(try connection.time(connection.request(get: "/gw/calcs/1/devices/\(device)/intervals/all")))
        }
        measures.add(seconds: seconds, "a device's month, cold")
    }
}
