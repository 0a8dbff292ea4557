import Expressions
import SeededRandom
import Telemetry

/// Geofences and positions by chance, with a liking for the antimeridian and the poles.
struct RandomGeofences {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func number(_ range: ClosedRange<Double>) -> Double { Double.random(in: range, using: &random) }

    /// A place near the border of the map, near a given one, or anywhere.
    mutating func place() -> GeoPoint {
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            return GeoPoint(
                latitude: number(-60...60), longitude: 180 * (random.chance(0.5) ? 1 : -1) * number(0.999...1))
        case 1:
            return GeoPoint(
                latitude: 90 * (random.chance(0.5) ? 1 : -1) * number(0.99...1), longitude: number(-180...180))
        default: return GeoPoint(latitude: number(-85...85), longitude: number(-180...180))
        }
    }

    mutating func near(_ place: GeoPoint, _ degrees: Double) -> GeoPoint {
        let longitude = place.longitude + number(-degrees...degrees)
        return GeoPoint(
            latitude: max(-90, min(90, place.latitude + number(-degrees...degrees))),
            longitude: longitude > 180 ? longitude - 360 : longitude < -180 ? longitude + 360 : longitude)
    }

    /// A geofence about `size` degrees wide.
    mutating func geofence(_ index: Int, around center: GeoPoint, size: Double) -> Geofence {
        func corner() -> GeoPoint {
            // Not wrapped: a path goes on beyond the antimeridian.
            GeoPoint(
                latitude: max(-90, min(90, center.latitude + number(-size...size))),
                longitude: center.longitude + number(-size...size))
        }
        let shape: Geofence.Shape =
            switch Int.random(in: 0..<3, using: &random) {
            case 0: .circle(center: center, radius: number(0.01...1) * size * 111)
            case 1: .polygon((0..<Int.random(in: 3...8, using: &random)).map { _ in corner() })
            default:
                .corridor(
                    (0..<Int.random(in: 2...6, using: &random)).map { _ in corner() },
                    width: min(Geofence.widthMax, number(0.001...0.3) * size * 111))
            }
        let priority = Double(Int.random(in: 0...3, using: &random))
        return Geofence(id: Int64(index), name: "g\(index)", priority: priority, shape: shape, json: .object([]))
    }
}
