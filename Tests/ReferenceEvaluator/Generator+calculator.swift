import SeededRandom

extension Generator {
    /// A calculator with one to three selectors and a dozen counters.
    mutating func calculator() -> JSONTree {
        let count = random.pick([1, 1, 1, 1, 1, 2, 2, 2, 3])
        var selectors = [random.chance(75) ? expressionSelector() : datetimeSelector()]
        while selectors.count < count {
            selectors.append(random.chance(50) ? datetimeSelector() : expressionSelector())
        }
        if hasGeofences, random.chance(8) { selectors[0] = geofenceSelector() }
        var members: [JSONTree.Member] = [
            member("name", .string("random")), member("timezone", .string(zone)),
            member("selectors", .array(selectors)), member("counters", .array(counters())),
        ]
        let hasPeriod = random.chance(20)
        if hasPeriod { members.append(member("update_period", .number(Double(stepSeconds * 20)))) }
        if random.chance(20) {
            let texts = [
                "exists('position.speed')", "$position.valid != false", "not(custom.code == 'x')", "$fuel.level < 99",
            ]
            let text =
                hasPeriod || random.chance(70) ? random.pick(texts) : "timestamp - #timestamp < \(stepSeconds * 3)"
            members.append(member("validate_message", .string(text)))
        }
        if random.chance(25) { members.append(member("validate_interval", .string(intervalTruth()))) }
        if random.chance(20) {
            members.append(member("mileage_outlier_speed", .number(random.pick([0, 151.3, 250.7]))))
        }
        return .object(members)
    }

    func member(_ key: String, _ value: JSONTree) -> JSONTree.Member { JSONTree.Member(key: key, value: value) }

    /// Whole multiples of the step, so that regular streams hit the limits exactly.
    private mutating func seconds(_ steps: ClosedRange<Int>) -> JSONTree {
        .number(Double(random.integer(steps) * stepSeconds + (random.chance(25) ? 1 : 0)))
    }

    private mutating func expressionSelector() -> JSONTree {
        let isChange = random.chance(25)
        var members = [member("type", .string("expression"))]
        if isChange || random.chance(50) {
            members.append(member("method", .string(isChange ? "change" : "boolean")))
        }
        let expression =
            isChange ? changing() : random.chance(55) ? random.chance(50) ? ignition() : speedTruth() : truth()
        members.append(member("expression", .string(expression)))
        members += commonOptions()
        if !isChange, random.chance(12) { members.append(member("invert", .boolean(true))) }
        if random.chance(45) { members.append(member("max_inactive", seconds(1...8))) }
        if random.chance(50) { members.append(member("min_active", random.chance(50) ? .number(0) : seconds(1...5))) }
        if random.chance(15) { members.append(member("max_active", seconds(2...12))) }
        if random.chance(30) { members.append(member("min_duration", seconds(1...7))) }
        if random.chance(45) { members.append(member("merge_unknown", .boolean(true))) }
        return .object(members)
    }

    /// Without `max_inactive`: whether leaving one geofence for another within it cuts is open.
    private mutating func geofenceSelector() -> JSONTree {
        var members = [member("type", .string("geofence"))]
        if random.chance(50), let geofences = try? JSONTree(Self.geofences) {
            members.append(member("geofences", geofences))
        }
        members += commonOptions()
        if random.chance(25) { members.append(member("invert", .boolean(true))) }
        if random.chance(50) { members.append(member("min_active", .number(0))) }
        if random.chance(20) { members.append(member("min_duration", seconds(1...4))) }
        if random.chance(60) { members.append(member("merge_unknown", .boolean(true))) }
        return .object(members)
    }

    private mutating func datetimeSelector() -> JSONTree {
        let splits =
            switch stepSeconds {
            case ...60: ["hour", "hour", "day"]
            case ...600: ["hour", "day", "week"]
            default: ["day", "week", "month", "year"]
            }
        var members = [member("type", .string("datetime"))]
        if random.chance(95) { members.append(member("split", .string(random.pick(splits)))) }
        return .object(members + commonOptions())
    }

    /// Merges, and either a validation or a limit for gaps: what both together mean to merges is open.
    private mutating func commonOptions() -> [JSONTree.Member] {
        var members: [JSONTree.Member] = []
        if random.chance(45) { members.append(member("merge_message_before", .boolean(true))) }
        if random.chance(45) { members.append(member("merge_message_after", .boolean(true))) }
        if random.chance(45) {
            members.append(member("max_messages_time_diff", seconds(2...12)))
        } else if random.chance(20) {
            members.append(member("validate_message", .string(truth(depth: 1))))
        }
        return members
    }

    private mutating func counters() -> JSONTree.Items {
        var counters: JSONTree.Items = []
        for index in 0..<random.integer(3...9) { counters.append(messageCounter("c\(index)")) }
        counters.append(counter("count", "expression", ["expression": "1", "method": "summary"]))
        counters.append(counter("near.mileage", "expression", ["expression": "mileage()", "method": "summary"]))
        if random.chance(60) {
            counters.append(counter("speed.max", "parameter", ["parameter": "position.speed", "method": "max"]))
        }
        if random.chance(40) { counters.append(counter("route", "route", [:])) }
        if hasGeofences, random.chance(20) {
            let options: KeyValuePairs = ["expression": "if(isnull(geofence()), 'none', geofence())", "method": "last"]
            counters.append(counter("place", "expression", options))
        }
        if random.chance(40) { counters.append(counter("active", "active", [:])) }
        if random.chance(40) { counters.append(datetimeCounter()) }
        if random.chance(50) { counters.append(messagesCounter()) }
        if random.chance(30) {
            let value: JSONTree = random.pick([.string("fleet"), .number(2.5), .boolean(false)])
            counters.append(counter("given", "specified", [:], [member("value", value)]))
        }
        for index in 0..<random.integer(0...3) { counters.append(intervalCounter(index)) }
        return counters
    }

    private func counter(
        _ name: String, _ type: String, _ texts: KeyValuePairs<String, String>, _ others: [JSONTree.Member] = []
    ) -> JSONTree {
        .object(
            [member("name", .string(name)), member("type", .string(type))]
                + texts.map { member($0.key, .string($0.value)) } + others)
    }

    private mutating func messageCounter(_ name: String) -> JSONTree {
        let validation = random.chance(20) ? [member("validate_message", .string(truth(depth: 1)))] : []
        let numeric = random.pick([
            "first", "last", "minimum", "maximum", "average", "summary", "difference", "min", "max",
        ])
        switch random.integer(0...8) {
        case 0, 1: return counter(name, "expression", ["expression": exact(depth: 2), "method": numeric], validation)
        case 2:
            // The difference of two long distances is less exact than the tolerance.
            let expression = near()
            let method = numeric == "difference" && expression.hasPrefix("distance") ? "maximum" : numeric
            return counter("near.\(name)", "expression", ["expression": expression, "method": method], validation)
        case 3, 4: return counter(name, "expression", ["expression": truth(), "method": "duration"], validation)
        case 5:
            let method = random.pick(["first", "last"])
            return counter(name, "expression", ["expression": text(), "method": method], validation)
        case 6:
            let parameter = random.pick(["driver.id", "custom.code", "engine.ignition.status", "din", "custom.numeric"])
            let method = random.pick(["first", "last", "distinct"])
            return counter(name, "parameter", ["parameter": parameter, "method": method], validation)
        case 7:
            let parameter = random.pick(["position.speed", "fuel.level", "vehicle.mileage", "timestamp", "device.id"])
            return counter(name, "parameter", ["parameter": parameter, "method": numeric], validation)
        default: return counter(name, "expression", ["expression": truth(), "method": numeric], validation)
        }
    }

    private mutating func datetimeCounter() -> JSONTree {
        let format = random.pick(["%c", "%Y-%m-%d %H:%M:%S", "%d.%m.%y %H:%M", "%a %b %e %j", "%H:%M:%S"])
        return counter("clock", "datetime", ["format": format, "interval": random.pick(["begin", "end"])])
    }

    private mutating func messagesCounter() -> JSONTree {
        var fields: JSONTree.Items = [.string("timestamp")]
        for name in ["engine.ignition.status", "din", "custom.code", "vehicle.mileage", "ble.beacons", "device.id"]
        where random.chance(40) {
            fields.append(.string(name))
        }
        if random.chance(60) {
            let field = [
                member("name", .string("change")), member("expression", .string("position.speed - #position.speed")),
            ]
            fields.append(.object(field))
        }
        var members = [member("fields", .array(fields))]
        if random.chance(30) {
            let type = random.pick(["minimum", "maximum"])
            let extremum = [member("type", .string(type)), member("expression", .string("position.speed"))]
            members += [member("method", .string("first")), member("extremum", .object(extremum))]
        } else {
            members.append(member("method", .string(random.pick(["first", "last", "each", "each"]))))
        }
        if random.chance(20) { members.append(member("validate_message", .string(truth(depth: 1)))) }
        return counter("points", "message", [:], members)
    }

    private mutating func intervalCounter(_ index: Int) -> JSONTree {
        let exact = [
            "duration /60", "if(previous('end'), begin - previous('end'), 0)", "count * 2 - duration",
            "$speed.max - 10",
            "speed.max / count", "'n' + count", "hour(begin)", "if(exists('speed.max'), speed.max, -1)",
            "isnull(previous('begin'))", "if(previous('count'), previous('count'), 0) + count", "end % 60",
        ]
        if random.chance(25) {
            let expression = random.pick(["near.mileage / duration * 3600", "near.mileage * 2", "$near.mileage - 1"])
            return counter("near.i\(index)", "interval", ["expression": expression])
        }
        return counter("i\(index)", "interval", ["expression": random.pick(exact)])
    }

    private mutating func intervalTruth() -> String {
        random.pick([
            "duration > \(stepSeconds * 3)", "duration >= \(stepSeconds)", "count > 3", "$near.mileage > 0.1037",
            "begin - previous('end') >= \(stepSeconds)", "isnull(previous('end')) || begin - previous('end') > 1",
            "$speed.max > 20", "count % 2 == 0",
        ])
    }
}

extension JSONTree {
    typealias Items = [JSONTree]
}
