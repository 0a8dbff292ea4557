import Fleet
import Telemetry

/// What an hour of load does: which devices send when, what is calculated of it, what is changed meanwhile.
struct LoadPlan: Sendable {
    /// The connections that messages come by, and how many requests each sends in a second.
    static let senders = 4
    static let partsPerSecond = 5
    /// The slots whose change feeds tell how late intervals are.
    static let watchedSlots = 4

    var devices: Int
    var seconds: Int
    var readsPerSecond: Int
    /// Seconds from one edit of a calculator to the next.
    var editInterval: Int
    /// The first second of which there is a message.
    var start: Int

    /// The devices, counted from 0, whose messages a connection sends in one part of a second.
    func devices(sender: Int, part: Int) -> [Int] {
        (0..<devices).filter { $0 % Self.senders == sender && ($0 / Self.senders) % Self.partsPerSecond == part }
    }

    /// When a device makes the message of a second: parts of a second apart from the others.
    func moment(of device: Int, second: Int) -> Double {
        Double(second) + Double((device / Self.senders) % Self.partsPerSecond) / Double(Self.partsPerSecond)
    }

    /// Slots with devices in them, as evenly spread as they come.
    var slots: [Int] {
        var counts = [Int](repeating: 0, count: 256)
        for device in 0..<devices { counts[Self.slot(of: device)] += 1 }
        let busy = counts.indices.filter { counts[$0] > 0 }
        guard busy.count > Self.watchedSlots else { return busy }
        return (0..<Self.watchedSlots).map { busy[$0 * busy.count / Self.watchedSlots] }
    }

    /// The slot of a device; the server numbers devices from 1.
    static func slot(of device: Int) -> Int { Int((mix64(UInt64(device + 1)) & 4_095) >> 4) }

    // MARK: Calculators

    static let calculatorCount = 5

    /// The definition of a calculator; an odd number of edits adds a counter.
    static func definition(calculator: Int, edits: Int) -> String {
        let (name, selector, counters) = kinds[calculator]
        let extra = edits % 2 == 0 ? "" : #",{"type":"expression","name":"edited","expression":"1","method":"summary"}"#
        return """
            {"name":"\(name)","timezone":"Africa/Nairobi","update_interval":10,"selectors":[\(selector)],
            "counters":[\(counters)\(extra)]}
            """
    }

    private static let moving = #"""
        {"type":"expression","name":"trip","expression":"$engine.ignition.status || $position.speed>3",
        "max_messages_time_diff":300,"min_duration":60}
        """#

    private static let kinds: [(name: String, selector: String, counters: String)] = [
        ("trips with route", moving, ReferenceCalculator.counterText + #",{"type":"route","name":"route"}"#),
        ("trips", moving, ReferenceCalculator.counterText),
        (
            "stops", #"{"type":"expression","expression":"!$engine.ignition.status","min_duration":30}"#,
            """
            {"type":"expression","name":"latitude","expression":"position.latitude","method":"first"},
            {"type":"expression","name":"longitude","expression":"position.longitude","method":"first"}
            """
        ),
        (
            "days", #"{"type":"datetime","name":"day","split":"day"}"#,
            """
            {"type":"expression","name":"distance","expression":"mileage()","method":"summary"},
            {"type":"expression","name":"messages","expression":"1","method":"summary"},
            {"type":"expression","name":"fuel","expression":"can.fuel.volume","method":"difference"}
            """
        ),
        (
            "overspeed", #"{"type":"expression","expression":"$position.speed>70"}"#,
            """
            {"type":"expression","name":"speed.max","expression":"position.speed","method":"maximum"},
            {"type":"expression","name":"distance","expression":"mileage()","method":"summary"}
            """
        ),
    ]
}
