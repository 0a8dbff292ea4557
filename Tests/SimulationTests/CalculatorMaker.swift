import ReferenceEvaluator
import SeededRandom
import Telemetry

/// Makes small calculators of every kind that recalculation tells apart: what looks back, lists, reads others, waits
/// for timers.
struct CalculatorMaker {
    /// The usual time between messages, in seconds.
    var step: Int
    var hasTTL: Bool

    private static let truths = [
        "engine.ignition.status", "position.speed > 20", "$din > 15", "$position.speed > 5 && engine.ignition.status",
        "fuel.level < #fuel.level", "custom.code == 'north'", "$position.speed > metadata('limit')",
        "position.speed > metadata('limit') || din > metadata('limit')",
    ]

    /// A calculator that may read those given, by id.
    func json(_ random: inout SeededGenerator, sources: [CalculatorID]) -> String {
        let readsSource = !sources.isEmpty && random.percent(70)
        let source = readsSource ? random.pick(sources) : nil
        var selectors = [selector(&random, source)]
        if random.among(4) { selectors.append(selector(&random, nil)) }
        var members = ["\"name\":\"made\"", "\"update_delay\":\(random.pick([1, 1, 5, 30]))"]
        if random.among(6) { members.append("\"update_period\":\(step * random.pick([3, 20]))") }
        if random.among(12) { members.append("\"update_onchange\":false") }
        if hasTTL, random.among(2) { members.append("\"intervals_ttl\":\(step * random.pick([10, 30, 60]))") }
        if hasTTL, random.among(8) { members.append("\"intervals_rotate\":\(random.pick([500, 2_000]))") }
        if random.among(10) { members.append("\"validate_message\":\"exists('position.speed')\"") }
        if random.among(10) { members.append("\"validate_interval\":\"count > 1\"") }
        if let source, random.among(5) {
            members.append("\"messages_source\":{\"source\":\"calc\",\"calc_id\":\(source)}")
        }
        members.append("\"selectors\":[\(selectors.joined(separator: ","))]")
        members.append("\"counters\":[\(counters(&random, source).joined(separator: ","))]")
        return "{\(members.joined(separator: ","))}"
    }

    private func selector(_ random: inout SeededGenerator, _ source: CalculatorID?) -> String {
        if let source, random.among(2) {
            return "{\"type\":\"calc\",\"calc_id\":\(source),\"min_active\":0\(options(&random))}"
        }
        switch random.below(12) {
        case 0..<5:
            let text = random.pick(Self.truths)
            return "{\"type\":\"expression\",\"expression\":\"\(text)\"\(options(&random))\(merges(&random))}"
        case 5..<8:
            let text = random.pick(["custom.code", "din % 3", "driver.id"])
            let rest = options(&random) + merges(&random)
            return "{\"type\":\"expression\",\"method\":\"change\",\"expression\":\"\(text)\"\(rest)}"
        case 8, 9: return "{\"type\":\"datetime\",\"split\":\"\(random.pick(["day", "hour", "day", "week"]))\"}"
        case 10: return "{\"type\":\"inactive\",\"delay_threshold\":\(step * random.pick([2, 5]))}"
        default: return "{\"type\":\"geofence\",\"min_active\":0\(options(&random))}"
        }
    }

    private func options(_ random: inout SeededGenerator) -> String {
        var text = ""
        if random.among(2) { text += ",\"max_inactive\":\(step * random.pick([1, 2, 5, 15]))" }
        if random.among(3) { text += ",\"max_messages_time_diff\":\(step * random.pick([2, 6, 20]))" }
        if random.among(5) { text += ",\"min_duration\":\(step * random.pick([1, 3]))" }
        return text
    }

    private func merges(_ random: inout SeededGenerator) -> String {
        var text = ""
        for key in ["merge_message_before", "merge_message_after", "merge_unknown"] where random.among(3) {
            text += ",\"\(key)\":true"
        }
        if random.among(2) { text += ",\"min_active\":0" }
        return text
    }

    private func counters(_ random: inout SeededGenerator, _ source: CalculatorID?) -> [String] {
        var counters = [
            "{\"name\":\"count\",\"type\":\"expression\",\"expression\":\"1\",\"method\":\"summary\"}",
            "{\"name\":\"top\",\"type\":\"parameter\",\"parameter\":\"position.speed\",\"method\":\"max\"}",
            "{\"name\":\"codes\",\"type\":\"parameter\",\"parameter\":\"custom.code\",\"method\":\"last\"}",
        ]
        if random.among(2) {
            counters.append(
                "{\"name\":\"km\",\"type\":\"expression\",\"expression\":\"mileage()\",\"method\":\"summary\"}")
        }
        if random.among(3) {
            counters.append(
                """
                {"name":"used","type":"expression","expression":"#fuel.level - fuel.level","method":"summary"}
                """)
        }
        if random.among(3) {
            counters.append(
                """
                {"name":"points","type":"message","method":"each","fields":["timestamp","position.speed"]}
                """)
        }
        if random.among(3) {
            counters.append(
                "{\"name\":\"limit\",\"type\":\"expression\",\"expression\":\"metadata('limit')\",\"method\":\"first\"}"
            )
        }
        if random.among(6) { counters.append("{\"name\":\"route\",\"type\":\"route\"}") }
        if random.among(5) {
            counters.append("{\"name\":\"noted\",\"type\":\"interval\",\"expression\":\"previous('custom.note')\"}")
        }
        if random.among(6) {
            counters.append("{\"name\":\"before\",\"type\":\"interval\",\"expression\":\"previous('count')\"}")
        }
        if let source, random.among(2) {
            counters.append(
                """
                {"name":"visits","type":"calc","calc_id":\(source),"method":"each","fields":["count","top"],\
                "allow_start_before":\(random.among(2)),"allow_finish_after":\(random.among(2))}
                """)
        }
        return counters
    }

    /// A geofence near where the devices go.
    func geofence(_ random: inout SeededGenerator) -> String {
        let latitude = 48.85 + Double(random.below(40)) / 1_000
        return """
            {"name":"fence","priority":1,"geometry":{"type":"circle","center":{"lat":\(latitude),"lon":2.35},\
            "radius":\(random.pick([0.7123, 1.5171, 4.0371]))}}
            """
    }
}
