import Calculators
import Expressions
import Glibc
import Telemetry

/// The calculator that speed is measured with: 12 counters over stretches with ignition or motion.
public enum ReferenceCalculator {
    /// Its definition; more counters, selectors and settings as asked for.
    public static func definition(route: Bool = false, byDay: Bool = false, updateInterval: Double = 10) -> String {
        let day =
            #",{"type":"datetime","name":"day","split":"day","merge_message_after":true}"#
        let polyline = #",{"type":"route","name":"route"}"#
        return """
            {"name":"reference","timezone":"Africa/Nairobi","update_interval":\(updateInterval),"selectors":[
            {"type":"expression","name":"trip","expression":"$engine.ignition.status || $position.speed>3",
            "max_messages_time_diff":300,"min_duration":60,"min_active":0}\(byDay ? day : "")],
            "counters":[\(counterText)\(route ? polyline : "")]}
            """
    }

    /// Its 12 counters as JSON, with commas.
    public static let counterText = [
        ("distance", "mileage()", "summary"), ("speed.max", "position.speed", "maximum"),
        ("speed.average", "position.speed", "average"), ("messages", "1", "summary"),
        ("start.latitude", "position.latitude", "first"), ("start.longitude", "position.longitude", "first"),
        ("stop.latitude", "position.latitude", "last"), ("stop.longitude", "position.longitude", "last"),
        ("fuel.start", "can.fuel.volume", "first"), ("fuel.stop", "can.fuel.volume", "last"),
        ("fuel.change", "can.fuel.volume", "difference"),
        ("idle", "$engine.ignition.status && $position.speed<=3", "duration"),
    ].map { #"{"type":"expression","name":"\#($0.0)","expression":"\#($0.1)","method":"\#($0.2)"}"# }
        .joined(separator: ",")

    public static func compiled(route: Bool, byDay: Bool) throws -> Calculator {
        try Calculator(JSONValue(parsing: Array(definition(route: route, byDay: byDay).utf8)))
    }

    /// The time zone of the reference, read from the system's tables.
    public static func environment(zone name: String = "Africa/Nairobi") throws -> ExpressionEnvironment {
        guard let file = fopen("/usr/share/zoneinfo/\(name)", "rb") else {
            throw FleetError(description: "no table of time zone \(name)")
        }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
        return ExpressionEnvironment(timeZone: try TimeZoneTable(name: name, tzif: bytes))
    }
}
