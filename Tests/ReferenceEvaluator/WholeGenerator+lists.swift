import SeededRandom

/// Counters that list: message, dataset, calc.
extension WholeGenerator {
    /// Fields of messages that are never null.
    private static let plainFields = [
        "server.timestamp", "engine.ignition.status", "din", "custom.code", "vehicle.mileage", "ble.beacons",
        "device.id",
        "can.dtc", "custom.info", "ident",
    ]

    private static let madeFields = [
        ("change", "position.speed - #position.speed"), ("fast", "$position.speed > 50"), ("half", "din / 2"),
        ("back", "round(duration())"), ("fuel", "if(isnull($fuel.level), -1, fuel.level)"),
        ("label", "custom.code + din"),
        ("driver", "if(isnull($driver.id), 'none', driver.id)"), ("n", "if(exists('din'), din % 5, 0)"),
        ("where", "if(isnull(geofence()), 'none', geofence())"), ("list", "geofences('id')"),
    ]

    private func field(_ name: String, _ expression: String, _ key: String = "expression") -> [JSONTree.Member] {
        [member("name", .string(name)), member(key, .string(expression))]
    }

    mutating func messageCounter() -> JSONTree {
        let validation = random.chance(25) ? [member("validate_message", .string(truth(depth: 1)))] : []
        let name = "points\(names.count)"
        names.insert(name)
        if random.chance(40) { return counter(name, "message", [:], groupedFields() + validation) }
        var fields = ["timestamp"].map { JSONTree.string($0) }
        fields += Self.plainFields.filter { _ in random.chance(30) }.map { JSONTree.string($0) }
        for (name, expression) in Self.madeFields where random.chance(15) {
            fields.append(.object(field(name, expression)))
        }
        var members = [member("fields", .array(fields))]
        if random.chance(30) {
            let type = random.pick(["minimum", "maximum"])
            let expression = random.pick([
                "position.speed", "din", "duration()", "abs(position.speed - #position.speed)",
            ])
            let extremum = [member("type", .string(type)), member("expression", .string(expression))]
            members += [member("method", .string("first")), member("extremum", .object(extremum))]
        } else {
            members.append(member("method", .string(random.pick(["first", "last", "each", "each"]))))
        }
        return counter(name, "message", [:], members + validation)
    }

    /// Fields for `aggregate_by_field`; what is added up is whole or half, so that every order gives one sum.
    private mutating func groupedFields() -> [JSONTree.Member] {
        var fields: [JSONTree] = [
            random.pick([
                .string("ble.beacons"), .string("ble.beacons"), .string("can.dtc"), .string("custom.code"),
                .string("din"), .string("engine.ignition.status"), .string("device.name"),
                .object(field("key", "if(isnull($driver.id), 'none', driver.id)")),
                .object(field("key", "floor($position.speed / 40)")), .object(field("key", "hour()")),
                .object(field("key", "if(isnull(geofence()), 'none', geofence())")),
            ])
        ]
        if random.chance(40) { fields.append(.string(random.pick(["timestamp", "vehicle.mileage"]))) }
        for index in 1...random.integer(1...4) {
            let expression = random.pick(["position.speed", "din", "position.speed - #position.speed", "1", "$din & 4"])
            let word = random.pick([
                "first", "last", "minimum", "maximum", "average", "summary", "difference", "distinct", "min", "max",
            ])
            fields.append(.object(field("f\(index)", expression) + [member("aggregate", .string(word))]))
        }
        if random.chance(40) {
            let word = random.pick(["first", "last", "distinct"])
            fields.append(
                .object(field("codes", "custom.code") + [member("aggregate", .string(word))]))
        }
        return [member("method", .string("aggregate_by_field")), member("fields", .array(fields))]
    }

    /// An object always has a field: the time, where unknown ones may be left out.
    mutating func dataset() -> JSONTree {
        let isNear = random.chance(20)
        var fields = [JSONTree.object(field("t", "timestamp", "value"))]
        let allowsUnknown = random.chance(50)
        for (index, expression) in [
            "position.speed", "fuel.level", "din + 0.5", "custom.code", "driver.id", "#position.speed", "can.dtc",
            "if($din > 9, null, 'low')", "position.speed > 5",
        ].enumerated() where random.chance(30) {
            fields.append(.object(field("d\(index)", expression, "value")))
        }
        if isNear { fields.append(.object(field("km", "mileage()", "value"))) }
        var members = [member("fields", .array(fields))]
        if allowsUnknown { members.append(member("allow_unknown", .boolean(true))) }
        if random.chance(25) { members.append(member("validate_message", .string(truth(depth: 1)))) }
        return counter(isNear ? "near.data" : "data", "dataset", [:], members)
    }

    /// A calc counter; named `near.` where it shows what is not exact, or adds up fractions.
    mutating func sourceCounter(_ source: Made) -> JSONTree {
        let method = random.pick(["each", "aggregate", "aggregate_by_field", "aggregate_by_field", "first", "last"])
        let (kind, key) = random.pick([("calc", "calc_id"), ("calc", "calc_id"), ("calculator", "calculator_id")])
        var members = [member(key, .number(Double(source.calculator.id))), member("method", .string(method))]
        var isNear = true
        if method.hasPrefix("aggregate") || random.chance(65) {
            isNear = random.chance(30)
            members.append(member("fields", .array(sourceFields(source, method, isNear: isNear))))
        }
        for (option, chance) in [("allow_start_before", 50), ("allow_finish_after", 50)] where random.chance(chance) {
            members.append(member(option, .boolean(true)))
        }
        if random.chance(35) { members.append(member("validate_interval", .string(sourceTruth(source)))) }
        let name = "visits\(names.count)"
        names.insert(name)
        return counter(isNear ? "near.\(name)" : name, kind, [:], members)
    }

    /// The first field is always there, so that no object is empty and every interval has a group.
    private mutating func sourceFields(_ source: Made, _ method: String, isNear: Bool) -> [JSONTree] {
        let number = random.pick(source.numbers)
        var fields: [JSONTree] = [
            random.pick([
                .string("count"), .string(number), .object(field("key", "hour(begin)")),
                .object(field("key", "\(number) % 3")), .object(field("key", "duration > \(pace * 2)")),
            ])
        ]
        if method == "aggregate_by_field", let text = source.texts.randomElement(using: &random), random.chance(60) {
            fields = [.object(field("key", "if(exists('\(text)'), \(text), 'none')"))]
        }
        let places = ["begin", "end", "duration"]
        for (index, name) in (places + source.optionalNumbers + source.texts).enumerated() where random.chance(30) {
            let isExact = index >= places.count && !["fuel.level"].contains(name)
            let word = random.pick(
                isExact || isNear
                    ? ["summary", "average", "difference", "minimum", "max", "distinct", "last", "first"]
                    : ["min", "maximum", "first", "last", "distinct"])
            if random.chance(30), isNear || isExact || !method.hasPrefix("aggregate") {
                fields.append(.string(name))
            } else {
                fields.append(.object(field("f\(index)", name) + [member("aggregate", .string(word))]))
            }
        }
        if random.chance(50) { fields.append(.object(field("twice", "\(number) * 2"))) }
        if random.chance(25) { fields.append(.object(field("flag", "count > 3"))) }
        if isNear, let near = source.nears.first { fields.append(.string(near)) }
        return fields
    }
}
