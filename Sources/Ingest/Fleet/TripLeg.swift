/// A straight piece of a trip: speed up, cruise, slow down, and perhaps wait at its end.
///
/// Metres and seconds; speeds in metres per second.
struct TripLeg: Sendable {
    let length: Double
    /// The direction of travel, as a unit vector east and north.
    let east: Double
    let north: Double
    let entrySpeed: Double
    let exitSpeed: Double
    let peakSpeed: Double
    let acceleration: Double
    let deceleration: Double
    /// Seconds of standing at the end.
    let wait: Double
    /// From the trip's begin.
    let begin: Double
    let distanceBefore: Double
    let eastBefore: Double
    let northBefore: Double

    private let speedUpTime: Double
    private let cruiseTime: Double
    private let slowDownTime: Double

    struct Wish {
        var length: Double
        var east: Double
        var north: Double
        var cruise: Double
        var exitSpeed: Double
        var acceleration: Double
        var deceleration: Double
        var wait: Double
    }

    /// A leg that follows another, as near to what is wished as physics allows.
    init(_ wish: Wish, after last: TripLeg?) {
        length = wish.length
        east = wish.east
        north = wish.north
        wait = wish.wait
        acceleration = wish.acceleration
        entrySpeed = last?.exitSpeed ?? 0
        exitSpeed = min(wish.exitSpeed, (entrySpeed * entrySpeed + 1.9 * acceleration * length).squareRoot())
        let needed = (entrySpeed * entrySpeed - exitSpeed * exitSpeed) / (2 * max(length, 0.1))
        deceleration = max(wish.deceleration, needed * 1.01)
        // The speed at which speeding up and slowing down use the length between them.
        let reachable =
            (2 * acceleration * deceleration * length + deceleration * entrySpeed * entrySpeed
                + acceleration * exitSpeed * exitSpeed) / (acceleration + deceleration)
        peakSpeed = max(min(wish.cruise, max(0, reachable).squareRoot()), entrySpeed, exitSpeed)
        speedUpTime = (peakSpeed - entrySpeed) / acceleration
        slowDownTime = (peakSpeed - exitSpeed) / deceleration
        let used = speedUpTime * (peakSpeed + entrySpeed) / 2 + slowDownTime * (peakSpeed + exitSpeed) / 2
        cruiseTime = peakSpeed > 0 ? max(0, length - used) / peakSpeed : 0
        begin = last?.end ?? 0
        distanceBefore = last.map { $0.distanceBefore + $0.length } ?? 0
        eastBefore = last.map { $0.eastBefore + $0.east * $0.length } ?? 0
        northBefore = last.map { $0.northBefore + $0.north * $0.length } ?? 0
    }

    var drivingTime: Double { speedUpTime + cruiseTime + slowDownTime }
    var end: Double { begin + drivingTime + wait }

    /// How far into the leg, and how fast, some seconds after the trip's begin.
    func state(at second: Double) -> (distance: Double, speed: Double) {
        let time = second - begin
        if time <= speedUpTime {
            return (entrySpeed * time + acceleration * time * time / 2, entrySpeed + acceleration * time)
        }
        let sped = speedUpTime * (peakSpeed + entrySpeed) / 2
        if time <= speedUpTime + cruiseTime { return (sped + (time - speedUpTime) * peakSpeed, peakSpeed) }
        guard time < drivingTime else { return (length, wait > 0 ? 0 : exitSpeed) }
        let rest = drivingTime - time
        return (length - exitSpeed * rest - deceleration * rest * rest / 2, exitSpeed + deceleration * rest)
    }
}
