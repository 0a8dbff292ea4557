extension Geofence {
    /// Whether a position lies in it; the border of a circle and of a corridor belongs to it.
    public func contains(latitude: Double, longitude: Double) -> Bool {
        contains(GeoPoint(latitude: latitude, longitude: longitude))
    }

    func contains(_ position: GeoPoint) -> Bool {
        guard position.isPossible else { return false }
        switch shape {
        case .circle(let center, let radius):
            return Geodesy.distance(center.latitude, center.longitude, position.latitude, position.longitude) <= radius
        case .polygon(let path):
            return isHeld(position) { Self.isInside($0, path) }
        case .corridor(let path, let width):
            return isHeld(position) { Self.isNear($0, path, width / 2) }
        }
    }

    /// A path may go on beyond the antimeridian: then a position is also looked for a turn to the east or to the west.
    private func isHeld(_ position: GeoPoint, _ holds: (GeoPoint) -> Bool) -> Bool {
        if holds(position) { return true }
        let box = box
        return (box.east > 180 && holds(position.shifted(by: 360)))
            || (box.west < -180 && holds(position.shifted(by: -360)))
    }

    /// Whether a ray to the east crosses the sides of a ring an odd number of times.
    static func isInside(_ position: GeoPoint, _ path: [GeoPoint]) -> Bool {
        guard var start = path.last else { return false }
        var isInside = false
        for end in path {
            if (start.latitude > position.latitude) != (end.latitude > position.latitude) {
                let share = (position.latitude - start.latitude) / (end.latitude - start.latitude)
                let crossing = start.longitude + share * (end.longitude - start.longitude)
                if position.longitude < crossing { isInside.toggle() }
            }
            start = end
        }
        return isInside
    }

    /// The square of the distance to the nearest side of a path.
    static func squaredKilometres(from position: GeoPoint, _ path: [GeoPoint]) -> Double {
        let plane = TangentPlane(at: position)
        return zip(path, path.dropFirst()).reduce(.infinity) { least, side in
            min(least, plane.squaredDistance(ofOriginTo: plane[side.0], plane[side.1]))
        }
    }

    /// Whether a path comes within some kilometres of a position.
    static func isNear(_ position: GeoPoint, _ path: [GeoPoint], _ kilometres: Double) -> Bool {
        let plane = TangentPlane(at: position)
        let limit = kilometres * kilometres
        return zip(path, path.dropFirst()).contains { start, end in
            plane.squaredDistance(ofOriginTo: plane[start], plane[end]) <= limit
        }
    }
}

/// A plane in kilometres that touches the globe at a place.
struct TangentPlane {
    struct Point {
        var x: Double
        var y: Double
    }

    /// The kilometres of a degree of latitude.
    static let degree = Geodesy.earthRadius * (Double.pi / 180)

    private let origin: GeoPoint
    private let eastward: Double

    init(at origin: GeoPoint) {
        self.origin = origin
        eastward = Self.degree * Geodesy.cosine(origin.latitude * (Double.pi / 180))
    }

    subscript(place: GeoPoint) -> Point {
        Point(
            x: (place.longitude - origin.longitude) * eastward, y: (place.latitude - origin.latitude) * Self.degree)
    }

    /// How far along a leg its nearest place to the origin lies: 0 at the start, 1 at the end.
    func shareNearestToOrigin(_ start: Point, _ end: Point) -> Double {
        let x = end.x - start.x
        let y = end.y - start.y
        let square = x * x + y * y
        return square > 0 ? max(0, min(1, -(start.x * x + start.y * y) / square)) : 0
    }

    func squaredDistance(ofOriginTo start: Point, _ end: Point) -> Double {
        let share = shareNearestToOrigin(start, end)
        let x = start.x + share * (end.x - start.x)
        let y = start.y + share * (end.y - start.y)
        return x * x + y * y
    }
}
