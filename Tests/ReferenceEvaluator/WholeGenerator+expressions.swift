import SeededRandom

extension WholeGenerator {
    /// A truth about a message that the stream often changes.
    mutating func truth(depth: Int = 2) -> String {
        if depth > 0, random.chance(30) { return compound(depth) }
        switch random.integer(0...9) {
        case 0: return random.pick(Self.lively)
        case 1: return "\(exact(depth: 1)) \(random.pick(["<", "<=", ">", ">="])) \(exact(depth: 1))"
        case 2:
            return "\(exact(depth: 0)) \(random.pick(["==", "!="])) \(random.pick(["0", "7", "25", "null", "12.5"]))"
        default: return sample(Self.truths)
        }
    }

    private mutating func compound(_ depth: Int) -> String {
        let (left, right) = (truth(depth: depth - 1), truth(depth: depth - 1))
        let other = random.pick(Self.lively)
        return switch random.integer(0...6) {
        case 0, 1: "(\(left)) && (\(right))"
        case 2, 3: "(\(left)) || (\(right))"
        case 4: random.pick(["!(\(left))", "not(\(left))"])
        case 5: "if(\(left), \(right), \(other))"
        default: "(\(left)) ? (\(right)) : \(other)"
        }
    }

    private mutating func sample(_ samples: [String]) -> String {
        random.pick(samples).replacing("{pace}", with: "\(pace)")
    }

    /// A number of which every processor makes the same bits.
    mutating func exact(depth: Int) -> String {
        guard depth > 0, random.chance(55) else { return sample(Self.atoms) }
        let (left, right) = (exact(depth: depth - 1), exact(depth: depth - 1))
        return switch random.integer(0...9) {
        case 0: "(\(left) - \(right))"
        case 1: "(\(left) * \(random.pick(["0.02685", "3", "1.5"])))"
        case 2: "(\(left) / \(right))"
        case 3: "(\(left) % \(random.pick(["7", "3.5"])))"
        case 4: "\(random.pick(["abs", "round", "floor", "ceil", "sign"]))(\(left))"
        case 5: "\(random.pick(["min", "max"]))(\(left), \(right))"
        case 6: "if(\(truth(depth: 0)), \(left), \(right))"
        case 7: "(\(left) + 0.5)"
        case 8: "-\(sample(Self.atoms))"
        default: "sqrt(abs(\(left)))"
        }
    }

    /// A number that goes through sines or logarithms, for counters that are compared with a tolerance.
    mutating func near() -> String { sample(Self.nears) }

    /// A value that a `change` selector compares: never null.
    mutating func changing() -> String { sample(Self.changes) }

    /// A text for counters.
    mutating func text() -> String { sample(Self.texts) }

    /// Truths that a stream changes every few messages.
    static let lively = [
        "engine.ignition.status", "$engine.ignition.status", "engine.ignition.status == true",
        "engine.ignition.status == false", "$engine.ignition.status != 1", "position.speed > 0", "$position.speed > 5",
        "$position.speed>0 || $engine.ignition.status", "position.speed < 5", "position.speed", "$din & 8",
        "$position.speed > 30", "engine.ignition.status && $position.speed < 1",
    ]

    /// At least one for each function and operator.
    static let truths = [
        "if(position.speed > 20, engine.ignition.status, din & 1)", "not(engine.ignition.status)", "!position.speed",
        "exists('fuel.level')", "exists(\"position.speed\")", "isnull($driver.id)", "$fuel.level == null",
        "$driver.id != null", "isnumber($custom.numeric)", "isstring($custom.numeric)", "exists('device.name')",
        "not(isnull(metadata('/depot/name'))) && din & 2", "isboolean($engine.ignition.status)",
        "isjson($ble.beacons)", "isjson($custom.info) || $din > 20", "tonumber(custom.numeric) > 5",
        "tonumber($engine.ignition.status) == 1", "tostring(din) == '1*'", "tostring(engine.ignition.status) == 'true'",
        "toboolean(din & 4)", "toboolean($position.speed)",
        "json_array_contains(tojson('[\"d1\",\"d2\"]'), $driver.id)",
        "if(position.speed > 60, error(), engine.ignition.status)", "if($din > 25, error(), din & 2)",
        "abs(position.speed-#position.speed)>10", "round(position.speed / 40) == 1", "floor($fuel.level / 7) % 2 == 0",
        "ceil(position.speed / 33) > 1", "min(position.speed, din) > 4", "max(din, $position.speed, 12) > 20",
        "sqrt($position.speed) > 5", "sign($position.speed - 40) >= 0", "pow($din, 2) > 300.5",
        "exp($din / 10) > 4.4321",
        "log($din + 1) > 2.1357", "log10($position.speed + 1) > 1.357", "month() % 2 == 1", "day() % 2 == 0",
        "hour() >= 8 && hour() < 18", "hour(timestamp) % 3 != 1", "minute() % 20 < 10", "second() < 30",
        "second(timestamp) % 20 < 10", "year() > 2023", "weekday() <= 5", "weekday(timestamp - 43200) % 2 == 1",
        "day(timestamp) % 3 != 0", "month(timestamp) > 3 || din & 4", "year(timestamp) == 2024",
        "minute(timestamp) < 30",
        "mileage() > 0.0137", "mileage() < 0.4711", "duration() <= {pace}", "duration() < {pace} * 4",
        "distance_to(48.9, 2.4) < 51234.5",
        "distance(position.latitude, position.longitude, #position.latitude, #position.longitude) > 70.123",
        "json_array_contains($can.dtc, 'P0420') || engine.ignition.status",
        "json_array_contains(can.dtc, \"P0101\") || $din > 9", "json('can.dtc', 0) == 'P0101' || $position.speed > 9",
        "json('custom.info', 'axles') > 2", "isjson(json('ble.beacons', 0)) || engine.ignition.status",
        "ble.beacons['/0/rssi'] < -70 || $din & 1", "custom.info['/kind'] == 'van' || position.speed > 9",
        "position.speed > metadata('limit')", "$din > metadata('/depot/rate') * 10", "length(custom.code) > 5",
        "lower(custom.code) == 'depot a'", "upper(custom.code) != 'NORTH'", "substring(custom.code, 0, 1) == 'n'",
        "substring(custom.code, 2) == 'uth'", "contains(custom.code, 'o')", "contains(custom.code, 'epot')",
        "replace(custom.code, 'o', '') == 'nrth'", "trim(' ' + custom.code) == 'north'", "#fuel.level < fuel.level",
        "#position.speed<position.speed", "previous('din') < din", "previous('custom.code') == custom.code",
        "($position.speed - previous('position.speed')) / (timestamp - previous('timestamp')) < -0.5",
        "geofence() == null", "geofence() == '*ow*'", "isnull(geofence())", "not(isnull(geofence('metadata.kind')))",
        "geofence('id') > 4", "json_array_contains(geofences('metadata.kind'), 'city')",
        "json_array_contains(geofences('id'), 6)", "json_array_contains(geofences(), 'gate 1') || $din & 8",
        "custom.code == 'north'", "custom.code != 'd*'", "$custom.code == '*o*'", "custom.code == '?'",
        "(custom.code ~ '*th')", "driver.id == 'd?'", "$driver.id == 'd1'", "custom.code < 'n'",
        "custom.code >= 'north'",
        "custom.code == #custom.code", "custom.numeric == 7", "$custom.numeric > 5", "custom.numeric <= 7",
        "(din & 0x3) != 0", "(din >> 1 & 3) == 1", "($din | 4) == 5", "(din ^ 5) > 12", "~din & 1",
        "(din << 2) % 3 == 1",
        "timestamp - #timestamp > {pace}", "server.timestamp - timestamp > {pace} * 5", "-din % 4 == -1",
        "position.speed != null && position.valid", "din % 2 ? position.speed > 3 : engine.ignition.status",
    ]

    static let atoms = [
        "position.speed", "position.speed", "$position.speed", "fuel.level", "$fuel.level", "din", "$din",
        "vehicle.mileage", "tonumber(custom.numeric)", "$custom.numeric * 2", "previous('fuel.level')",
        "#position.speed", "duration()", "(timestamp - #timestamp)", "25", "40.5", "0x10", "metadata('limit')",
        "$metadata.none", "true", "hour()", "length(custom.code)", "custom.info['/axles']",
        "json('custom.info', 'axles')",
        "weekday()", "minute()", "second(timestamp)", "day()", "month()", "(year() - 2000)", "ble.beacons['/0/rssi']",
        "geofence('id')", "max(din, 3)", "tonumber($engine.ignition.status)", "(din | 8)", "sign(din - 9)",
    ]

    static let nears = [
        "mileage()", "mileage()", "mileage() * 2", "distance_to(48.85, 2.35)", "distance_to(-12.1, -77)",
        "distance(position.latitude, position.longitude, 50, 3)",
        "distance(position.latitude, position.longitude, -20.5, -60)", "exp(position.speed / 100)",
        "log(1 + abs(position.speed))", "log10(vehicle.mileage)", "pow(position.speed, 1.5)", "pow(1.01, din)",
    ]

    static let changes = [
        "engine.ignition.status", "custom.code", "if(isnull($driver.id), 'none', driver.id)", "$position.speed > 30",
        "din & 16", "hour()", "floor($position.speed / 40)", "if(exists('driver.id'), 1, 0)",
        "if(isnull(geofence()), 'none', geofence())", "if(isnull(geofence('id')), 0, geofence('id'))", "weekday()",
        "substring(custom.code, 0, 1)", "upper(custom.code) == 'NORTH'", "toboolean($din & 4)", "length(custom.code)",
        "tostring(geofences('metadata.kind'))", "isnull(#position.speed) || position.speed > #position.speed",
        "if(json_array_contains(geofences(), 'gate *'), 'in', 'out')", "$engine.ignition.status && $position.speed > 0",
    ]

    static let texts = [
        "tostring(position.speed) + \" km/h\"", "custom.code + '/' + din", "'n' + custom.numeric", "upper(custom.code)",
        "lower(custom.code)", "replace(custom.code, 'o', '00')", "trim(' ' + custom.code + ' ')",
        "device.name + ':' + custom.code", "substring(custom.code, 1, 3)", "substring(custom.code, 2)",
        "'on ' + engine.ignition.status", "metadata('/depot/name') + device.id", "tostring(can.dtc)", "ident + '#'",
        "if(isnull(geofence()), 'none', geofence())", "tostring(geofences())", "custom.info['/kind']",
        "json('custom.info', 'kind') + '!'", "json('can.dtc', 0)", "'h' + hour() + ':' + minute()", "custom.code",
        "if(contains(custom.code, 'o'), 'o', 'no o')", "\"it's \" + custom.code",
    ]
}

extension WholeGenerator {
    /// A truth about an interval of the calculator being made, and perhaps the one before it.
    mutating func intervalTruth(_ new: Made) -> String {
        let number = random.pick(new.numbers)
        var samples = [
            "duration > {pace}", "duration >= {pace}", "\(number) > 3", "\(number) % 2 == 0", "count > 1",
            "begin - previous('end') >= {pace}", "isnull(previous('end')) || begin - previous('end') > 1",
            "not(previous('count') == count)", "hour(begin) != 3", "exists('speed.max') || count > 2",
            "duration > 0 || weekday(end) < 6", "\(number) != previous('\(number)')",
        ]
        if new.nears.contains("near.mileage") { samples += ["$near.mileage > 0.1037", "$near.mileage < 7.123"] }
        samples += new.optionalNumbers.map { "$\($0) > 20" }
        return sample(samples)
    }

    /// A truth about an interval of another calculator.
    mutating func sourceTruth(_ source: Made) -> String {
        let number = random.pick(source.numbers)
        var samples = [
            "duration > {pace}", "duration >= {pace} * 3", "\(number) > 2", "\(number) % 2 == 0", "count > 1",
            "end - begin > {pace} * 2", "hour(begin) % 4 != 1", "weekday(end) < 6 || count > 2", "$none == null",
        ]
        if source.nears.contains("near.mileage") { samples.append("$near.mileage > 0.1037") }
        samples += source.optionalNumbers.map { "$\($0) > 20 || count < 3" }
        samples += source.texts.map { "$\($0) != 'd*'" }
        return sample(samples)
    }

    /// An exact number, or text, about an interval.
    mutating func intervalValue(_ new: Made) -> String {
        let (number, other) = (random.pick(new.numbers), random.pick(new.numbers))
        var samples = [
            "duration /60", "if(previous('end'), begin - previous('end'), 0)", "\(number) * 2 - duration",
            "\(number) / count", "'n' + count", "hour(begin)", "isnull(previous('begin'))", "end % 60",
            "if(previous('\(number)'), previous('\(number)'), 0) + \(other)", "max(\(number), \(other))",
            "round(duration / 7)", "if(exists('speed.max'), speed.max, -1)", "day(end) * 100 + month(end)",
            "tostring(\(number)) + '/' + count", "minute(begin) + second(end) / 100", "\(number) == \(other)",
            "year(begin)", "weekday(begin)", "$none", "abs(\(number) - \(other))", "previous('begin') != null",
            "metadata('limit') - \(number)", "min(\(number), \(other), 7)", "tonumber(count > 3)", "not(count)",
        ]
        samples += new.optionalNumbers.flatMap { ["$\($0) - 10", "\($0) / count"] }
        return sample(samples)
    }
}
