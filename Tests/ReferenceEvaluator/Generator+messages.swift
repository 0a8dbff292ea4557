import Foundation
import SeededRandom

/// What a device does for a while.
private enum Phase: CaseIterable {
    case driving, idling, parked, flickering, silent
}

/// The device as it moves on from message to message.
private struct Vehicle {
    var latitude = 48.85
    var longitude = 2.35
    var speed = 0.0
    var ignition = false
    var mileage = 15_000.0
    var fuel = 70.0
    var code = "north"
}

extension Generator {
    /// Moments around which clocks change in Paris and New York, in seconds.
    private static let clockChanges = [1_711_846_800, 1_729_990_800, 1_710_054_000, 1_730_613_600]

    /// A stream of 0 to 400 messages.
    mutating func messages() -> [RefMessage] {
        let count = random.pick([0, 1, 2, 5, 20, 60, 100, 150, 200, 250, 300, 400].map { $0 })
        let isRegular = random.chance(40)
        var time = Int64(firstSecond(count)) * 1_000_000 + (random.chance(30) ? Int64(random.integer(0...999_999)) : 0)
        var vehicle = Vehicle()
        if random.chance(40) { vehicle.latitude = rounded(vehicle.latitude + random.number(-5...5), 1e6) }
        var messages: [RefMessage] = []
        while messages.count < count {
            let phase = random.pick(Phase.allCases)
            if phase == .silent {
                time += Int64(stepSeconds * random.integer(5...60)) * 1_000_000
                continue
            }
            for _ in 0..<random.pick([1, 1, 2, 3, 6, 10, 18]) where messages.count < count {
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
        return random.chance(40) ? whole + Int64(random.integer(1...999_999)) : whole
    }

    private mutating func move(_ vehicle: inout Vehicle, _ phase: Phase) {
        switch phase {
        case .driving:
            vehicle.ignition = true
            vehicle.speed = Double(random.integer(0...260)) / 2
        case .idling: (vehicle.ignition, vehicle.speed) = (true, 0)
        case .parked, .silent: (vehicle.ignition, vehicle.speed) = (false, 0)
        case .flickering:
            vehicle.ignition = random.chance(50)
            vehicle.speed = random.chance(50) ? 0 : Double(random.integer(1...60))
        }
        let degrees = vehicle.speed * Double(min(stepSeconds, 60)) / 400_000
        vehicle.latitude = rounded(vehicle.latitude + degrees * random.number(-1...1), 1e6)
        vehicle.longitude = rounded(vehicle.longitude + degrees * random.number(0...1), 1e6)
        if random.chance(1) { vehicle.latitude += random.pick([-1, 1]) }
        vehicle.mileage = rounded(vehicle.mileage + vehicle.speed * Double(stepSeconds) / 3_600, 1e3)
        vehicle.fuel = random.chance(2) ? 100 : rounded(max(1, vehicle.fuel - vehicle.speed / 1_000), 1e2)
        if random.chance(8) { vehicle.code = random.pick(["north", "south", "Depot A", "depot b", "x"]) }
    }

    private func rounded(_ number: Double, _ scale: Double) -> Double { (number * scale).rounded() / scale }

    private mutating func message(_ vehicle: Vehicle, _ time: Int64) -> RefMessage {
        var values: [String: RefValue] = [:]
        if random.chance(93) { values["engine.ignition.status"] = .boolean(vehicle.ignition) }
        if random.chance(94) { values["position.speed"] = random.chance(4) ? .null : .number(vehicle.speed) }
        if random.chance(85) { values["vehicle.mileage"] = .number(vehicle.mileage) }
        if random.chance(80) { values["fuel.level"] = random.chance(5) ? .null : .number(vehicle.fuel) }
        if random.chance(80) { values["din"] = .number(Double(random.integer(0...31))) }
        if random.chance(90) { values["custom.code"] = .string(vehicle.code) }
        if random.chance(60) { values["driver.id"] = random.chance(10) ? .null : .string("d\(random.integer(1...3))") }
        if random.chance(60) { values["custom.numeric"] = numericText() }
        if random.chance(20) {
            values["ble.beacons"] = .json(#"[{"id":"b\#(random.integer(1...3))","rssi":-\#(random.integer(40...99))}]"#)
        }
        if random.chance(15) { values["can.dtc"] = .json(random.pick([#"["P0101"]"#, #"["P0101","P0420"]"#, "[]"])) }
        for (name, value) in position(vehicle) { values[name] = value }
        return RefMessage(
            timestampMicroseconds: time, acceptanceMicroseconds: time + delayMicroseconds(), values: values)
    }

    private mutating func numericText() -> RefValue {
        random.pick([.string("7"), .string("12.5"), .string("-3"), .string("0"), .number(7), .number(0.25)])
    }

    /// Mostly whole and valid; sometimes none, half of one, null or marked invalid.
    private mutating func position(_ vehicle: Vehicle) -> [String: RefValue] {
        switch random.integer(0...99) {
        case 0..<6: return [:]
        case 6..<8: return ["position.latitude": .number(vehicle.latitude)]
        case 8..<10: return ["position.latitude": .null, "position.longitude": .number(vehicle.longitude)]
        default: break
        }
        var values: [String: RefValue] = [
            "position.latitude": .number(vehicle.latitude), "position.longitude": .number(vehicle.longitude),
        ]
        if random.chance(70) { values["position.valid"] = .boolean(!random.chance(8)) }
        return values
    }

    /// From taking the message at once to taking it many steps late.
    private mutating func delayMicroseconds() -> Int64 {
        if random.chance(6) { return Int64(stepSeconds * random.integer(10...200)) * 1_000_000 }
        return Int64(random.integer(0...2_500_000))
    }
}
