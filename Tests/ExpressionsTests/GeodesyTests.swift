import Expressions
import Glibc
import SeededRandom
import Telemetry
import Testing

@Suite("Distances on the earth")
struct GeodesyTests {
    /// The haversine formula with the C library's functions.
    private static func haversine(_ lat1: Double, _ lon1: Double, _ lat2: Double, _ lon2: Double) -> Double {
        let degree = Double.pi / 180
        let a = sin((lat2 - lat1) / 2 * degree)
        let b = sin((lon2 - lon1) / 2 * degree)
        let h = a * a + cos(lat1 * degree) * cos(lat2 * degree) * b * b
        return 2 * Geodesy.earthRadius * asin(min(1, h.squareRoot()))
    }

    private static func agree(_ positions: [Double], tolerance: Double = 1e-9) -> Bool {
        let found = Geodesy.distance(positions[0], positions[1], positions[2], positions[3])
        let expected = haversine(positions[0], positions[1], positions[2], positions[3])
        // A micrometre: below it the difference of two longitudes is itself rounded away.
        return abs(found - expected) <= max(tolerance * expected, 1e-9)
    }

    @Test("random pairs agree with the C library within 1e-9", arguments: 0..<40)
    func randomPairs(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let lat = Double.random(in: -90...90, using: &random)
            let lon = Double.random(in: -180...180, using: &random)
            let far = [
                lat, lon, Double.random(in: -90...90, using: &random), Double.random(in: -180...180, using: &random),
            ]
            #expect(Self.agree(far), "seed \(seed): \(far)")
            let scale = pow(10, Double.random(in: -6...1.5, using: &random))
            let near = [
                lat, lon, max(-90, min(90, lat + scale * Double.random(in: -1...1, using: &random))),
                lon + scale * Double.random(in: -1...1, using: &random),
            ]
            #expect(Self.agree(near), "seed \(seed): \(near)")
        }
    }

    @Test(
        "poles, the date line and the equator",
        arguments: [
            [90, 0, 90, 180], [90, 10, 89.9, 10], [-90, 0, -89, 77], [90, 0, -90, 0], [90, 33, 0, -20],
            [0, 179.9, 0, -179.9],
            [10, 179.999, 10.001, -179.999], [-60, -180, -60, 180], [0, 0, 0, 90], [0, 0, 90, 0],
            [51.5, -0.1, 48.9, 2.35],
            [0, 179, 0, -179], [1e-9, 0, 0, 1e-9], [2.29, 0, 0, 0], [2.3, 0, 0, 0], [0, 0, 0, 2.2918],
            [0, 0, 0, 2.2919],
        ] as [[Double]])
    func specialPairs(_ positions: [Double]) {
        #expect(Self.agree(positions))
        let reversed = [positions[2], positions[3], positions[0], positions[1]]
        #expect(Self.agree(reversed))
    }

    /// Near the antipode the formula itself loses half its digits, with any sine.
    @Test("antipodes agree within a part in ten millions, and never exceed half the circumference", arguments: 0..<20)
    func antipodes(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let half = Double.pi * Geodesy.earthRadius
        #expect(abs(Geodesy.distance(0, 0, 0, 180) - half) < 1e-6)
        for _ in 0..<200 {
            let lat = Double.random(in: -90...90, using: &random)
            let lon = Double.random(in: -180...0, using: &random)
            let off = pow(10, Double.random(in: -9...0, using: &random))
            let pair = [lat, lon, max(-90, min(90, -lat + off)), lon + 180 - off]
            #expect(Self.agree(pair, tolerance: 1e-7), "seed \(seed): \(pair)")
            #expect(Geodesy.distance(pair[0], pair[1], pair[2], pair[3]) <= half * (1 + 1e-12), "seed \(seed): \(pair)")
        }
    }

    @Test("a distance is 0 to itself, symmetric, and a degree of the equator is 111.195 km")
    func basics() {
        #expect(Geodesy.distance(12.3, 45.6, 12.3, 45.6) == 0)
        #expect(Geodesy.distance(1, 2, 3, 4) == Geodesy.distance(3, 4, 1, 2))
        #expect(abs(Geodesy.distance(0, 0, 0, 1) - 111.195_080_233_533) < 1e-8)
    }

    /// The bits are fixed: they must be the same on every processor and for ever, or stored intervals would change.
    @Test("the bits of a distance are these")
    func bits() {
        let short = Geodesy.distance(-1.2921, 36.8219, -1.2931, 36.8234)
        let long = Geodesy.distance(-1.2921, 36.8219, 52.52, 13.405)
        #expect(
            short.bitPattern == Self.shortBits && long.bitPattern == Self.longBits,
            "\(short.bitPattern) \(long.bitPattern)")
    }

    private static let shortBits: UInt64 = 4_596_389_072_762_625_246
    private static let longBits: UInt64 = 4_663_726_768_725_490_198
}
