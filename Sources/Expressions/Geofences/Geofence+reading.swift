import Telemetry

extension Geofence {
    /// Reads an entity `{name, priority, geometry: {type, …}, metadata}`, or one line of it `{name, type, center, …}`.
    public init(_ json: JSONValue, id: Int64 = 0) throws(GeofenceError) {
        guard json.members != nil else {
            throw GeofenceError(path: "", reason: "a geofence must be an object, not \(json.typeName)")
        }
        self.id = id
        self.json = json
        name = try Self.name(json)
        priority = try Self.priority(json)
        if json["geometry"] != nil {
            let geometry = try GeometryReader(json, key: "geometry")
            try geometry.refuseUnknown(beside: [])
            shape = try geometry.shape()
        } else {
            let geometry = GeometryReader(json)
            try geometry.refuseUnknown(beside: ["name", "priority", "metadata", "id", "enabled", "cid"])
            shape = try geometry.shape()
        }
    }

    private static func name(_ json: JSONValue) throws(GeofenceError) -> String {
        guard let value = json["name"] else {
            throw GeofenceError(path: "name", reason: "is missing: what the geofence is called")
        }
        guard let name = value.stringValue else {
            throw GeofenceError(path: "name", reason: "must be a string, not \(value.typeName)")
        }
        guard !name.isEmpty, name.utf8.count <= nameBytesMax else {
            throw GeofenceError(path: "name", reason: "must have 1 to \(nameBytesMax) bytes")
        }
        return name
    }

    private static func priority(_ json: JSONValue) throws(GeofenceError) -> Double {
        guard let value = json["priority"], value != .null else { return 0 }
        guard let number = value.numberValue, (0...100).contains(number) else {
            throw GeofenceError(
                path: "priority", reason: "must be a number from 0 to 100, not \(value.text.prefix(40))")
        }
        return number
    }
}

/// Reads the geometry of a geofence, either an object of its own or the fields of the geofence itself.
private struct GeometryReader {
    private static let known = ["type", "center", "radius", "path", "width"]
    private static let types = ["circle", "polygon", "corridor"]

    private let json: JSONValue
    /// What stands before the names of its fields in errors.
    private let prefix: String

    init(_ json: JSONValue) {
        self.json = json
        prefix = ""
    }

    init(_ entity: JSONValue, key: String) throws(GeofenceError) {
        json = entity[key] ?? .null
        prefix = key + "."
        guard json.members != nil else {
            throw GeofenceError(path: key, reason: "must be an object, not \(json.typeName)")
        }
    }

    func refuseUnknown(beside others: [String]) throws(GeofenceError) {
        for member in json.members ?? [] where !(Self.known + others).contains(member.key) {
            let meant = nearestName(to: member.key, among: Self.known + others).map { "did you mean \"\($0)\"?" }
            let known = "its shape is said by \(Self.known.joined(separator: ", "))"
            throw failure(member.key, "a geofence has no such field; \(meant ?? known)")
        }
    }

    func shape() throws(GeofenceError) -> Geofence.Shape {
        guard let type = json["type"]?.stringValue else {
            throw failure("type", "\(complaint("type")) one of \(Self.types.joined(separator: ", "))")
        }
        switch type {
        case "circle":
            guard let center = json["center"] else {
                throw failure("center", "is missing: an object {\"lat\", \"lon\"}")
            }
            return .circle(
                center: try point(center, "center", longitudeMax: 180),
                radius: try length("radius", max: Geofence.radiusMax))
        case "polygon": return .polygon(try path(atLeast: 3))
        case "corridor":
            return .corridor(try path(atLeast: 2), width: try length("width", max: Geofence.widthMax))
        default:
            let meant = nearestName(to: type, among: Self.types).map { "; did you mean \"\($0)\"?" } ?? ""
            throw failure("type", "\"\(type)\" is none of \(Self.types.joined(separator: ", "))\(meant)")
        }
    }

    private func path(atLeast least: Int) throws(GeofenceError) -> [GeoPoint] {
        guard let items = json["path"]?.arrayValue else {
            throw failure("path", "\(complaint("path")) an array of points {\"lat\", \"lon\"}")
        }
        guard (least...Geofence.pathMax).contains(items.count) else {
            throw failure("path", "must have \(least) to \(Geofence.pathMax) points, not \(items.count)")
        }
        var points: [GeoPoint] = []
        for (index, item) in items.enumerated() {
            points.append(try point(item, "path[\(index)]", longitudeMax: Geofence.pathLongitudeMax))
        }
        return points
    }

    private func point(_ value: JSONValue, _ place: String, longitudeMax: Double) throws(GeofenceError) -> GeoPoint {
        guard let members = value.members else {
            throw failure(place, "must be an object {\"lat\", \"lon\"}, not \(value.typeName)")
        }
        for member in members where member.key != "lat" && member.key != "lon" {
            throw failure("\(place).\(member.key)", "a point has lat and lon only")
        }
        func coordinate(_ key: String, _ limit: Double) throws(GeofenceError) -> Double {
            guard let number = value[key]?.numberValue, abs(number) <= limit else {
                let range = "from -\(Int(limit)) to \(Int(limit))"
                let found = value[key].map { "must be a number \(range), not \($0.text.prefix(40))" }
                throw failure("\(place).\(key)", found ?? "is missing: degrees \(range)")
            }
            return number
        }
        return GeoPoint(latitude: try coordinate("lat", 90), longitude: try coordinate("lon", longitudeMax))
    }

    private func length(_ key: String, max: Double) throws(GeofenceError) -> Double {
        guard let number = json[key]?.numberValue, number > 0, number <= max else {
            let found = json[key].map { ", not \($0.text.prefix(40))" } ?? ""
            throw failure(key, "\(complaint(key)) kilometres above 0, at most \(Int(max))\(found)")
        }
        return number
    }

    /// How to begin the complaint about a field that is missing or wrong.
    private func complaint(_ key: String) -> String { json[key] == nil ? "is missing:" : "must be" }

    private func failure(_ key: String, _ reason: String) -> GeofenceError {
        GeofenceError(path: prefix + key, reason: reason)
    }
}
