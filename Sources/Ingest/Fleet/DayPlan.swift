import Glibc

/// What a made-up vehicle does on one local day: from home to home, with stops between the trips.
struct DayPlan: Sendable {
    /// Days since 1970, local.
    let day: Int
    let odometer: Double
    let trips: [TripPlan]

    init(day: Int, profile: VehicleProfile, region: FleetRegion) {
        self.day = day
        odometer = profile.odometer(beforeDay: day)
        let kilometers = profile.odometer(beforeDay: day + 1) - odometer
        guard kilometers > 0, profile.isWorkday(day) else {
            trips = []
            return
        }
        var random = SplitMix64(profile.seed, 3, UInt64(bitPattern: Int64(day)))
        let places = Self.places(meters: kilometers * 1000, profile, &random)
        let midnight = Int64(day) * 86_400 - Int64(region.secondsEastOfUTC)
        var moment = midnight + Int64(profile.startSecond + random.number(-1_200, 1_800))
        var reading = odometer
        var trips: [TripPlan] = []
        for (from, to) in zip(places, places.dropFirst()) {
            let trip = TripPlan(
                from: from, to: to, begin: moment, odometer: reading, profile: profile, random: &random)
            reading += trip.length / 1000
            moment += trip.seconds + Int64(random.number(480, 4_200))
            trips.append(trip)
        }
        self.trips = trips
    }

    /// The corners of a round, home first and last, so large that the way along the streets is as long as asked.
    private static func places(
        meters: Double, _ profile: VehicleProfile, _ random: inout SplitMix64
    ) -> [TripPlan.Place] {
        let count = Int(min(8, max(2, (meters / 1000 / profile.tripKilometers).rounded())))
        let heading = random.number(0, 2 * .pi)
        let turn = random.happens(0.5) ? 1.0 : -1.0
        let step = turn * 2 * .pi / Double(count)
        var places = (0..<count).map { index in
            let jitter = index == 0 ? 0 : random.number(-0.25, 0.25)
            let angle = heading + step * (Double(index) + jitter)
            return TripPlan.Place(east: cos(angle) - cos(heading), north: sin(angle) - sin(heading))
        }
        places.append(places[0])
        let length = zip(places, places.dropFirst()).reduce(0) { $0 + TripPlan.length($1.0, $1.1) }
        let scale = meters / length
        return places.map { TripPlan.Place(east: $0.east * scale, north: $0.north * scale) }
    }
}
