import Telemetry

/// The geofences that belong to something, ready to be asked which of them are around a position.
///
/// Immutable, so that it is shared and never copied. A lookup costs the rectangles on its way plus an exact test for
/// each geofence whose rectangle holds the position.
public final class GeofenceSet: Sendable {
    public static let empty = GeofenceSet([])

    public let geofences: [Geofence]
    /// A hash of everything that a result may depend on, the order included.
    public let digest: UInt64

    private let index: GeofenceIndex
    /// The places in `geofences`, greatest priority first, equals as listed. The index speaks of places in this list.
    private let ranking: [Int]
    private let ranked: [Geofence]

    public init(_ geofences: [Geofence]) {
        self.geofences = geofences
        digest = Self.digest(geofences)
        ranking = geofences.indices.sorted {
            (geofences[$1].priority, $0) < (geofences[$0].priority, $1)
        }
        let ranked = ranking.map { geofences[$0] }
        self.ranked = ranked
        index = GeofenceIndex(
            ranked.enumerated().filter(\.element.isEnabled).flatMap { rank, geofence in
                geofence.bounds.map { (box: $0, item: rank) }
            })
    }

    public var isEmpty: Bool { geofences.isEmpty }

    /// The geofences around a position, as places in `geofences`: greatest priority first, equals as listed.
    public func containing(latitude: Double, longitude: Double) -> [Int] {
        let position = GeoPoint(latitude: latitude, longitude: longitude)
        guard !isEmpty, position.isPossible else { return [] }
        var found: [Int] = []
        index.forEach(touching: GeoBox([position])) { rank in
            if ranked[rank].contains(position) { found.append(rank) }
        }
        return places(found)
    }

    /// The first of those around a position; nil if it is outside of all.
    public func first(latitude: Double, longitude: Double) -> Int? {
        let position = GeoPoint(latitude: latitude, longitude: longitude)
        guard !isEmpty, position.isPossible else { return nil }
        var best = Int.max
        index.forEach(touching: GeoBox([position])) { rank in
            if rank < best, ranked[rank].contains(position) { best = rank }
        }
        return best == .max ? nil : ranking[best]
    }

    /// The geofences that the straight leg between two positions touches, in the same order.
    public func crossed(from: GeoPoint, to: GeoPoint) -> [Int] {
        guard !isEmpty, from.isPossible, to.isPossible else { return [] }
        let leg = GeoLeg(from, to)
        var found: [Int] = []
        for box in Geofence.split(leg.bounds) {
            index.forEach(touching: box) { rank in
                if ranked[rank].isCrossed(by: leg) { found.append(rank) }
            }
        }
        return places(found)
    }

    /// Ranks as places, each once: a geofence across the antimeridian has two rectangles.
    private func places(_ ranks: [Int]) -> [Int] {
        if ranks.count < 2 { return ranks.map { ranking[$0] } }
        var places: [Int] = []
        var last = -1
        for rank in ranks.sorted() where rank != last {
            places.append(ranking[rank])
            last = rank
        }
        return places
    }

    private static func digest(_ geofences: [Geofence]) -> UInt64 {
        geofences.reduce(mix64(UInt64(geofences.count))) { state, geofence in
            var writer = ByteWriter()
            writer.write(fixed: geofence.id)
            writer.write(double: geofence.priority)
            writer.write(geofence.name)
            writer.write(geofence.json.text)
            geofence.shape.write(to: &writer)
            return mix64(state ^ hash64(writer.bytes))
        }
    }
}

extension Geofence.Shape {
    fileprivate func write(to writer: inout ByteWriter) {
        switch self {
        case .circle(let center, let radius):
            writer.write(byte: 1)
            Self.write([center], radius, to: &writer)
        case .polygon(let path):
            writer.write(byte: 2)
            Self.write(path, 0, to: &writer)
        case .corridor(let path, let width):
            writer.write(byte: 3)
            Self.write(path, width, to: &writer)
        }
    }

    private static func write(_ path: [GeoPoint], _ length: Double, to writer: inout ByteWriter) {
        writer.write(double: length)
        for point in path {
            writer.write(double: point.latitude)
            writer.write(double: point.longitude)
        }
    }
}
