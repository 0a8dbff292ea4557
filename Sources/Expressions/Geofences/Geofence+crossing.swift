extension Geofence {
    /// Whether the straight leg between two positions touches it; neither end needs to lie in it.
    ///
    /// Straight means on a plane of degrees, the short way around the globe.
    public func isCrossed(from: GeoPoint, to: GeoPoint) -> Bool {
        guard from.isPossible, to.isPossible else { return false }
        return isCrossed(by: GeoLeg(from, to))
    }

    func isCrossed(by leg: GeoLeg) -> Bool {
        let box = box
        let turns = Self.turns.filter { box.shifted(by: $0).intersects(leg.bounds) }
        guard !turns.isEmpty else { return false }
        if contains(leg.start) || contains(leg.end.wrapped) { return true }
        switch shape {
        case .circle(let center, let radius):
            return turns.contains { Self.comesNear(leg, to: center.shifted(by: $0), radius) }
        case .polygon(let path):
            return turns.contains { turn in
                guard var start = path.last?.shifted(by: turn) else { return false }
                return path.contains { corner in
                    defer { start = corner.shifted(by: turn) }
                    return leg.meets(start, corner.shifted(by: turn))
                }
            }
        case .corridor(let path, let width) where max(abs(box.south), abs(box.north)) > Self.flatLatitudeMax:
            return turns.contains { turn in
                leg.least { Self.squaredKilometres(from: leg.place($0).shifted(by: -turn), path) } <= width * width / 4
            }
        case .corridor(let path, let width):
            return zip(path, path.dropFirst()).contains { start, end in
                turns.contains { Self.comesNear(leg, start.shifted(by: $0), end.shifted(by: $0), width / 2) }
            }
        }
    }

    /// Whether a leg comes within some kilometres of a place.
    ///
    /// The nearest place of the leg is looked for on a plane that touches the globe at the centre, then on one at half
    /// the way to what was found: there the sphere is flat enough. What counts is the true distance of that place. Of
    /// circles so large that they are no circles on a plane every sixty-fourth of the leg is looked at.
    private static func comesNear(_ leg: GeoLeg, to center: GeoPoint, _ kilometres: Double) -> Bool {
        func distance(_ share: Double) -> Double {
            let place = leg.place(share)
            return Geodesy.distance(center.latitude, center.longitude, place.latitude, place.longitude)
        }
        guard abs(center.latitude) + kilometres / TangentPlane.degree < flatLatitudeMax, kilometres < flatRadiusMax
        else { return leg.least(distance) <= kilometres }
        var plane = TangentPlane(at: center)
        var share = plane.shareNearestToOrigin(plane[leg.start], plane[leg.end])
        let middle = center.along(0.5, to: leg.place(share))
        plane = TangentPlane(at: GeoPoint(latitude: middle.latitude, longitude: center.longitude))
        share = leg.shareNearest(to: center, on: plane)
        return distance(share) <= kilometres
    }

    /// Where circles are no circles on a plane any more, in kilometres and in degrees of their border.
    private static let flatRadiusMax = 100.0
    private static let flatLatitudeMax = 80.0

    /// Whether a leg comes within some kilometres of a side.
    ///
    /// As `contains` measures on a plane at the position, the plane is moved to the nearest place that was found.
    private static func comesNear(
        _ leg: GeoLeg, _ start: GeoPoint, _ end: GeoPoint, _ kilometres: Double
    ) -> Bool {
        var place = leg.place(0.5)
        for _ in 0..<3 {
            let plane = TangentPlane(at: place)
            place = leg.place(
                plane.shareNearest(of: (plane[leg.start], plane[leg.end]), to: (plane[start], plane[end])))
        }
        return isNear(place, [start, end], kilometres)
    }
}

/// The straight way between two neighbouring positions, on a plane of degrees.
struct GeoLeg {
    var start: GeoPoint
    /// Its longitude lies beyond ±180 where the leg crosses the antimeridian.
    var end: GeoPoint
    private let box: GeoBox

    init(_ from: GeoPoint, _ to: GeoPoint) {
        start = from
        end = to
        if to.longitude - from.longitude > 180 { end.longitude -= 360 }
        if to.longitude - from.longitude < -180 { end.longitude += 360 }
        box = GeoBox([start, end])
    }

    var bounds: GeoBox { box }

    func place(_ share: Double) -> GeoPoint { start.along(share, to: end) }

    /// The share of the leg that is nearest to a place, on a plane at any latitude.
    func shareNearest(to place: GeoPoint, on plane: TangentPlane) -> Double {
        let center = plane[place]
        let first = plane[start]
        let last = plane[end]
        return plane.shareNearestToOrigin(
            TangentPlane.Point(x: first.x - center.x, y: first.y - center.y),
            TangentPlane.Point(x: last.x - center.x, y: last.y - center.y))
    }

    /// The least value of a function of the share, by samples and then by narrowing down around the best of them.
    func least(_ value: (Double) -> Double) -> Double {
        let steps = 64
        let samples = (0...steps).map { (share: Double($0) / Double(steps), value: value(Double($0) / Double(steps))) }
        guard let best = samples.min(by: { $0.value < $1.value }) else { return .infinity }
        var low = max(0, best.share - 1 / Double(steps))
        var high = min(1, best.share + 1 / Double(steps))
        for _ in 0..<40 {
            let third = (high - low) / 3
            if value(low + third) <= value(high - third) { high -= third } else { low += third }
        }
        return min(best.value, value((low + high) / 2))
    }

    /// Whether it touches or crosses the side between two corners.
    func meets(_ first: GeoPoint, _ second: GeoPoint) -> Bool {
        guard box.intersects(GeoBox([first, second])) else { return false }
        let a = Self.turn(start, end, first)
        let b = Self.turn(start, end, second)
        let c = Self.turn(first, second, start)
        let d = Self.turn(first, second, end)
        return a * b <= 0 && c * d <= 0
    }

    /// -1, 0 or 1: on which side of a line a place lies.
    private static func turn(_ from: GeoPoint, _ to: GeoPoint, _ place: GeoPoint) -> Double {
        let area =
            (to.longitude - from.longitude) * (place.latitude - from.latitude)
            - (to.latitude - from.latitude) * (place.longitude - from.longitude)
        return area > 0 ? 1 : area < 0 ? -1 : 0
    }
}

extension GeoPoint {
    /// The same place with a longitude within ±180.
    var wrapped: GeoPoint {
        shifted(by: longitude > 180 ? -360 : longitude < -180 ? 360 : 0)
    }
}

extension TangentPlane {
    /// The share of the first segment at which it is nearest to the second one.
    func shareNearest(of first: (start: Point, end: Point), to second: (start: Point, end: Point)) -> Double {
        let x = first.end.x - first.start.x
        let y = first.end.y - first.start.y
        let u = second.end.x - second.start.x
        let v = second.end.y - second.start.y
        let area = x * v - y * u
        if area != 0 {
            let dx = second.start.x - first.start.x
            let dy = second.start.y - first.start.y
            let share = (dx * v - dy * u) / area
            let other = (dx * y - dy * x) / area
            if (0...1).contains(share), (0...1).contains(other) { return share }
        }
        // They do not meet, so an end of one of them is nearest.
        let shares = [0, 1, share(of: first, nearest: second.start), share(of: first, nearest: second.end)]
        let distances = shares.map { share in
            let place = Point(x: first.start.x + share * x, y: first.start.y + share * y)
            return squaredDistance(
                ofOriginTo: Point(x: second.start.x - place.x, y: second.start.y - place.y),
                Point(x: second.end.x - place.x, y: second.end.y - place.y))
        }
        return zip(distances, shares).min { $0.0 < $1.0 }?.1 ?? 0
    }

    private func share(of segment: (start: Point, end: Point), nearest place: Point) -> Double {
        shareNearestToOrigin(
            Point(x: segment.start.x - place.x, y: segment.start.y - place.y),
            Point(x: segment.end.x - place.x, y: segment.end.y - place.y))
    }
}
