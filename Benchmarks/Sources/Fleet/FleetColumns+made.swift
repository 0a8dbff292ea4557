import Glibc

extension FleetColumns {
    /// 1 October 2026: a server keeps apart what is ahead of its clock, so a fleet ends by the end of that month.
    private static let monthStart: Int64 = 1_790_812_800

    /// A made-up fleet: a message every 10 s under way, every 5 minutes parked. The same arguments give the same fleet.
    public init(devices: Int, days: Int, seed: UInt64 = 1, from start: Int64? = nil) {
        let start = start ?? Self.monthStart - Int64(max(0, days - 30)) * 86_400
        var maker = FleetMaker()
        for device in 0..<devices {
            maker.add(device: device, days: days, seed: seed, from: start)
        }
        self.init(offsets: maker.offsets, seconds: maker.seconds, arrivals: maker.arrivals, values: maker.values)
    }
}

/// Makes messages device by device.
private struct FleetMaker {
    var offsets = [0]
    var seconds: [Int64] = []
    var arrivals: [Int64] = []
    var values = [[Double]](repeating: [], count: FleetColumns.parameters.count)

    private var chance = Chance(seed: 0)
    private var latitude = 0.0
    private var longitude = 0.0
    private var heading = 0.0
    private var odometer = 0.0
    private var fuel = 0.0
    private var altitude = 1_660.0

    mutating func add(device: Int, days: Int, seed: UInt64, from start: Int64) {
        chance = Chance(seed: seed &* 1_000_003 &+ UInt64(device))
        latitude = -1.286 + uniform(-0.3, 0.3)
        longitude = 36.817 + uniform(-0.3, 0.3)
        odometer = uniform(5_000, 200_000)
        fuel = uniform(20, 60)
        var moment = start + Int64(uniform(0, 300))
        for day in 0..<days {
            let midnight = start + Int64(day) * 86_400
            var next = midnight + Int64(uniform(3, 7) * 3_600)
            for _ in 0..<Int(uniform(3, 11)) where next < midnight + 80_000 {
                park(from: &moment, until: next)
                drive(from: &moment, seconds: Int64(uniform(240, 4_000)))
                next = moment + Int64(uniform(200, 9_000))
            }
        }
        park(from: &moment, until: start + Int64(days) * 86_400)
        offsets.append(seconds.count)
    }

    private mutating func park(from moment: inout Int64, until end: Int64) {
        while moment < end {
            message(moment, speed: 0, isOn: false)
            moment += 300
        }
    }

    private mutating func drive(from moment: inout Int64, seconds: Int64) {
        let end = moment + seconds
        let target = uniform(18, 75)
        var speed = 0.0
        while moment < end {
            message(moment, speed: speed.rounded(), isOn: true)
            let step = 10 + Int64(uniform(-1, 2))
            advance(speed, Double(step))
            let isStop = uniform(0, 1) < 0.08 || moment + 30 > end
            speed = isStop ? 0 : max(0, min(140, 0.6 * speed + 0.4 * target + uniform(-12, 12)))
            moment += step
        }
        message(moment, speed: 0, isOn: false)
        moment += 30
    }

    private mutating func advance(_ speed: Double, _ seconds: Double) {
        let kilometres = speed / 3_600 * seconds
        heading += uniform(-12, 12) + (uniform(0, 1) < 0.04 ? 90 : 0)
        latitude += kilometres / 111.195 * cos(heading * .pi / 180)
        longitude += kilometres / 111.195 * sin(heading * .pi / 180)
        odometer += kilometres
        fuel -= kilometres * 0.095
        if fuel < 8 { fuel = 58 }
        altitude += uniform(-3, 3)
    }

    private mutating func message(_ moment: Int64, speed: Double, isOn: Bool) {
        seconds.append(moment)
        arrivals.append(moment + Int64(uniform(1, 4)))
        let cells = [
            latitude + uniform(-1, 1) * 1.5e-5, longitude + uniform(-1, 1) * 1.5e-5, altitude,
            heading - 360 * (heading / 360).rounded(.down), speed, uniform(6, 19).rounded(.down), uniform(0.6, 1.9), 1,
            isOn ? 1 : 0, odometer, fuel + uniform(-0.15, 0.15), (isOn ? 13.9 : 12.6) + uniform(-0.1, 0.1),
            uniform(40, 100), isOn ? 820 + speed * 24 + uniform(-40, 40) : 0, isOn ? 88 + uniform(-2, 2) : 40,
        ]
        for (index, cell) in cells.enumerated() {
            let power = pow(10, Double(FleetColumns.parameters[index].decimals))
            values[index].append((cell * power).rounded() / power)
        }
    }

    private mutating func uniform(_ low: Double, _ high: Double) -> Double {
        chance.uniform(low, high)
    }
}
