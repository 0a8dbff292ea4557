import Telemetry

/// An area of the map with a name: a circle, a polygon or the surroundings of a path.
///
/// A path that crosses the antimeridian goes on beyond 180 degrees (179, 181) instead of jumping to -179, so that what
/// lies between two of its points is never in doubt.
public struct Geofence: Sendable, Hashable {
    public enum Shape: Sendable, Hashable {
        /// Everything within `radius` kilometres of a place, by the haversine formula.
        case circle(center: GeoPoint, radius: Double)
        /// The inside of a ring of straight sides, on a plane of degrees.
        case polygon([GeoPoint])
        /// Everything within half of `width` kilometres of a path.
        case corridor([GeoPoint], width: Double)
    }

    /// The most points of a path.
    public static let pathMax = 1024
    /// The largest radius in kilometres: to the other side of the globe.
    public static let radiusMax = 20_038.0
    /// The largest width of a corridor in kilometres.
    public static let widthMax = 1_000.0
    /// The largest longitude of a path, either way, so that it can go on beyond the antimeridian.
    public static let pathLongitudeMax = 360.0
    /// The longest name in bytes.
    public static let nameBytesMax = 256

    /// The number of the entity; 0 for one that is written in a selector.
    public var id: Int64
    public var name: String
    /// Where several lie around a position, the greatest counts.
    public var priority: Double
    public var shape: Shape
    /// The whole entity: what `field(_:)` reads.
    public var json: JSONValue

    public init(id: Int64, name: String, priority: Double = 0, shape: Shape, json: JSONValue = .object([])) {
        self.id = id
        self.name = name
        self.priority = priority
        self.shape = shape
        self.json = json
    }

    /// Whether it is in use; one with `"enabled": false` contains nothing in a `GeofenceSet`.
    public var isEnabled: Bool { json["enabled"]?.booleanValue ?? true }

    /// A field by a path such as `name`, `metadata.zone_type` or `/metadata/zone.type`; null where there is none.
    public func field(_ path: String) -> Value {
        if path == "name" { return .string(name) }
        if path == "id", id != 0 { return .number(Double(id)) }
        if path.hasPrefix("/") { return JSONPointer.follow(path, in: json)?.value ?? .null }
        var place = json
        for key in path.split(separator: ".") {
            guard let member = place[String(key)] else { return .null }
            place = member
        }
        return place.value
    }
}

/// Why a JSON value is no geofence.
public struct GeofenceError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The place within the geofence, such as `geometry.path[3].lat`; empty for the whole.
    public var path: String
    public var reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}
