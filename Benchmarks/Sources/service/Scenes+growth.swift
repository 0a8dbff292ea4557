import Fleet
import Foundation
import Telemetry

extension Scenes {
    /// The same work over more devices, over more months of one device, and into longer open intervals.
    func growth() throws {
        for devices in [1, 10, 100, 1_000].map({ max(1, $0 / options.scale) }) { try growDevices(devices) }
        for months in [1, 6, 12, 60, 120].map({ max(1, $0 / options.scale) }) { try growMonths(months) }
        for length in [100, 10_000, 400_000].map({ max(100, $0 / options.scale) }) { try growInterval(length) }
    }

    /// Days of 1 to 1,000 devices: replay, and the report of one of them.
    private func growDevices(_ devices: Int) throws {
        try clear()
        // A sixth of a month each, so that a thousand devices are six million messages.
        let fleet = FleetColumns(devices: devices, days: 5)
        try createDevices(devices)
        try importAll(fleet)
        let processor = server.processorTime
        try createCalculator(ReferenceCalculator.definition(updateInterval: 0), on: "all")
        try settle(calculator: 1, seconds: 600)
        let spent = server.processorTime - processor
        measures.add("devices \(devices): replay, with copying", "ns a message", spent * 1e9 / Double(fleet.count))
        try measure(page: "/gw/calcs/1/devices/\(devices)/intervals/all", "devices \(devices): a report", each: 50)
        measures.add("devices \(devices): memory at most", "MB", server.memoryMost)
    }

    /// Months of one device: replay, a message at the end, a late one, a read of one month.
    private func growMonths(_ months: Int) throws {
        try clear()
        let days = months * 365 / 12
        let start = (Int64(Date().timeIntervalSince1970) / 86_400 - Int64(days) - 1) * 86_400
        let fleet = FleetColumns(devices: 1, days: days, from: start)
        try createDevices(1)
        try importAll(fleet)
        addMemory("months \(months): memory at most, import")
        try createCalculator(ReferenceCalculator.definition(updateInterval: 0), on: "all")
        try settle(calculator: 1, seconds: 600)
        addMemory("months \(months): memory at most, first calculation")
        seal()
        server.forgetMemoryMost()
        let spent = try changeCounter()
        measures.add("months \(months): replay", "ns a message", spent * 1e9 / Double(fleet.count))
        addMemory("months \(months): memory at most, replay")
        try singles(device: 1, fleet, name: "months \(months): one message", count: 220)
        try late(fleet, name: "months \(months): late message", attempts: 60)
        let middle = Int(start) + days / 2 * 86_400
        let path = "/gw/calcs/1/devices/1/intervals/all?begin=\(middle - 15 * 86_400)&end=\(middle + 15 * 86_400)"
        try measure(page: path, "months \(months): a read of one month", each: 50)
        addMemory("months \(months): memory at most, messages and reads")
    }

    /// The most since it was asked last.
    private func addMemory(_ name: String) {
        measures.add(name, "MB", server.memoryMost)
        server.forgetMemoryMost()
    }

    /// Changes a counter, so that every interval changes, and waits until that is committed; gives the seconds of
    /// processor time.
    private func changeCounter() throws -> Double {
        let changed = ReferenceCalculator.definition(updateInterval: 0).replacing(
            "\"expression\":\"1\"", with: "\"expression\":\"2\"")
        let last = try waitForJob(1, after: 0)
        let processor = server.processorTime
        _ = try connection.send("PATCH", "/gw/calcs/1", Array(changed.utf8))
        _ = try waitForJob(1, after: last)
        return server.processorTime - processor
    }

    /// An open interval of so many messages: what one more costs.
    private func growInterval(_ length: Int) throws {
        try clear()
        try createDevices(1)
        let fleet = FleetColumns(devices: 1, days: 1)
        let row = fleet.values("position.speed").firstIndex { $0 > 30 } ?? 0
        let text = MessageText(fleet: fleet)
        let first = Int(Date().timeIntervalSince1970) - length * 5 - 4_000
        for from in stride(from: 0, to: length, by: 5_000) {
            let items = (from..<min(from + 5_000, length)).map { text.object(0, row, at: "\(first + $0 * 5)") }
            _ = try connection.post("/gw/devices/1/messages?history=1", "[\(items.joined(separator: ","))]".utf8)
        }
        try createCalculator(ReferenceCalculator.definition(updateInterval: 0), on: "all")
        try settle(calculator: 1, seconds: 600)
        seal()
        try singles(
            device: 1, fleet, name: "open interval of \(length): one message", count: 220, from: first + length * 5)
    }

    /// An empty data folder and a server on it.
    func clear() throws {
        server.stop()
        try? FileManager.default.removeItem(atPath: server.folder + "/data")
        try restart()
    }
}
