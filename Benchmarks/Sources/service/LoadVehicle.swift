import Fleet
import Glibc

/// A vehicle that makes a message a second: it drives for a while, then stands for a while.
struct LoadVehicle {
    private let device: Int
    private var chance: Chance
    private var latitude, longitude, heading, speed, target, mileage, fuel: Double
    private var isDriving = false
    private var secondsLeft = 0

    init(device: Int) {
        self.device = device
        chance = Chance(seed: UInt64(device) &+ 77)
        (latitude, longitude, heading) = (-1.286, 36.817, 0)
        (speed, target, mileage, fuel) = (0, 0, 0, 50)
        latitude += uniform(-0.3, 0.3)
        longitude += uniform(-0.3, 0.3)
        mileage = uniform(5_000, 200_000)
        isDriving = uniform(0, 1) < 0.7
        secondsLeft = Int(uniform(10, 900))
    }

    private mutating func uniform(_ low: Double, _ high: Double) -> Double {
        chance.uniform(low, high)
    }

    /// Goes on by a second and appends the message of that second, with 17 parameters.
    mutating func message(second: Int, to text: inout String) {
        advance()
        text += "{\"ident\":\"d\(device + 1)\",\"timestamp\":\(second),\"server.timestamp\":\(second + 1)"
        text += ",\"position.latitude\":\(latitude.text(7)),\"position.longitude\":\(longitude.text(7))"
        text += ",\"position.altitude\":1660,\"position.direction\":\(Int(heading))"
        text += ",\"position.speed\":\(Int(speed)),\"position.satellites\":\(Int(uniform(6, 19)))"
        text += ",\"position.hdop\":\(uniform(0.6, 1.9).text(1)),\"position.valid\":true"
        text += ",\"engine.ignition.status\":\(isDriving),\"vehicle.mileage\":\(mileage.text(3))"
        text += ",\"can.fuel.volume\":\(fuel.text(1)),\"external.powersource.voltage\":\(uniform(12.5, 14).text(2))"
        text += ",\"gsm.signal.level\":\(Int(uniform(40, 100))),\"can.engine.rpm\":\(Int(820 + speed * 24))"
        text += ",\"can.engine.coolant.temperature\":\(isDriving ? 88 : 40)}"
    }

    private mutating func advance() {
        if secondsLeft == 0 {
            isDriving.toggle()
            secondsLeft = Int(isDriving ? uniform(300, 1_800) : uniform(90, 600))
            target = uniform(18, 85)
        }
        secondsLeft -= 1
        guard isDriving else { return speed = 0 }
        speed = secondsLeft < 5 ? 0 : max(0, min(140, 0.9 * speed + 0.1 * target + uniform(-3, 3)))
        heading += uniform(-3, 3) + (uniform(0, 1) < 0.01 ? 90 : 0)
        heading -= 360 * (heading / 360).rounded(.down)
        let kilometres = speed / 3_600
        latitude += kilometres / 111.195 * cos(heading * .pi / 180)
        longitude += kilometres / 111.195 * sin(heading * .pi / 180)
        mileage += kilometres
        fuel = fuel < 8 ? 58 : fuel - kilometres * 0.095
    }
}
