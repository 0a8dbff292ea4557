/// One made-up trip: a staircase of streets between two places, with lights, idling and a driver's habits.
struct TripPlan: Sendable {
    /// The second since 1970 at which the ignition goes on, and the whole seconds until it goes off.
    let begin: Int64
    let seconds: Int64
    /// Where it starts and how long it is, in metres.
    let east: Double
    let north: Double
    let length: Double
    /// The odometer at the begin, in kilometres.
    let odometer: Double
    /// Seconds of idling before the first movement.
    let warmUp: Double
    let legs: [TripLeg]
    /// Seconds after the begin at which the driver brakes hard.
    let harshMoments: [Double]
    /// Seconds after the begin that no message covers, or whose messages come later.
    let gap: Range<Int64>?
    let buffered: Buffered?

    struct Buffered: Sendable {
        var seconds: Range<Int64>
        /// When they come, in seconds since 1970.
        var release: Int64
    }

    struct Place {
        var east: Double
        var north: Double
    }

    /// The grid of streets is turned by this angle: its cosine and sine.
    private static let grid = (cosine: 0.945_518_575_599_316_8, sine: 0.325_568_154_457_156_7)

    /// The length of the way between two places on the grid.
    static func length(_ from: Place, _ to: Place) -> Double {
        let (along, across) = gridVector(from, to)
        return abs(along) + abs(across)
    }

    private static func gridVector(_ from: Place, _ to: Place) -> (along: Double, across: Double) {
        let (east, north) = (to.east - from.east, to.north - from.north)
        return (east * grid.cosine + north * grid.sine, north * grid.cosine - east * grid.sine)
    }

    init(
        from: Place, to: Place, begin: Int64, odometer: Double, profile: VehicleProfile, random: inout SplitMix64
    ) {
        self.begin = begin
        self.odometer = odometer
        east = from.east
        north = from.north
        length = Self.length(from, to)
        warmUp = random.happens(0.08) ? random.number(300, 700) : random.number(15, 70)
        let streets = Self.streets(from, to, &random)
        var legs: [TripLeg] = []
        var harshMoments: [Double] = []
        for index in streets.indices {
            let (wish, isHarsh) = Self.wish(streets, index, profile, &random)
            let leg = TripLeg(wish, after: legs.last)
            if isHarsh { harshMoments.append(warmUp + leg.begin + leg.drivingTime) }
            legs.append(leg)
        }
        self.legs = legs
        self.harshMoments = harshMoments
        seconds = Int64((warmUp + (legs.last?.end ?? 0) + random.number(8, 40)).rounded(.up))
        gap = random.happens(0.03) ? Self.stretch(seconds, 120...360, &random) : nil
        let late = random.happens(0.02) ? Self.stretch(seconds, 180...600, &random) : nil
        let delay = Int64(random.integer(0...900))
        buffered = late.map { Buffered(seconds: $0, release: begin + $0.upperBound + delay) }
    }

    /// Where the vehicle is some seconds after the begin.
    func state(at second: Double) -> TripState {
        let driven = second - warmUp
        var low = 0
        var high = legs.count
        while low + 1 < high {
            let middle = (low + high) / 2
            if legs[middle].begin <= driven { low = middle } else { high = middle }
        }
        guard low < legs.count else { return TripState(east: east, north: north) }
        let leg = legs[low]
        let (distance, speed) = driven <= 0 ? (0, 0) : leg.state(at: driven)
        return TripState(
            east: east + leg.eastBefore + leg.east * distance, north: north + leg.northBefore + leg.north * distance,
            distance: leg.distanceBefore + distance, speed: speed, eastward: leg.east, northward: leg.north)
    }
}

/// Where a vehicle on a trip is.
struct TripState {
    var east: Double
    var north: Double
    var distance = 0.0
    var speed = 0.0
    var eastward = 0.0
    var northward = 1.0
}

extension TripPlan {
    private struct Street {
        var length: Double
        var east: Double
        var north: Double
    }

    /// Pieces along and across the grid by turns.
    private static func streets(_ from: Place, _ to: Place, _ random: inout SplitMix64) -> [Street] {
        let (along, across) = gridVector(from, to)
        let turns = max(1, ((abs(along) + abs(across)) / random.number(3_000, 4_500)).rounded())
        var first = pieces(along, count: Int(min(turns, max(1, abs(along) / 300))), &random)[...]
        var second = pieces(across, count: Int(min(turns, max(1, abs(across) / 300))), &random)[...]
        var streets: [Street] = []
        var isAlong = random.happens(0.5)
        while !first.isEmpty || !second.isEmpty {
            if let length = isAlong ? first.popFirst() : second.popFirst() {
                let sign = length < 0 ? -1.0 : 1.0
                streets.append(
                    isAlong
                        ? Street(length: abs(length), east: sign * grid.cosine, north: sign * grid.sine)
                        : Street(length: abs(length), east: -sign * grid.sine, north: sign * grid.cosine))
            }
            isAlong.toggle()
        }
        return streets
    }

    private static func pieces(_ total: Double, count: Int, _ random: inout SplitMix64) -> [Double] {
        let weights = (0..<count).map { _ in random.number(0.5, 1.5) }
        let sum = weights.reduce(0, +)
        return weights.map { total * $0 / sum }
    }

    private static func wish(
        _ streets: [Street], _ index: Int, _ profile: VehicleProfile, _ random: inout SplitMix64
    ) -> (TripLeg.Wish, isHarsh: Bool) {
        let street = streets[index]
        let isLast = index == streets.count - 1
        let stops = isLast || random.happens(0.35)
        let isTurn = !isLast && (streets[index + 1].east != street.east || streets[index + 1].north != street.north)
        let cruise = cruise(street.length, &random)
        let isHarsh = stops && street.length > 400 && random.happens(profile.harshness)
        let wish = TripLeg.Wish(
            length: street.length, east: street.east, north: street.north, cruise: cruise,
            exitSpeed: stops ? 0 : isTurn ? random.number(6, 9) : cruise * 0.9,
            acceleration: random.number(0.9, 1.7),
            deceleration: isHarsh ? random.number(4, 5.5) : random.number(1.2, 2.2),
            wait: stops && !isLast ? random.number(8, 55) : 0)
        return (wish, isHarsh)
    }

    /// The longer the street, the faster; now and then too fast.
    private static func cruise(_ length: Double, _ random: inout SplitMix64) -> Double {
        let speed =
            switch length {
            case ..<900: random.number(36, 52)
            case ..<2_000: random.number(48, 70)
            default: random.happens(0.06) ? random.number(104, 118) : random.number(65, 96)
            }
        return speed / 3.6
    }

    /// A stretch of a trip, if the trip is long enough to have one.
    private static func stretch(
        _ seconds: Int64, _ range: ClosedRange<Int>, _ random: inout SplitMix64
    ) -> Range<Int64>? {
        let length = Int64(random.integer(range))
        guard seconds > length + 240 else { return nil }
        let start = 120 + Int64(random.integer(0...Int(seconds - length - 240)))
        return start..<start + length
    }
}
