import SeededRandom

extension WholeGenerator {
    /// Up to some twenty counters; what others may read of them is left in `new`.
    mutating func counters(_ new: inout Made, _ sources: [Int], mayNameGeofence: Bool) -> [JSONTree] {
        var counters = [counter("count", "expression", ["expression": "1", "method": "summary"])]
        new.numbers = ["count"]
        if new.isMirror { counters += mirror(&new) }
        for _ in 0..<random.integer(0...2) { counters += variable(&new) }
        for _ in 0..<random.integer(2...6) { counters.append(valueCounter(&new)) }
        if random.chance(70) {
            counters.append(counter("near.mileage", "expression", ["expression": "mileage()", "method": "summary"]))
            new.nears.append("near.mileage")
        }
        if random.chance(40) {
            counters.append(counter("speed.max", "parameter", ["parameter": "position.speed", "method": "max"]))
            new.optionalNumbers.append("speed.max")
        }
        if random.chance(20) { counters += variable(&new) }
        for _ in 0..<random.integer(0...2) { counters.append(messageCounter()) }
        for source in sources { counters.append(sourceCounter(made[source])) }
        counters += others(&new, mayNameGeofence: mayNameGeofence)
        return counters
    }

    /// Counters that need no choice of their own, in any order; those that read earlier ones last.
    private mutating func others(_ new: inout Made, mayNameGeofence: Bool) -> [JSONTree] {
        var counters: [JSONTree] = []
        if random.chance(30) { counters.append(counter("route", "route", [:], validation())) }
        if mayNameGeofence, random.chance(35) {
            counters.append(counter("place", "geofence", [:]))
            new.texts.append("place")
        }
        if random.chance(35) { counters.append(counter("active", "active", [:])) }
        if random.chance(35) { counters.append(clock()) }
        if random.chance(35) { counters.append(dataset()) }
        if random.chance(25) {
            let value: JSONTree = random.pick([.string("fleet"), .number(2.5), .boolean(false)])
            counters.append(counter("given", "specified", [:], [member("value", value)]))
        }
        for _ in 0..<random.integer(0...3) {
            if random.chance(35) { counters.append(accumulator(&new)) } else { counters.append(intervalCounter(&new)) }
        }
        return counters
    }

    func counter(
        _ name: String, _ type: String, _ texts: KeyValuePairs<String, String>, _ others: [JSONTree.Member] = []
    ) -> JSONTree {
        .object(
            [member("name", .string(name)), member("type", .string(type))]
                + texts.map { member($0.key, .string($0.value)) } + others)
    }

    /// A name that no other counter of the calculator has.
    private mutating func name(_ stem: String) -> String {
        var index = 1
        while !names.insert("\(stem)\(index)").inserted { index += 1 }
        return "\(stem)\(index)"
    }

    private mutating func validation() -> [JSONTree.Member] {
        random.chance(22) ? [member("validate_message", .string(truth(depth: 1)))] : []
    }

    /// Counters named as the device's parameters are, so that the intervals may stand for messages.
    private mutating func mirror(_ new: inout Made) -> [JSONTree] {
        new.optionalNumbers += ["position.speed", "din", "fuel.level"]
        new.texts.append("custom.code")
        let methods: KeyValuePairs = [
            "position.latitude": "last", "position.longitude": "last", "position.speed": random.pick(["max", "last"]),
            "engine.ignition.status": "last", "fuel.level": "last", "din": random.pick(["first", "maximum"]),
            "custom.code": "last", "driver.id": "first", "vehicle.mileage": "last", "custom.numeric": "first",
        ]
        return methods.map { name, method in
            names.insert(name)
            return counter(name, "parameter", ["method": method])
        }
    }

    private mutating func valueCounter(_ new: inout Made) -> JSONTree {
        let name = name("c")
        let validation = validation()
        let numeric = random.pick([
            "first", "last", "minimum", "maximum", "average", "summary", "difference", "min", "max",
        ])
        switch random.integer(0...9) {
        case 0, 1, 2:
            return counter(name, "expression", ["expression": exact(depth: 2), "method": numeric], validation)
        case 3:
            // The difference of two long distances is less exact than the tolerance.
            let expression = near()
            let method = numeric == "difference" && expression.hasPrefix("distance") ? "maximum" : numeric
            new.nears.append("near.\(name)")
            return counter("near.\(name)", "expression", ["expression": expression, "method": method], validation)
        case 4: return counter(name, "expression", ["expression": truth(), "method": "duration"], validation)
        case 5:
            let method = random.pick(["first", "last"])
            return counter(name, "expression", ["expression": text(), "method": method], validation)
        case 6:
            let parameter = random.pick(["driver.id", "custom.code", "engine.ignition.status", "din", "custom.numeric"])
            let method = random.pick(["first", "last", "distinct", "distinct"])
            return counter(name, "parameter", ["parameter": parameter, "method": method], validation)
        case 7:
            let parameter = random.pick(["position.speed", "fuel.level", "vehicle.mileage", "timestamp", "device.id"])
            return counter(name, "parameter", ["parameter": parameter, "method": numeric], validation)
        case 8:
            if numeric != "difference", numeric != "average" { new.optionalNumbers.append(name) }
            return counter(name, "parameter", ["parameter": "position.speed", "method": numeric], validation)
        default: return counter(name, "expression", ["expression": truth(), "method": numeric], validation)
        }
    }

    /// A variable, and counters that read it; sometimes it hides a parameter from the counters after it.
    private mutating func variable(_ new: inout Made) -> [JSONTree] {
        if random.chance(25) {
            let name = name("near.v")
            new.nears.append(name)
            let expression = random.pick(["$\(name) + mileage()", "if(mileage() > 0.0137, mileage(), $\(name))"])
            return [counter(name, "variable", ["expression": expression], validation())]
        }
        let shadowed = ["din", "fuel.level"].filter { !names.contains($0) }
        let isShadow = !shadowed.isEmpty && random.chance(20)
        let name = isShadow ? random.pick(shadowed) : name("v")
        names.insert(name)
        let own = "if(exists('\(name)'), \(name), 0)"
        // What hides a parameter is whole or half and never null, as the parameter is.
        var expressions = [
            "$\(name) + 1", "(\(own) * 3 + 5) % 101", "if(position.speed > 40, \(own) + 1, \(own))",
            "max($\(name), $position.speed)", "(\(own) + #position.speed) % 64",
        ]
        if !isShadow {
            expressions += [
                "position.speed", "$\(name) + round(duration())", "if(position.speed > 90, null, \(own) + 0.5)", "din",
                "if(position.speed > 90, 0, $\(name) + $din)", "if(#\(name) > 40, 0, $\(name) + 7)",
            ]
        }
        var counters = [counter(name, "variable", ["expression": random.pick(expressions)], validation())]
        let readers = [
            "\(name)", "$\(name)", "\(name) - #\(name)", "previous('\(name)')",
            "if(exists('\(name)'), \(name) * 2, -1)",
            "$\(name) + $position.speed", "max($\(name), 7)",
        ]
        let method = random.pick(["last", "max", "average", "difference", "summary"])
        let seeing = random.chance(25) ? [member("validate_message", .string("$\(name) > #\(name)"))] : validation()
        counters.append(
            counter(self.name("r"), "expression", ["expression": random.pick(readers), "method": method], seeing))
        if random.chance(30) {
            let fields: [JSONTree] = [
                .string("timestamp"),
                .object([
                    member("name", .string("v")), member("expression", .string("if(isnull($\(name)), -1, \(name))")),
                ]),
            ]
            counters.append(
                counter(self.name("m"), "message", ["method": "each"], [member("fields", .array(fields))]))
        }
        if random.chance(40) {
            counters.append(counter(self.name("p"), "parameter", ["parameter": name, "method": "max"]))
        }
        return counters
    }

    private mutating func clock() -> JSONTree {
        let format = random.pick(["%c", "%Y-%m-%d %H:%M:%S", "%d.%m.%y %H:%M", "%a %b %e %j", "%H:%M:%S"])
        var members = [member("interval", .string(random.pick(["begin", "end", "end"])))]
        if random.chance(80) { members.append(member("format", .string(format))) }
        return counter("clock", "datetime", [:], members)
    }

    private mutating func accumulator(_ new: inout Made) -> JSONTree {
        let isNear = !new.nears.isEmpty && random.chance(30)
        let summed = random.pick(isNear ? new.nears : new.numbers + new.optionalNumbers)
        let name = name(isNear ? "near.a" : "a")
        var members = [member("counter", .string(summed))]
        if random.chance(60) {
            let interval = random.pick(["hour", "day", "day", "week", "month", "year"])
            members.append(member("reset_interval", .string(interval)))
        }
        if random.chance(45) {
            let number = random.pick(new.numbers)
            let expression = random.pick([
                "previous('\(number)') > 5", "count % 3 == 0", "duration > \(pace * 4)", "previous('count') == count",
                "hour(begin) < hour(previous('begin'))", "begin - previous('end') > \(pace * 3)", "none > 1",
            ])
            members.append(member("reset_expression", .string(expression)))
        }
        // Sums of hundredths would depend on their order where they are summed again.
        if isNear { new.nears.append(name) } else if summed != "fuel.level" { new.numbers.append(name) }
        return counter(name, "accumulator", [:], members)
    }

    private mutating func intervalCounter(_ new: inout Made) -> JSONTree {
        if let near = new.nears.randomElement(using: &random), random.chance(25) {
            let expression = random.pick(["$\(near) * 2", "$\(near) + 1", "\(near) * count"])
            return counter(name("near.i"), "interval", ["expression": expression])
        }
        return counter(name("i"), "interval", ["expression": intervalValue(new)])
    }
}
