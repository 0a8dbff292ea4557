extension Geofence {
    /// Those that the straight leg between two positions touches, the greatest priority first, equals as listed.
    static func crossed(from start: Position, to end: Position, in geofences: [Geofence]) -> [Geofence] {
        ranked(geofences.enumerated().filter { $0.element.isCrossed(from: start, to: end) })
    }

    /// Whether the leg, straight on the plane in degrees, touches the geofence.
    ///
    /// A leg touches a circle or a corridor where it comes as near to the center, or to a point of the path, as the
    /// border lies, on a plane that touches the globe there.
    func isCrossed(from start: Position, to end: Position) -> Bool {
        if contains(start) || contains(end) { return true }
        switch shape {
        case .circle(let center, let radius): return Self.kilometres(from: center, to: start, end) <= radius
        case .polygon(let path):
            guard let last = path.last else { return false }
            return zip([last] + path, path).contains { Self.meet($0, $1, start, end) }
        case .corridor(let path, let width):
            return zip(path, path.dropFirst()).contains { Self.meet($0, $1, start, end) }
                || path.contains { Self.kilometres(from: $0, to: start, end) <= width / 2 }
        }
    }

    /// Whether another reading of "straight" could touch it where ours does not, or the other way round.
    func isCrossingDoubtful(from start: Position, to end: Position) -> Bool {
        if contains(start) || contains(end) { return false }
        func isNear(_ place: Position, _ border: Double) -> Bool {
            let distance = Self.kilometres(from: place, to: start, end)
            return distance > border * 0.95 && distance < border * 1.05
        }
        switch shape {
        case .circle(let center, let radius): return isNear(center, radius)
        case .polygon: return false
        case .corridor(let path, let width): return path.contains { isNear($0, width / 2) }
        }
    }

    /// Whether two legs on the plane in degrees have a point in common.
    private static func meet(_ a: Position, _ b: Position, _ c: Position, _ d: Position) -> Bool {
        func side(_ p: Position, _ q: Position, _ r: Position) -> Double {
            let first = (q.longitude - p.longitude) * (r.latitude - p.latitude)
            let second = (q.latitude - p.latitude) * (r.longitude - p.longitude)
            return first - second
        }
        func isWithin(_ p: Position, _ q: Position, _ r: Position) -> Bool {
            min(p.longitude, q.longitude) <= r.longitude && r.longitude <= max(p.longitude, q.longitude)
                && min(p.latitude, q.latitude) <= r.latitude && r.latitude <= max(p.latitude, q.latitude)
        }
        let (ofC, ofD, ofA, ofB) = (side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b))
        if ofC * ofD < 0 && ofA * ofB < 0 { return true }
        return (ofC == 0 && isWithin(a, b, c)) || (ofD == 0 && isWithin(a, b, d))
            || (ofA == 0 && isWithin(c, d, a)) || (ofB == 0 && isWithin(c, d, b))
    }
}
