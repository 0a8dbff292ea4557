import SeededRandom

extension Generator {
    /// A truth about a message that the stream often changes.
    mutating func truth(depth: Int = 2) -> String {
        if depth > 0, random.chance(35) { return compound(depth) }
        switch random.integer(0...11) {
        case 0, 1: return ignition()
        case 2, 3: return speedTruth()
        case 4: return "\(exact(depth: 1)) \(random.pick(["<", "<=", ">", ">="])) \(exact(depth: 1))"
        case 5: return hasGeofences && random.chance(25) ? geofenceTruth() : presence()
        case 6: return textTruth()
        case 7: return clockTruth()
        case 8: return bitTruth()
        case 9: return random.pick(["mileage() > 0.0137", "mileage() < 0.4711", "distance_to(48.9, 2.4) < 51234.5"])
        case 10:
            return "\(exact(depth: 0)) \(random.pick(["==", "!="])) \(random.pick(["0", "7", "25", "null", "12.5"]))"
        default: return jsonTruth()
        }
    }

    private mutating func compound(_ depth: Int) -> String {
        let (left, right) = (truth(depth: depth - 1), truth(depth: depth - 1))
        return switch random.integer(0...5) {
        case 0: "(\(left)) && (\(right))"
        case 1, 2: "(\(left)) || (\(right))"
        case 3: random.pick(["!(\(left))", "not(\(left))"])
        case 4: "if(\(left), \(right), \(ignition()))"
        default: "(\(left)) ? (\(right)) : \(ignition())"
        }
    }

    mutating func ignition() -> String {
        random.pick([
            "engine.ignition.status", "$engine.ignition.status", "engine.ignition.status == true",
            "engine.ignition.status == false", "$engine.ignition.status != 1",
            "$position.speed>0 || $engine.ignition.status",
        ])
    }

    mutating func speedTruth() -> String {
        random.pick([
            "position.speed > 0", "$position.speed > 5", "position.speed", "position.speed < 5",
            "position.speed > metadata('limit')", "#position.speed<position.speed",
            "abs(position.speed-#position.speed)>10",
            "($position.speed - previous('position.speed')) / (timestamp - previous('timestamp')) < -0.5",
            "position.speed != null && position.valid", "#fuel.level < fuel.level",
        ])
    }

    private mutating func presence() -> String {
        random.pick([
            "exists('fuel.level')", "exists(\"position.speed\")", "isnull($driver.id)", "$fuel.level == null",
            "$driver.id != null", "isnumber($custom.numeric)", "isstring($custom.numeric)", "exists('device.name')",
            "not(isnull(metadata('/depot/name')))",
            "isnull(metadata('none'))", "isboolean($engine.ignition.status)",
        ])
    }

    private mutating func geofenceTruth() -> String {
        random.pick([
            "geofence() == null", "geofence() == '*ow*'", "json_array_contains(geofences(\"metadata.kind\"), \"city\")",
            "geofence('id') > 1", "isnull(geofence('metadata.kind'))",
        ])
    }

    private mutating func textTruth() -> String {
        random.pick([
            "custom.code == 'north'", "custom.code != 'd*'", "$custom.code == '*o*'", "custom.code == '?'",
            "(custom.code ~ '*th')", "driver.id == 'd?'", "$driver.id == 'd1'", "custom.code < 'n'",
            "contains(custom.code, 'epot')", "lower(custom.code) == 'depot a'", "length(custom.code) > 4",
            "custom.code == #custom.code", "custom.numeric == 7", "$custom.numeric > 5", "custom.numeric <= 7",
            "substring(custom.code, 0, 1) == 'n'", "upper(custom.code) == 'X'",
        ])
    }

    private mutating func clockTruth() -> String {
        random.pick([
            "hour() >= 8 && hour() < 18", "weekday() <= 5", "minute() % 20 < 10", "hour(timestamp) < 12",
            "day() % 2 == 0",
            "second() < 30", "month() % 2 == 1", "year() > 2023", "duration() <= \(stepSeconds)",
            "timestamp - #timestamp > \(stepSeconds)", "server.timestamp - timestamp > \(stepSeconds * 5)",
        ])
    }

    private mutating func bitTruth() -> String {
        random.pick([
            "din&8", "(din & 0x3) != 0", "(din >> 1 & 3) == 1", "($din | 4) == 5", "(din ^ 5) > 12", "~din & 1",
        ])
    }

    private mutating func jsonTruth() -> String {
        "(\(ignition())) || \(random.pick(["json_array_contains(can.dtc, 'P0420')", "ble.beacons['/0/rssi'] < -70"]))"
    }

    /// A number of which every processor makes the same bits.
    mutating func exact(depth: Int) -> String {
        guard depth > 0, random.chance(60) else { return atom() }
        let (left, right) = (exact(depth: depth - 1), exact(depth: depth - 1))
        return switch random.integer(0...7) {
        case 0: "(\(left) - \(right))"
        case 1: "(\(left) * \(random.pick(["0.02685", "3", "1.5"])))"
        case 2: "(\(left) / \(right))"
        case 3: "(\(left) % \(random.pick(["7", "3.5"])))"
        case 4: "\(random.pick(["abs", "round", "floor", "ceil", "sign"]))(\(left))"
        case 5: "\(random.pick(["min", "max"]))(\(left), \(right))"
        case 6: "if(\(truth(depth: 0)), \(left), \(right))"
        default: "sqrt(abs(\(left)))"
        }
    }

    private mutating func atom() -> String {
        random.pick([
            "position.speed", "$position.speed", "fuel.level", "$fuel.level", "din", "vehicle.mileage",
            "tonumber(custom.numeric)", "$custom.numeric * 2", "previous('fuel.level')", "#position.speed",
            "duration()",
            "(timestamp - #timestamp)", "25", "40.5", "0x10", "metadata('limit')", "$metadata.none", "true", "hour()",
        ])
    }

    /// A number that goes through sines or logarithms, for counters that are compared with a tolerance.
    mutating func near() -> String {
        random.pick([
            "mileage()", "mileage()", "mileage() * 1000", "distance_to(48.85, 2.35)",
            "distance(position.latitude, position.longitude, 50, 3)", "exp(position.speed / 100)",
            "log(1 + abs(position.speed))", "log10(vehicle.mileage)", "pow(position.speed, 1.5)",
        ])
    }

    /// A value that a `change` selector compares: never null.
    mutating func changing() -> String {
        random.pick([
            "engine.ignition.status", "custom.code", "if(isnull($driver.id), 'none', driver.id)",
            "$position.speed > 30",
            "din & 16", "hour()", "floor($position.speed / 40)", "if(exists('driver.id'), 1, 0)",
            hasGeofences ? "if(isnull(geofence()), 'none', geofence())" : "din & 1",
        ])
    }

    /// A text for counters.
    mutating func text() -> String {
        random.pick([
            "tostring(position.speed) + \" km/h\"", "custom.code + '/' + din", "'n' + custom.numeric",
            "upper(custom.code)",
            "replace(custom.code, 'o', '00')", "trim(' ' + custom.code + ' ')", "device.name + ':' + custom.code",
            "substring(custom.code, 1, 3)", "'on ' + engine.ignition.status", "metadata('/depot/name') + device.id",
        ])
    }
}
