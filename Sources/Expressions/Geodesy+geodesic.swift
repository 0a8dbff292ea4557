extension Geodesy {
    /// The ellipsoid WGS84: half of the greater axis in kilometres, and the flattening.
    private static let equatorRadius = 6378.137
    private static let flattening = 1 / 298.257223563
    private static let degree = Double.pi / 180

    /// A distance in kilometres by either formula.
    public static func distance(
        _ latitude1: Double, _ longitude1: Double, _ latitude2: Double, _ longitude2: Double,
        by formula: MileageFormula
    ) -> Double {
        switch formula {
        case .haversine: distance(latitude1, longitude1, latitude2, longitude2)
        case .geodesic: geodesicDistance(latitude1, longitude1, latitude2, longitude2)
        }
    }

    /// The length in kilometres of the shortest way on the ellipsoid WGS84 between two positions in degrees.
    ///
    /// By Vincenty's formula, within half a millimetre. A leg of a kilometre or less is measured by the curvatures in
    /// its middle, within 0.01 mm. Between places on nearly opposite sides of the globe the formula finds no result;
    /// there, as where the two places are one, the distance on the sphere is given: up to 0.5 % off.
    public static func geodesicDistance(
        _ latitude1: Double, _ longitude1: Double, _ latitude2: Double, _ longitude2: Double
    ) -> Double {
        var east = longitude2 - longitude1
        if east > 180 { east -= 360 }
        if east < -180 { east += 360 }
        let north = latitude2 - latitude1
        if abs(north) < shortLegMax, abs(east) < shortLegMax, abs(latitude1) < shortLegLatitudeMax {
            return shortGeodesic((latitude1 + latitude2) * (degree / 2), north * degree, east * degree)
        }
        return vincenty(ReducedLatitude(latitude1 * degree), ReducedLatitude(latitude2 * degree), east * degree)
            ?? distance(latitude1, longitude1, latitude2, longitude2)
    }

    /// Up to where a leg counts as flat, in degrees.
    private static let shortLegMax = 0.01
    private static let shortLegLatitudeMax = 75.0

    /// By the radii of curvature of the meridian and across it, at the middle latitude.
    private static func shortGeodesic(_ latitude: Double, _ north: Double, _ east: Double) -> Double {
        let eccentricity = flattening * (2 - flattening)
        let cosine = cosine(latitude)
        let square = 1 - eccentricity * (1 - cosine * cosine)
        let across = equatorRadius / square.squareRoot()
        let along = across * (1 - eccentricity) / square
        let x = across * cosine * east
        let y = along * north
        return (x * x + y * y).squareRoot()
    }

    /// A latitude on the sphere around the ellipsoid.
    private struct ReducedLatitude {
        var sine: Double
        var cosine: Double

        init(_ latitude: Double) {
            let s = (1 - Geodesy.flattening) * Elementary.sin(latitude)
            let c = Elementary.cos(latitude)
            let length = (s * s + c * c).squareRoot()
            sine = s / length
            cosine = c / length
        }
    }

    /// What one round of the formula finds for a difference of longitudes on the sphere.
    private struct Arc {
        var sine: Double
        var cosine: Double
        var angle: Double
        /// cos² of the azimuth at the equator, its sine, and cos of twice the angle to the middle.
        var squaredCosine: Double
        var azimuthSine: Double
        var middle: Double

        init?(_ from: ReducedLatitude, _ to: ReducedLatitude, _ longitude: Double) {
            let s = Elementary.sin(longitude)
            let c = Elementary.cos(longitude)
            let across = to.cosine * s
            let along = from.cosine * to.sine - from.sine * to.cosine * c
            sine = (across * across + along * along).squareRoot()
            guard sine > 0 else { return nil }
            cosine = from.sine * to.sine + from.cosine * to.cosine * c
            angle = Elementary.atan2(sine, cosine)
            azimuthSine = from.cosine * to.cosine * s / sine
            squaredCosine = 1 - azimuthSine * azimuthSine
            // On the equator there is no middle to speak of.
            middle = squaredCosine > 1e-15 ? cosine - 2 * from.sine * to.sine / squaredCosine : 0
        }
    }

    /// The formula mostly needs five rounds; beyond these it goes astray, near the other side of the globe.
    private static let roundMax = 40

    private static func vincenty(_ from: ReducedLatitude, _ to: ReducedLatitude, _ east: Double) -> Double? {
        var longitude = east
        for round in 1...roundMax {
            guard let arc = Arc(from, to, longitude) else { return nil }
            let c = flattening / 16 * arc.squaredCosine * (4 + flattening * (4 - 3 * arc.squaredCosine))
            let series =
                arc.angle + c * arc.sine * (arc.middle + c * arc.cosine * (2 * arc.middle * arc.middle - 1))
            let next = east + (1 - c) * flattening * arc.azimuthSine * series
            guard abs(next) <= .pi else { return nil }
            if abs(next - longitude) < 1e-15 { return length(arc) }
            // What goes to and fro by its last bits has been found as well: a micrometre at the most.
            if round == roundMax, abs(next - longitude) < 1e-13 { return length(arc) }
            longitude = next
        }
        return nil
    }

    private static func length(_ arc: Arc) -> Double {
        let polarRadius = equatorRadius * (1 - flattening)
        let u = arc.squaredCosine * (equatorRadius * equatorRadius / (polarRadius * polarRadius) - 1)
        let a = 1 + u / 16384 * (4096 + u * (-768 + u * (320 - 175 * u)))
        let b = u / 1024 * (256 + u * (-128 + u * (74 - 47 * u)))
        let square = 2 * arc.middle * arc.middle - 1
        let inner = b / 6 * arc.middle * (4 * arc.sine * arc.sine - 3) * (2 * square - 1)
        let correction = b * arc.sine * (arc.middle + b / 4 * (arc.cosine * square - inner))
        return polarRadius * a * (arc.angle - correction)
    }
}
