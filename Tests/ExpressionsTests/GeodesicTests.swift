import Expressions
import SeededRandom
import Telemetry
import Testing

@Suite("Distances on the ellipsoid")
struct GeodesicTests {
    /// Two positions and the metres between them by GeographicLib 2 (through pyproj 3.7), on WGS84.
    private static let pairs: [[Double]] = [
        [-22.809423, -173.5358471, -22.8099788, -173.5327289, 325.995406],
        [30.6043544, 6.7389989, 30.6015312, 6.7408735, 360.940908],
        [-40.8238454, -20.3226186, -40.8243722, -20.3245409, 172.392026],
        [32.9000067, 133.891396, 32.8994852, 133.8906278, 92.252561],
        [44.5841061, 34.7429095, 44.5840376, 34.7428901, 7.766319],
        [-50.8982493, -149.3397384, -50.8981267, -149.3396763, 14.321430],
        [17.930981, 43.4955161, 17.9242745, 43.5039801, 1164.096026],
        [-68.864547, 79.1082724, -68.8645996, 79.1083633, 6.914962],
        [-21.5848275, 144.1575433, -21.5778872, 144.1541188, 846.351521],
        [35.0675103, 95.7152094, 35.0675262, 95.7152555, 4.559934],
        [-69.7851223, -37.2367207, -69.7810662, -37.2335495, 468.746131],
        [-22.4728041, 106.2383488, -22.4763524, 106.2397965, 420.225883],
        [31.8608702, -148.7747314, 31.8607245, -148.7743371, 40.662119],
        [-6.7741128, 151.6193656, -6.7741516, 151.6193673, 4.294995],
        [-4.9973455, 110.1535726, -4.9972257, 110.1538592, 34.434111],
        [2.1926966, -39.4392749, 2.1952876, -39.4374411, 351.703025],
        [18.9629243, -46.1460135, 18.6184514, -45.9311832, 44348.566415],
        [-60.2107555, 0.3342366, -59.6724134, 0.3933171, 60068.234291],
        [-4.1781828, -161.4191609, -2.2306131, -160.0044722, 266646.671979],
        [-53.5687262, 155.6597686, -55.8944913, 156.874855, 270463.989381],
        [0.1344825, -7.0330414, 0.1299875, -7.1944628, 17976.173147],
        [67.7965165, 82.4168586, 65.8211545, 82.3387989, 220317.127616],
        [-61.1422686, -143.8386318, -60.9361462, -143.8475982, 22973.280535],
        [52.7891443, 95.0202269, 51.4699987, 94.6615071, 148821.906702],
        [10.9487079, 142.235558, 10.8912543, 142.2743797, 7641.906702],
        [-26.4106445, -134.0349576, -26.4243407, -134.0192445, 2181.726136],
        [-4.0221727, -3.9856131, -3.8685356, -3.6389892, 42077.389991],
        [-35.3726713, 114.6380132, -35.3424522, 114.7040794, 6877.301874],
        [68.747058, -78.95607, 67.5903532, -78.5816307, 129949.082206],
        [49.5409087, -98.6503174, 49.2847891, -98.0340381, 53021.518814],
        [-66.2965561, -0.0056149, -66.2991743, -0.0129089, 438.606541],
        [-65.7325009, 50.2464253, -65.7317091, 50.2269352, 898.563806],
        [0, 0, 0, 1, 111319.490793],
        [0, 0, 1, 0, 110574.388558],
        [0, 179.5, 0, -179.5, 111319.490793],
        [90, 0, 89, 0, 111693.864914],
        [-90, 10, -89.5, -170, 55846.975448],
        [89.9, 0, 89.9, 180, 22338.795683],
        [-89.99, 5, -89.99, 95, 1579.591403],
        [51.5, -0.1, 48.9, 2.35, 337946.396605],
        [-1.2921, 36.8219, -4.0435, 39.6682, 438999.416252],
        [52.52, 13.405, 48.1372, 11.5756, 504580.187506],
        [0, 0, 0, 0.01, 1113.194908],
        [0, 0, 0.01, 0, 1105.742758],
        [60, 25, 60, 25.0099, 552.420015],
        [74.99, 10, 75, 10.01, 1153.018753],
        [75.01, 10, 75.02, 10.01, 1152.926347],
        [0, -180, 0, 180, 0.000000],
        [10, 20, 10, 20, 0.000000],
        [41.25787, -95.98425, 41.25788, -95.98443, 15.125981],
        [-37.5149462, -65.5561777, -50.6642694, 14.435099, 6248875.709285],
        [3.9779282, -141.2130653, 39.719043, -144.3963031, 3971458.773831],
        [59.9761523, -2.8778275, 15.2658059, 52.9092893, 6676662.710749],
        [58.6772538, 8.8183513, 34.6824337, -77.5935404, 6591973.647012],
        [18.6052536, -33.2543817, 52.711095, -97.6408151, 6662083.371968],
        [-25.065462, 77.751613, 10.0543364, 123.6877936, 6317955.927756],
        [-38.2807162, -151.6682448, -0.371821, -96.1875424, 7038387.189102],
        [-22.6482936, -71.6471881, -51.8653024, -153.9127112, 7538453.422712],
        [-35.4940588, -44.8135399, -10.9857552, 48.7866141, 9633468.739075],
        [-14.2888873, -13.1170181, -5.6878426, 86.5235769, 10895941.654747],
    ]

    @Test("pairs agree with GeographicLib within a millimetre", arguments: pairs)
    func fixture(_ pair: [Double]) {
        let there = Geodesy.geodesicDistance(pair[0], pair[1], pair[2], pair[3]) * 1000
        let back = Geodesy.geodesicDistance(pair[2], pair[3], pair[0], pair[1]) * 1000
        #expect(abs(there - pair[4]) < 0.001, "\(pair): \(there)")
        #expect(abs(there - back) < 1e-6, "\(pair): \(there) \(back)")
    }

    @Test("the short formula and the long one meet without a step", arguments: 0..<20 as Range<UInt64>)
    func continuity(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let latitude = Double.random(in: -74.9...74.9, using: &random)
            let north = Double.random(in: -0.0099...0.0099, using: &random)
            let short = Geodesy.geodesicDistance(latitude, 5, latitude + north, 5.009_999_999_9)
            let long = Geodesy.geodesicDistance(latitude, 5, latitude + north, 5.010_000_000_1)
            #expect(abs(long - short) < 1e-7, "seed \(seed): \(latitude) \(north) \(short) \(long)")
        }
    }

    @Test(
        "it differs from the sphere by less than 0.6 %, opposite sides of the globe included",
        arguments: 0..<20 as Range<UInt64>)
    func sphere(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for trial in 0..<300 {
            let latitude = Double.random(in: -90...90, using: &random)
            let longitude = Double.random(in: -180...0, using: &random)
            let end =
                trial % 2 == 0
                ? [Double.random(in: -90...90, using: &random), Double.random(in: -180...180, using: &random)]
                : [-latitude + Double.random(in: -0.5...0.5, using: &random), longitude + 180]
            let ellipsoid = Geodesy.geodesicDistance(latitude, longitude, end[0], end[1])
            let sphere = Geodesy.distance(latitude, longitude, end[0], end[1])
            #expect(abs(ellipsoid - sphere) <= 0.006 * sphere, "seed \(seed): \(latitude) \(longitude) \(end)")
        }
    }

    private static let messages = #"""
        [{"position.latitude":52.52,"position.longitude":13.405},
         {"position.latitude":48.1372,"position.longitude":11.5756}]
        """#

    @Test(
        "mileage(), distance() and distance_to() measure by the calculator's formula",
        arguments: MileageFormula.allCases)
    func formulas(_ formula: MileageFormula) throws {
        let kilometres = Geodesy.distance(52.52, 13.405, 48.1372, 11.5756, by: formula)
        let mileage = try Trial("mileage()", Self.messages, formula: formula)
        #expect(mileage.results == [.number(0), .number(kilometres)])
        let distance = try Trial(
            "distance(52.52, 13.405, position.latitude, position.longitude)", Self.messages, formula: formula)
        #expect(distance.results == [.number(0), .number(kilometres * 1000)])
        let toPlace = try Trial("distance_to(48.1372, 11.5756)", Self.messages, formula: formula)
        #expect(toPlace.results == [.number(kilometres * 1000), .number(0)])
    }

    @Test("the formulas give different kilometres")
    func difference() {
        let sphere = Geodesy.distance(52.52, 13.405, 48.1372, 11.5756, by: .haversine)
        let ellipsoid = Geodesy.distance(52.52, 13.405, 48.1372, 11.5756, by: .geodesic)
        #expect(sphere == Geodesy.distance(52.52, 13.405, 48.1372, 11.5756) && abs(sphere - ellipsoid) > 0.1)
    }

    /// Fixed for ever, on every processor: stored intervals depend on them.
    @Test("the bits of a distance are these")
    func bits() {
        let found = [
            Geodesy.geodesicDistance(-1.2921, 36.8219, -1.2931, 36.8234),
            Geodesy.geodesicDistance(-1.2921, 36.8219, 52.52, 13.405),
        ]
        #expect(found.map(\.bitPattern) == Self.expectedBits, "\(found.map(\.bitPattern))")
    }

    private static let expectedBits: [UInt64] = [4_596_382_310_519_833_657, 4_663_708_053_785_196_209]
}
