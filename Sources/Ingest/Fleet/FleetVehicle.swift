import Glibc
import Telemetry

/// One vehicle of a made-up fleet: its messages over any stretch of time.
///
/// Every day follows from the seed alone, so a stretch is made without the days before it, and two stretches that
/// meet fit together: history up to now, and live messages from now on.
package struct FleetVehicle: Sendable {
    static let drivingSeconds: Int64 = 10
    static let parkedSeconds: Int64 = 300

    package let ident: String
    package let name: String
    private let profile: VehicleProfile
    private let region: FleetRegion
    /// The day made last: live stretches mostly stay in it.
    private var plan: DayPlan?

    init(ident: String, name: String, profile: VehicleProfile, region: FleetRegion) {
        self.ident = ident
        self.name = name
        self.profile = profile
        self.region = region
    }

    /// The messages that arrive from `lower` on and before `upper`, in the order of their arrival.
    package mutating func messages(in range: TimeRange) -> [SimulatedMessage] {
        let lower = (range.lower.microseconds + 999_999).floored(1_000_000)
        let upper = (range.upper.microseconds + 999_999).floored(1_000_000)
        guard lower < upper else { return [] }
        var result: [SimulatedMessage] = []
        for day in localDay(lower)...localDay(upper - 1) {
            let midnight = Int64(day) * 86_400 - Int64(region.secondsEastOfUTC)
            let plan = plan(day)
            append(plan, max(lower, midnight)..<min(upper, midnight + 86_400), to: &result)
        }
        return result
    }

    private func localDay(_ second: Int64) -> Int { Int((second + Int64(region.secondsEastOfUTC)).floored(86_400)) }

    private mutating func plan(_ day: Int) -> DayPlan {
        if let plan, plan.day == day { return plan }
        let made = DayPlan(day: day, profile: profile, region: region)
        plan = made
        return made
    }
}

extension FleetVehicle {
    /// Adds what arrives in a stretch of one day.
    private func append(_ plan: DayPlan, _ seconds: Range<Int64>, to result: inout [SimulatedMessage]) {
        let first = result.count
        var parkedFrom = Int64.min
        var hasLate = false
        for trip in plan.trips {
            appendParked(plan, before: trip, parkedFrom, seconds, to: &result)
            let end = trip.begin + trip.seconds
            appendDriving(trip, seconds.clamped(to: trip.begin..<end + 1), to: &result)
            if let buffered = trip.buffered, seconds.contains(buffered.release) {
                hasLate = true
                for second in ticks(trip, buffered.seconds) { appendLate(trip, second, buffered.release, &result) }
            }
            parkedFrom = end
        }
        appendParked(plan, before: nil, parkedFrom, seconds, to: &result)
        if hasLate {
            result[first...].sort { ($0.arrival, $0.timestamp) < ($1.arrival, $1.timestamp) }
        }
    }

    /// The seconds since the trip's begin at which it reports; its last second is one of them.
    private func ticks(_ trip: TripPlan, _ seconds: Range<Int64>) -> [Int64] {
        let step = Self.drivingSeconds
        let first = (seconds.lowerBound + step - 1) / step * step
        var ticks = Array(stride(from: first, to: min(seconds.upperBound, trip.seconds), by: Int(step)))
        if seconds.contains(trip.seconds) { ticks.append(trip.seconds) }
        return ticks
    }

    private func appendDriving(_ trip: TripPlan, _ seconds: Range<Int64>, to result: inout [SimulatedMessage]) {
        guard !seconds.isEmpty else { return }
        for second in ticks(trip, seconds.lowerBound - trip.begin..<seconds.upperBound - trip.begin) {
            if trip.gap?.contains(second) == true || trip.buffered?.seconds.contains(second) == true { continue }
            result.append(message(trip, second))
        }
    }

    private func appendLate(
        _ trip: TripPlan, _ second: Int64, _ release: Int64, _ result: inout [SimulatedMessage]
    ) {
        if trip.gap?.contains(second) == true { return }
        var late = message(trip, second)
        late.arrival = Timestamp(microseconds: release * 1_000_000)
        result.append(late)
    }

    private func appendParked(
        _ plan: DayPlan, before trip: TripPlan?, _ from: Int64, _ seconds: Range<Int64>,
        to result: inout [SimulatedMessage]
    ) {
        let lower = max(seconds.lowerBound, from == .min ? from : from + 1)
        let upper = min(seconds.upperBound, trip?.begin ?? .max)
        guard lower < upper else { return }
        let step = Self.parkedSeconds
        var second = (lower - profile.parkedPhase + step - 1).floored(step) * step + profile.parkedPhase
        while second < upper {
            result.append(parked(plan, since: from, second))
            second += step
        }
    }
}

extension FleetVehicle {
    private func parked(_ plan: DayPlan, since end: Int64, _ second: Int64) -> SimulatedMessage {
        let last = plan.trips.last { $0.begin + $0.seconds <= second }
        let state = last.map { $0.state(at: Double($0.seconds)) } ?? TripState(east: 0, north: 0)
        let odometer = last.map { $0.odometer + $0.length / 1000 } ?? plan.odometer
        var message = base(second, state)
        // The pump is reached some minutes after the engine has stopped.
        let hasRefueled = last == nil || second - end > 240
        let stop = hasRefueled ? odometer : last?.odometer ?? odometer
        setConsumables(&message, odometer: odometer, atLastStop: stop)
        var random = noise(second)
        message.satellites = Double(random.integer(6...13))
        message.hdop = random.number(0.8, 1.6).rounded(1)
        message.powerVoltage = random.number(12.45, 12.7).rounded(2)
        message.signalLevel = Double(random.integer(45...100))
        return message
    }

    private func message(_ trip: TripPlan, _ second: Int64) -> SimulatedMessage {
        let state = trip.state(at: Double(second))
        var random = noise(trip.begin + second)
        var moved = state
        if state.speed > 0 {
            moved.east += random.number(-1.5, 1.5)
            moved.north += random.number(-1.5, 1.5)
        }
        var message = base(trip.begin + second, moved)
        let odometer = trip.odometer + state.distance / 1000
        setConsumables(&message, odometer: odometer, atLastStop: trip.odometer)
        message.isIgnitionOn = second < trip.seconds
        message.isMoving = state.speed > 0
        message.speed = (state.speed * 3.6).rounded()
        message.satellites = Double(random.integer(7...15))
        message.hdop = random.number(0.6, 1.4).rounded(1)
        message.powerVoltage = (message.isIgnitionOn ? random.number(13.7, 14.4) : random.number(12.5, 12.8)).rounded(2)
        message.signalLevel = Double(random.integer(40...100))
        if message.isIgnitionOn { setEngine(&message, second, &random) }
        // The receiver sometimes takes a while to find its satellites.
        if second < 20, trip.begin % 7 == 0 {
            message.isPositionValid = false
            message.satellites = Double(random.integer(0...3))
            message.hdop = 9.9
        }
        let ticksBefore = Double(second - Self.drivingSeconds)..<Double(second)
        message.isHarshBraking = trip.harshMoments.contains { ticksBefore.contains($0) }
        return message
    }

    /// Time and place; the place without the noise of driving, as a tracker holds it where the vehicle stands.
    private func base(_ second: Int64, _ state: TripState) -> SimulatedMessage {
        var message = SimulatedMessage(timestamp: Timestamp(microseconds: second * 1_000_000))
        let degree = FleetRegion.metersPerDegree
        message.latitude = (profile.homeLatitude + state.north / degree).rounded(7)
        message.longitude =
            (profile.homeLongitude + state.east / (degree * cos(profile.homeLatitude * .pi / 180))).rounded(7)
        let relief = 40 * sin(state.east / 2_700) + 25 * sin(state.north / 3_900)
        message.altitude = (region.altitude + relief).rounded()
        let angle = atan2(state.eastward, state.northward) * 180 / .pi
        message.direction = (angle < 0 ? angle + 360 : angle).rounded().truncatingRemainder(dividingBy: 360)
        return message
    }

    private func setConsumables(_ message: inout SimulatedMessage, odometer: Double, atLastStop stop: Double) {
        let liters = profile.fuelLiters(odometer: odometer, atLastStop: stop)
        message.mileage = odometer.rounded(3)
        message.fuelVolume = liters.rounded(1)
        message.fuelLevel = (liters / profile.tankLiters * 100).rounded()
    }

    private func setEngine(_ message: inout SimulatedMessage, _ second: Int64, _ random: inout SplitMix64) {
        let gearSpeed = message.speed.truncatingRemainder(dividingBy: 28)
        let driving = 1_250 + gearSpeed * 45 + random.number(-80, 80)
        message.engineSpeed = (message.speed > 3 ? driving : random.number(740, 860)).rounded()
        message.coolantTemperature = (min(90, 32 + Double(second) * 0.12) + random.number(-1, 1)).rounded()
    }

    private func noise(_ second: Int64) -> SplitMix64 { SplitMix64(profile.seed, 4, UInt64(bitPattern: second)) }
}

extension Int64 {
    /// The quotient rounded down, whatever the sign.
    fileprivate func floored(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

extension Double {
    /// The number with so many decimals.
    fileprivate func rounded(_ decimals: Int) -> Double {
        let scale = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7][decimals]
        return (self * scale).rounded() / scale
    }
}
