import Foundation

/// A geofence, inline in a selector or assigned to the calculator.
struct Geofence: Equatable {
    enum Shape: Equatable {
        case circle(center: Position, radiusKilometres: Double)
        case polygon([Position])
        case corridor([Position], widthKilometres: Double)
    }

    var json: JSONTree
    var name: String
    var priority: Double
    var shape: Shape

    /// Reads a geofence whose geometry stands in `geometry` or in itself.
    init(_ json: JSONTree) throws(ReferenceError) {
        self.json = json
        guard case .string(let name)? = json["name"] else { throw ReferenceError("a geofence has no name") }
        self.name = name
        priority = json.number("priority") ?? 0
        let geometry = json["geometry"] ?? json
        let path = geometry.items("path").compactMap(Position.init(geometry:))
        switch geometry["type"] {
        case .string("circle"):
            guard let center = geometry["center"].flatMap(Position.init(geometry:)) else {
                throw ReferenceError("a circle has no center")
            }
            shape = .circle(center: center, radiusKilometres: geometry.number("radius") ?? 0)
        case .string("polygon"): shape = .polygon(path)
        case .string("corridor"): shape = .corridor(path, widthKilometres: geometry.number("width") ?? 0)
        default: throw ReferenceError("a geofence has no type")
        }
    }

    static func list(_ json: JSONTree) throws(ReferenceError) -> [Geofence] {
        guard case .array(let items) = json else { throw ReferenceError("geofences are an array") }
        var geofences: [Geofence] = []
        for item in items { geofences.append(try Geofence(item)) }
        return geofences
    }

    /// Those around a position, the greatest priority first, equals as listed.
    static func containing(_ position: Position, in geofences: [Geofence]) -> [Geofence] {
        ranked(geofences.enumerated().filter { $0.element.contains(position) })
    }

    static func ranked(_ geofences: [(offset: Int, element: Geofence)]) -> [Geofence] {
        geofences.sorted { ($1.element.priority, $0.offset) < ($0.element.priority, $1.offset) }.map(\.element)
    }

    /// A field by a path such as `metadata.zone_type`; null where there is none.
    func field(_ path: String) -> RefValue {
        if path == "name" { return .string(name) }
        var tree = json
        for part in path.split(separator: ".") {
            guard let next = tree[String(part)] else { return .null }
            tree = next
        }
        return tree.value
    }

    func contains(_ position: Position) -> Bool {
        switch shape {
        case .circle(let center, let radius): center.kilometres(to: position) <= radius
        case .polygon(let path): Self.isInside(position, path)
        case .corridor(let path, let width):
            zip(path, path.dropFirst()).contains { Self.kilometres(from: position, to: $0, $1) <= width / 2 }
        }
    }

    /// Whether a ray to the east crosses the sides an odd number of times.
    private static func isInside(_ position: Position, _ path: [Position]) -> Bool {
        guard let last = path.last else { return false }
        var isInside = false
        for (start, end) in zip([last] + path, path)
        where (start.latitude > position.latitude) != (end.latitude > position.latitude) {
            let share = (position.latitude - start.latitude) / (end.latitude - start.latitude)
            let crossing = start.longitude + share * (end.longitude - start.longitude)
            if position.longitude < crossing { isInside.toggle() }
        }
        return isInside
    }

    /// The distance to a leg on a plane that touches the globe at the position.
    static func kilometres(from position: Position, to start: Position, _ end: Position) -> Double {
        let degree = 6371.0088 * Double.pi / 180
        let shrink = cos(position.latitude * Double.pi / 180)
        func plane(_ place: Position) -> (x: Double, y: Double) {
            ((place.longitude - position.longitude) * degree * shrink, (place.latitude - position.latitude) * degree)
        }
        let (first, second) = (plane(start), plane(end))
        let (x, y) = (second.x - first.x, second.y - first.y)
        let square = x * x + y * y
        let share = square > 0 ? max(0, min(1, -(first.x * x + first.y * y) / square)) : 0
        return hypot(first.x + share * x, first.y + share * y)
    }
}

extension Position {
    /// A corner as a geometry writes it.
    fileprivate init?(geometry: JSONTree) {
        guard let latitude = geometry.number("lat"), let longitude = geometry.number("lon") else { return nil }
        self.init(latitude: latitude, longitude: longitude)
    }
}

extension JSONTree {
    fileprivate func number(_ key: String) -> Double? {
        if case .number(let number)? = self[key] { number } else { nil }
    }
}
