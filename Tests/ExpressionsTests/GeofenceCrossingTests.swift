import Expressions
import Telemetry
import Testing

@Suite("Legs that cross geofences")
struct GeofenceCrossingTests {
    /// Places of a leg in small steps, each within ±180.
    private static func samples(_ from: GeoPoint, _ to: GeoPoint, _ count: Int) -> [GeoPoint] {
        var east = to.longitude - from.longitude
        if east > 180 { east -= 360 }
        if east < -180 { east += 360 }
        return (0...count).map { step in
            let share = Double(step) / Double(count)
            let longitude = from.longitude + share * east
            return GeoPoint(
                latitude: from.latitude + share * (to.latitude - from.latitude),
                longitude: longitude > 180 ? longitude - 360 : longitude < -180 ? longitude + 360 : longitude)
        }
    }

    /// The same geofence, a part larger.
    private static func enlarged(_ geofence: Geofence, _ factor: Double) -> Geofence {
        var result = geofence
        switch geofence.shape {
        case .circle(let center, let radius): result.shape = .circle(center: center, radius: radius * factor)
        case .corridor(let path, let width): result.shape = .corridor(path, width: width * factor)
        case .polygon: break
        }
        return result
    }

    @Test("a leg crosses a geofence exactly if one of its places lies in it", arguments: 0..<32)
    func sampling(_ seed: UInt64) {
        var random = RandomGeofences(seed: seed)
        let size = [0.005, 0.1, 1, 8][Int(seed % 4)]
        var crossings = 0
        for trial in 0..<40 {
            var center = random.place()
            if abs(center.latitude) > 80, size > 0.1 { center.latitude /= 2 }
            let geofence = random.geofence(trial, around: center, size: size)
            let from = random.near(center, size * 2)
            let to = random.near(center, size * 2)
            let places = Self.samples(from, to, 300)
            let isCrossed = geofence.isCrossed(from: from, to: to)
            let isSeen = places.contains { geofence.contains(latitude: $0.latitude, longitude: $0.longitude) }
            crossings += isCrossed ? 1 : 0
            let context = "seed \(seed), trial \(trial): \(geofence.shape) from \(from) to \(to)"
            if isSeen { #expect(isCrossed, "\(context)") }
            guard isCrossed, !isSeen else { continue }
            // Between two samples: only a touch, so a slightly larger one is seen, or a corner that is cut.
            let larger = Self.enlarged(geofence, 1.02)
            let fine = Self.samples(from, to, 20_000)
            #expect(
                fine.contains { larger.contains(latitude: $0.latitude, longitude: $0.longitude) }, "\(context)")
        }
        #expect(crossings > 5, "seed \(seed)")
    }

    @Test("a leg is crossed the same in both directions", arguments: 0..<20)
    func reversal(_ seed: UInt64) {
        var random = RandomGeofences(seed: seed &+ 1000)
        for trial in 0..<100 {
            let center = random.place()
            let geofence = random.geofence(trial, around: center, size: 0.1)
            let (from, to) = (random.near(center, 0.3), random.near(center, 0.3))
            #expect(
                geofence.isCrossed(from: from, to: to) == geofence.isCrossed(from: to, to: from),
                "seed \(seed): \(geofence.shape) \(from) \(to)")
        }
    }

    private static let small = #"{"name":"s","type":"circle","center":{"lat":10,"lon":20},"radius":1}"#

    @Test(
        "through, past, up to, and along",
        arguments: [
            (small, (10, 19.9), (10, 20.1), true), (small, (10.008, 19.9), (10.008, 20.1), true),
            (small, (10.01, 19.9), (10.01, 20.1), false), (small, (10, 19.9), (10, 19.98), false),
            (small, (10, 19.9), (10, 19.995), true), (small, (10, 20), (10, 20), true),
            (small, (11, 20), (11, 20), false),
            (
                #"{"name":"p","type":"polygon","path":[{"lat":0,"lon":0},{"lat":0,"lon":1},{"lat":1,"lon":1}]}"#,
                (-1, 0.5), (2, 0.5), true
            ),
            (
                #"{"name":"p","type":"polygon","path":[{"lat":0,"lon":0},{"lat":0,"lon":1},{"lat":1,"lon":1}]}"#,
                (0.5, 0), (1, 0.4), false
            ),
            (
                #"{"name":"p","type":"polygon","path":[{"lat":0,"lon":0},{"lat":0,"lon":1},{"lat":1,"lon":1}]}"#,
                (-1, 2), (1, 0), true
            ),
            (
                #"{"name":"k","type":"corridor","width":1,"path":[{"lat":0,"lon":0},{"lat":0,"lon":1}]}"#,
                (-1, 0.5), (1, 0.5), true
            ),
            (
                #"{"name":"k","type":"corridor","width":1,"path":[{"lat":0,"lon":0},{"lat":0,"lon":1}]}"#,
                (0.01, 0), (0.01, 1), false
            ),
            (
                #"{"name":"date line","type":"circle","center":{"lat":0,"lon":180},"radius":1}"#, (0, 179.9),
                (0, -179.9), true
            ),
            (
                #"{"name":"zero","type":"circle","center":{"lat":0,"lon":0},"radius":1}"#, (0, 179.9), (0, -179.9),
                false
            ),
            (
                #"{"name":"huge","type":"circle","center":{"lat":0,"lon":0},"radius":3200}"#, (40, 0), (0, 40), true
            ),
        ] as [(String, (Double, Double), (Double, Double), Bool)])
    func examples(_ json: String, _ from: (Double, Double), _ to: (Double, Double), _ expected: Bool) throws {
        let geofence = try GeofenceTests.geofence(json)
        let (from, to) = (
            GeoPoint(latitude: from.0, longitude: from.1), GeoPoint(latitude: to.0, longitude: to.1)
        )
        #expect(geofence.isCrossed(from: from, to: to) == expected)
        #expect(GeofenceSet([geofence]).crossed(from: from, to: to) == (expected ? [0] : []))
    }

    @Test("a place that cannot be crosses nothing")
    func impossible() throws {
        let geofence = try GeofenceTests.geofence(Self.small)
        let inside = GeoPoint(latitude: 10, longitude: 20)
        #expect(!geofence.isCrossed(from: inside, to: GeoPoint(latitude: .nan, longitude: 20)))
        #expect(GeofenceSet([geofence]).crossed(from: inside, to: GeoPoint(latitude: 10, longitude: 1555)).isEmpty)
    }
}
