import Fleet
import Foundation
import Telemetry

extension Scenes {
    /// Many devices' daily mileage of a month: few messages a day, as many intervals as of a whole fleet.
    func fleet() throws {
        let devices = options.devices ?? 1_000
        let days = options.days ?? 30
        try createDevices(devices)
        for day in 0..<days { try importDay(day, devices: devices) }
        try createCalculator(Self.daily, on: "all")
        measures.add("a fleet's days calculated, by the clock", "s", try settle(calculator: 1))
        let path = "/gw/calcs/1/devices/all/intervals/all?fields=begin,distance"
        measures.add("a fleet's daily mileage, size", "bytes", Double(try connection.get(path).body.count))
        try measure(page: path, "a fleet's daily mileage", rounds: 5, each: 20)
        measures.add("a fleet's daily mileage, memory at most", "MB", server.memoryMost)
    }

    private static let daily = """
        {"name":"days","timezone":"Africa/Nairobi","update_interval":1,
        "selectors":[{"type":"datetime","name":"day","split":"day"}],
        "counters":[{"type":"expression","name":"distance","expression":"mileage()","method":"summary"}]}
        """

    /// A dozen positions of each device within the working hours of a day.
    private func importDay(_ day: Int, devices: Int) throws {
        let midnight = 1_790_812_800 + day * 86_400
        for start in stride(from: 1, through: devices, by: 100) {
            var items: [String] = []
            for device in start..<min(start + 100, devices + 1) {
                for hour in 0..<12 {
                    let latitude = (-1.2 + Double(device % 97) / 500 + Double(hour * (day % 7 + 1)) / 900).text(7)
                    items.append(
                        "{\"ident\":\"d\(device)\",\"timestamp\":\(midnight + (5 + hour) * 3_600 + device),"
                            + "\"position.latitude\":\(latitude),\"position.longitude\":36.8,\"position.speed\":40}")
                }
            }
            _ = try connection.post("/gw/devices/all/messages?history=1", "[\(items.joined(separator: ","))]".utf8)
        }
    }
}
