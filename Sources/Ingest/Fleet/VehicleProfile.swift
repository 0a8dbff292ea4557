import Glibc
import Telemetry

/// What a made-up vehicle is like; follows from the fleet's seed and its index alone.
struct VehicleProfile: Sendable {
    /// The day on which every vehicle's history begins: 2020-01-01. Before it they stand at home.
    static let firstDay = 18_262
    /// A refuel brings back so much of the tank.
    static let refuelShare = 0.7
    static let fullShare = 0.95

    let seed: UInt64
    let homeLatitude: Double
    let homeLongitude: Double
    let worksOnSaturday: Bool
    let tripKilometers: Double
    /// Kilometres of an average working day.
    let dayKilometers: Double
    let odometerAtFirst: Double
    let tankLiters: Double
    let litersPerKilometer: Double
    let startSecond: Double
    /// Drivers who brake late.
    let harshness: Double
    /// Where in the five minutes the parked vehicle reports.
    let parkedPhase: Int64

    init(seed fleetSeed: UInt64, index: Int, region: FleetRegion) {
        var random = SplitMix64(fleetSeed, 1, UInt64(index))
        seed = random.next()
        let distance = FleetRegion.radius * random.fraction().squareRoot()
        let angle = random.number(0, 2 * .pi)
        homeLatitude = region.latitude + distance * sin(angle) / FleetRegion.metersPerDegree
        homeLongitude =
            region.longitude + distance * cos(angle)
            / (FleetRegion.metersPerDegree * cos(region.latitude * .pi / 180))
        worksOnSaturday = random.happens(0.4)
        tripKilometers = random.number(8, 14)
        dayKilometers = tripKilometers * random.number(3, 5.5)
        odometerAtFirst = random.number(500, 60_000)
        tankLiters = random.number(45, 90).rounded()
        litersPerKilometer = random.number(0.06, 0.13)
        startSecond = random.number(6, 8.5) * 3600
        harshness = random.number(0.02, 0.1)
        parkedPhase = Int64(random.integer(0...299))
    }

    /// Whether a vehicle drives on a day, given as days since 1970.
    func isWorkday(_ day: Int) -> Bool { workdays(before: day + 1) > workdays(before: day) }

    /// How many working days lie between the first day and this one: a formula, so that any day is reached at once.
    func workdays(before day: Int) -> Int {
        guard day > Self.firstDay else { return 0 }
        // 1970-01-05 was a Monday.
        func count(_ day: Int) -> Int {
            let (weeks, weekday) = (day - 4).quotientAndRemainder(dividingBy: 7)
            let length = worksOnSaturday ? 6 : 5
            return weeks * length + min(weekday, length)
        }
        return count(day) - count(Self.firstDay)
    }

    /// The odometer at the begin of a day: every working day brings the average, give or take.
    func odometer(beforeDay day: Int) -> Double {
        let count = workdays(before: day)
        var random = SplitMix64(seed, 2, UInt64(count))
        return odometerAtFirst + (Double(count) + random.number(-0.22, 0.22)) * dayKilometers
    }

    /// Litres in the tank at an odometer reading, if the last chance to refuel was at an earlier one.
    ///
    /// The driver refuels at the first stop after each `refuelShare` of the tank.
    func fuelLiters(odometer: Double, atLastStop stop: Double) -> Double {
        let portion = tankLiters * Self.refuelShare
        let refueled = (stop * litersPerKilometer / portion).rounded(.down) * portion
        return max(0, tankLiters * Self.fullShare - (odometer * litersPerKilometer - refueled))
    }
}
