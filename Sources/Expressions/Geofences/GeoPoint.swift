/// A place on the earth, in degrees.
public struct GeoPoint: Sendable, Hashable {
    public var latitude: Double
    public var longitude: Double

    public init(latitude: Double, longitude: Double) {
        self.latitude = latitude
        self.longitude = longitude
    }

    /// Whether there is such a place; a position that fails lies in no geofence.
    var isPossible: Bool { abs(latitude) <= 90 && abs(longitude) <= 180 }

    /// The place that far along the straight leg to another one.
    func along(_ share: Double, to end: GeoPoint) -> GeoPoint {
        GeoPoint(
            latitude: latitude + share * (end.latitude - latitude),
            longitude: longitude + share * (end.longitude - longitude))
    }

    /// The same place by a longitude that may lie beyond ±180.
    func shifted(by degrees: Double) -> GeoPoint { GeoPoint(latitude: latitude, longitude: longitude + degrees) }
}

/// A rectangle of latitudes and longitudes, its borders included.
struct GeoBox: Sendable, Hashable {
    var south: Double
    var west: Double
    var north: Double
    var east: Double

    /// Contains nothing, and is the neutral element of `union`.
    static let empty = GeoBox(south: .infinity, west: .infinity, north: -.infinity, east: -.infinity)

    init(south: Double, west: Double, north: Double, east: Double) {
        self.south = south
        self.west = west
        self.north = north
        self.east = east
    }

    init(_ points: some Sequence<GeoPoint>) {
        self = .empty
        for point in points {
            south = min(south, point.latitude)
            west = min(west, point.longitude)
            north = max(north, point.latitude)
            east = max(east, point.longitude)
        }
    }

    func contains(_ point: GeoPoint) -> Bool {
        south <= point.latitude && point.latitude <= north && west <= point.longitude && point.longitude <= east
    }

    func intersects(_ other: GeoBox) -> Bool {
        south <= other.north && other.south <= north && west <= other.east && other.west <= east
    }

    func union(_ other: GeoBox) -> GeoBox {
        GeoBox(
            south: min(south, other.south), west: min(west, other.west), north: max(north, other.north),
            east: max(east, other.east))
    }

    func shifted(by degrees: Double) -> GeoBox {
        GeoBox(south: south, west: west + degrees, north: north, east: east + degrees)
    }

    /// Wider by that many degrees on every side, by more of them in longitude.
    func widened(latitude: Double, longitude: Double) -> GeoBox {
        GeoBox(
            south: south - latitude, west: west - longitude, north: north + latitude, east: east + longitude)
    }
}
