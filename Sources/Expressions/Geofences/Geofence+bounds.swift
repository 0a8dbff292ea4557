extension Geofence {
    /// Rectangles within ±180 degrees that hold every position it contains: two of them across the antimeridian.
    var bounds: [GeoBox] { Self.split(box) }

    /// One rectangle around it, which may go on beyond ±180.
    var box: GeoBox {
        switch shape {
        case .circle(let center, let radius): Self.box(center, radius)
        case .polygon(let path): GeoBox(path).widened(latitude: Self.margin, longitude: Self.margin)
        case .corridor(let path, let width): Self.box(path, width / 2)
        }
    }

    /// A longitude and the two that name the same meridian a turn to the east and to the west.
    static let turns: [Double] = [0, 360, -360]

    /// What is added for rounding, in degrees: a tenth of a millimetre.
    private static let margin = 1e-9

    private static func box(_ center: GeoPoint, _ radius: Double) -> GeoBox {
        let angle = radius / TangentPlane.degree * (1 + 1e-9) + margin
        let box = GeoBox([center])
        guard abs(center.latitude) + angle < 90 else { return box.widened(latitude: angle, longitude: 360) }
        // The meridian that touches a circle lies further away than its radius to the east.
        let ratio = Geodesy.sine(angle * .pi / 180) / Geodesy.cosine(center.latitude * .pi / 180)
        let degrees = Geodesy.arcsine(min(1, ratio)) * 180 / .pi
        return box.widened(latitude: angle, longitude: degrees * (1 + 1e-9) + margin)
    }

    private static func box(_ path: [GeoPoint], _ halfWidth: Double) -> GeoBox {
        let angle = halfWidth / TangentPlane.degree * (1 + 1e-9) + margin
        let box = GeoBox(path)
        let outermost = max(abs(box.south), abs(box.north)) + angle
        guard outermost < 90 else { return box.widened(latitude: angle, longitude: 360) }
        // A position's plane shrinks with its own latitude, so the outermost one reaches furthest.
        let degrees = angle / Geodesy.cosine(outermost * .pi / 180)
        return box.widened(latitude: angle, longitude: degrees * (1 + 1e-9) + margin)
    }

    /// A rectangle cut at the antimeridian, each part moved to within ±180.
    static func split(_ box: GeoBox) -> [GeoBox] {
        guard box.east - box.west < 360 else {
            return [GeoBox(south: box.south, west: -180, north: box.north, east: 180)]
        }
        return turns.map { box.shifted(by: $0) }.filter { $0.east >= -180 && $0.west <= 180 }
    }
}
