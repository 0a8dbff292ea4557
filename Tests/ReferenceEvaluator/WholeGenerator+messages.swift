import SeededRandom

/// What a device does for a while.
private enum Phase: CaseIterable {
    case driving, driving2, idling, parked, flickering, silent
}

/// The device as it moves on from message to message.
private struct Vehicle {
    var position: Position
    var speed = 0.0
    var ignition = false
    var mileage = 15_000.0
    var fuel = 70.0
    var code = "north"
    var eastward = 1.0
    var northward = 1.0
}

extension WholeGenerator {
    /// Moments around which clocks change in Paris, New York (as in Saint John's) and on Lord Howe, in seconds.
    static let clockChanges = [
        1_711_846_800, 1_729_990_800, 1_710_054_000, 1_730_613_600, 1_710_048_600, 1_712_415_600, 1_728_142_200,
    ]

    /// A stream of 0 to 400 messages, mostly of more than 200.
    mutating func messages() -> [RefMessage] {
        let count = random.pick([
            random.integer(0...2), random.integer(3...60), random.integer(60...199), 200, 220, 240, 250, 260, 280, 300,
            320, 340, 360, 400,
        ])
        let isRegular = random.chance(40)
        var time = Int64(firstSecond(count)) * 1_000_000
        if !isWhole, random.chance(30) { time += Int64(random.integer(0...999_999)) }
        var vehicle = Vehicle(position: origin)
        var messages: [RefMessage] = []
        while messages.count < count {
            let phase = random.pick(Phase.allCases)
            if phase == .silent {
                if random.chance(60) { time += Int64(stepSeconds * random.integer(5...60)) * 1_000_000 }
                continue
            }
            for _ in 0..<random.pick([1, 1, 2, 3, 5, 8, 12]) where messages.count < count {
                move(&vehicle, phase)
                messages.append(message(vehicle, time))
                time += isRegular ? Int64(stepSeconds) * 1_000_000 : irregularStep()
            }
        }
        return messages
    }

    /// Half the streams lie across a change of clocks.
    private mutating func firstSecond(_ count: Int) -> Int {
        if random.chance(50) { return random.pick(Self.clockChanges) - random.integer(0...max(1, count * stepSeconds)) }
        return 1_700_000_000 + random.integer(0...30_000_000)
    }

    private mutating func irregularStep() -> Int64 {
        let whole = Int64(random.integer(1...max(2, stepSeconds * 2))) * 1_000_000
        return !isWhole && random.chance(40) ? whole + Int64(random.integer(1...999_999)) : whole
    }

    private mutating func move(_ vehicle: inout Vehicle, _ phase: Phase) {
        switch phase {
        case .driving, .driving2:
            vehicle.ignition = true
            vehicle.speed = Double(random.integer(0...260)) / 2
        case .idling: (vehicle.ignition, vehicle.speed) = (true, 0)
        case .parked, .silent: (vehicle.ignition, vehicle.speed) = (false, 0)
        case .flickering:
            vehicle.ignition = random.chance(50)
            vehicle.speed = random.chance(50) ? 0 : Double(random.integer(1...60))
        }
        travel(&vehicle)
        vehicle.mileage = rounded(vehicle.mileage + vehicle.speed * Double(stepSeconds) / 3_600, 1e3)
        vehicle.fuel = random.chance(2) ? 100 : rounded(max(1, vehicle.fuel - vehicle.speed / 1_000), 1e2)
        if random.chance(10) {
            vehicle.code = random.pick(["north", "south", "Depot A", "depot b", "x", "Café", "say \"no\""])
        }
    }

    /// Mostly a little way, within three parts of the reach around the origin; seldom a jump there or back.
    private mutating func travel(_ vehicle: inout Vehicle) {
        let reach = 6.0 * Double(min(stepSeconds, 60)) / 60 / 111
        let length = vehicle.speed / 130 * reach / 2
        var (latitude, longitude) = (vehicle.position.latitude, vehicle.position.longitude)
        if random.chance(10) { vehicle.northward = random.number(-1...1) }
        if random.chance(10) { vehicle.eastward = random.number(-1...1) }
        if abs(latitude - origin.latitude) > reach * 2 { vehicle.northward = latitude > origin.latitude ? -1 : 1 }
        if abs(longitude - origin.longitude) > reach * 3 { vehicle.eastward = longitude > origin.longitude ? -1 : 1 }
        latitude += length * vehicle.northward
        longitude += length * vehicle.eastward
        if random.chance(1) {
            latitude = origin.latitude + random.number(-8...8) * reach
            longitude = origin.longitude + random.number(-8...8) * reach
        }
        vehicle.position = Position(latitude: rounded(latitude, 1e6), longitude: rounded(longitude, 1e6))
    }

    private mutating func message(_ vehicle: Vehicle, _ time: Int64) -> RefMessage {
        var values: [String: RefValue] = [:]
        if random.chance(94) { values["engine.ignition.status"] = .boolean(vehicle.ignition) }
        if random.chance(95) { values["position.speed"] = random.chance(4) ? .null : .number(vehicle.speed) }
        if random.chance(85) { values["vehicle.mileage"] = .number(vehicle.mileage) }
        if random.chance(85) { values["fuel.level"] = random.chance(5) ? .null : .number(vehicle.fuel) }
        if random.chance(85) { values["din"] = .number(Double(random.integer(0...31))) }
        if random.chance(92) { values["custom.code"] = .string(vehicle.code) }
        if random.chance(60) { values["driver.id"] = random.chance(10) ? .null : .string("d\(random.integer(1...3))") }
        if random.chance(60) { values["custom.numeric"] = numericText() }
        if random.chance(20) { values["ble.beacons"] = .json(beacons()) }
        if random.chance(15) { values["can.dtc"] = .json(random.pick([#"["P0101"]"#, #"["P0101","P0420"]"#, "[]"])) }
        if random.chance(15) {
            values["custom.info"] = .json(random.pick([#"{"kind":"van","axles":3}"#, #"{"kind":"car","axles":2}"#]))
        }
        for (name, value) in located(vehicle) { values[name] = value }
        return RefMessage(
            timestampMicroseconds: time, acceptanceMicroseconds: time + delayMicroseconds(), values: values)
    }

    /// One or two beacons that differ.
    private mutating func beacons() -> String {
        let first = random.integer(1...3)
        let other = #",{"id":"b\#(first % 3 + 1)","rssi":-\#(random.integer(40...99))}"#
        return #"[{"id":"b\#(first)","rssi":-\#(random.integer(40...99))}\#(random.chance(40) ? other : "")]"#
    }

    private mutating func numericText() -> RefValue {
        random.pick([.string("7"), .string("12.5"), .string("-3"), .string("0"), .number(7), .number(0.25)])
    }

    /// Mostly whole and valid; sometimes none, half of one, null or marked invalid.
    private mutating func located(_ vehicle: Vehicle) -> [String: RefValue] {
        let (latitude, longitude) = (vehicle.position.latitude, vehicle.position.longitude)
        switch random.integer(0...99) {
        case 0..<5: return [:]
        case 5: return ["position.latitude": .number(latitude)]
        case 6: return ["position.latitude": .null, "position.longitude": .number(longitude)]
        default: break
        }
        var values: [String: RefValue] = [
            "position.latitude": .number(latitude), "position.longitude": .number(longitude),
        ]
        if random.chance(70) { values["position.valid"] = .boolean(!random.chance(6)) }
        return values
    }

    /// From taking the message at once to taking it many steps late.
    private mutating func delayMicroseconds() -> Int64 {
        if random.chance(6) { return Int64(stepSeconds * random.integer(10...200)) * 1_000_000 }
        return isWhole ? Int64(random.integer(0...2)) * 1_000_000 : Int64(random.integer(0...2_500_000))
    }
}

extension WholeGenerator {
    /// The messages as the device may have sent them, in order of acceptance.
    mutating func parts(of messages: [RefMessage]) -> [RefMessage] {
        guard random.chance(40) else { return messages.sorted(by: Self.isAcceptedBefore) }
        var parts: [RefMessage] = []
        for message in messages {
            switch random.integer(0...11) {
            case 0:
                var again = message
                again.acceptanceMicroseconds += Int64(random.integer(1...90) * stepSeconds) * 1_000_000
                parts += [message, again]
            case 1 where message.values.count > 1: parts += halves(of: message)
            default: parts.append(message)
            }
        }
        return parts.sorted(by: Self.isAcceptedBefore)
    }

    private static func isAcceptedBefore(_ left: RefMessage, _ right: RefMessage) -> Bool {
        (left.acceptanceMicroseconds, left.timestampMicroseconds)
            < (right.acceptanceMicroseconds, right.timestampMicroseconds)
    }

    /// Two parts that agree where they overlap; latitude and longitude stay together.
    private mutating func halves(of message: RefMessage) -> [RefMessage] {
        let pair = ["position.latitude", "position.longitude"]
        let names = message.values.keys.filter { !pair.contains($0) }.sorted()
        guard names.count > 1 else { return [message] }
        let cut = random.integer(1...names.count - 1)
        let first = Set(names[..<cut] + pair)
        let second = Set(names[cut...] + (random.chance(50) ? [names[0]] : []))
        return [first, second].map { kept in
            var part = message
            part.values = message.values.filter { kept.contains($0.key) }
            return part
        }
    }
}
