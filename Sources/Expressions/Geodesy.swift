import Telemetry

/// Distances on the earth, computed with sine and cosine of our own so that every processor gives the same bits.
public enum Geodesy {
    /// The earth's mean radius in kilometres (IUGG).
    public static let earthRadius = 6371.0088

    private static let degree = Double.pi / 180
    static let halfDegree = degree / 2

    /// The great-circle distance in kilometres between two positions in degrees, by the haversine formula.
    ///
    /// Steps below about two degrees take a series whose error is below 1e-12 of the result; longer ones the formula
    /// as it stands.
    public static func distance(_ latitude1: Double, _ longitude1: Double, _ latitude2: Double, _ longitude2: Double)
        -> Double
    {
        let x = (latitude2 - latitude1) * (degree / 2)
        let y = (longitude2 - longitude1) * (degree / 2)
        let x2 = x * x
        let y2 = y * y
        guard x2 < shortStepMax, y2 < shortStepMax else {
            return longDistance(latitude1, longitude1, latitude2, longitude2)
        }
        return shortDistance(x2, y2, (latitude1 + latitude2) * (degree / 2))
    }

    /// The square of half a step in radians, above which the series is not used: about two degrees.
    static let shortStepMax = 4e-4

    /// The distance of a short step, given the squares of its halves and the latitude of its middle.
    @inline(__always)
    private static func shortDistance(_ x2: Double, _ y2: Double, _ middle: Double) -> Double {
        let c = cosine(middle)
        let sx = squaredSine(x2)
        let sy = squaredSine(y2)
        let h = sx + (c * c - sx) * sy
        return 2 * earthRadius * h.squareRoot() * (1 + h * (1.0 / 6 + h * (3.0 / 40 + h * (15.0 / 336))))
    }

    /// The direction in which the great circle to another position sets out: 0 to 360 degrees from north over east.
    public static func bearing(_ latitude1: Double, _ longitude1: Double, _ latitude2: Double, _ longitude2: Double)
        -> Double
    {
        let (from, to, east) = (latitude1 * degree, latitude2 * degree, (longitude2 - longitude1) * degree)
        let y = Elementary.sin(east) * Elementary.cos(to)
        let x =
            Elementary.cos(from) * Elementary.sin(to) - Elementary.sin(from) * Elementary.cos(to) * Elementary.cos(east)
        let angle = Elementary.atan2(y, x) / degree
        return angle < 0 ? angle + 360 : angle
    }

    /// sin²(x) of a small angle, from x².
    @inline(__always)
    private static func squaredSine(_ z: Double) -> Double {
        z * (1 - z * (1.0 / 3 - z * (2.0 / 45 - z * (1.0 / 315))))
    }

    private static func longDistance(_ lat1: Double, _ lon1: Double, _ lat2: Double, _ lon2: Double) -> Double {
        let a = sine((lat2 - lat1) * (degree / 2))
        let b = sine((lon2 - lon1) * (degree / 2))
        let h = a * a + cosine(lat1 * degree) * cosine(lat2 * degree) * b * b
        return 2 * earthRadius * arcsine(min(1, h.squareRoot()))
    }

    /// cos x for |x| ≤ π/2: the Taylor series to x²⁰, within 1e-15.
    @inline(__always)
    static func cosine(_ x: Double) -> Double {
        let z = x * x
        var r = 1 / 2_432_902_008_176_640_000.0
        r = r * z - 1 / 6_402_373_705_728_000.0
        r = r * z + 1 / 20_922_789_888_000.0
        r = r * z - 1 / 87_178_291_200.0
        r = r * z + 1 / 479_001_600.0
        r = r * z - 1 / 3_628_800.0
        r = r * z + 1 / 40_320.0
        r = r * z - 1 / 720.0
        r = r * z + 1 / 24.0
        r = r * z - 0.5
        return r * z + 1
    }

    /// sin x for |x| ≤ π: folded into ±π/2, then the Taylor series to x²¹.
    static func sine(_ angle: Double) -> Double {
        let x = angle > .pi / 2 ? .pi - angle : angle < -.pi / 2 ? -.pi - angle : angle
        let z = x * x
        var term = x
        var sum = x
        for step in 1...10 {
            term *= -z / Double((2 * step) * (2 * step + 1))
            sum += term
        }
        return sum
    }

    /// arcsin of 0...1, by three Newton steps from a rough start.
    static func arcsine(_ value: Double) -> Double {
        if value > 0.75 { return .pi / 2 - 2 * arcsine(((1 - value) / 2).squareRoot()) }
        let square = value * value
        var angle = value * (1 + square * (1.0 / 6 + square * (3.0 / 40 + square * (15.0 / 336))))
        for _ in 0..<4 { angle -= (sine(angle) - value) / cosine(angle) }
        return angle
    }
}
