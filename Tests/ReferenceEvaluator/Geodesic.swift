import Foundation

/// How distances are measured.
enum MileageFormula: String {
    /// On a sphere of the mean radius.
    case haversine
    /// On the ellipsoid of WGS84.
    case geodesic
}

extension Position {
    /// The distance on the ellipsoid of WGS84 by Vincenty's inverse formula.
    ///
    /// Between nearly opposite places, where it does not settle, the haversine stands in.
    func geodesicKilometres(to other: Position) -> Double {
        let radians = Double.pi / 180
        let (a, f) = (6378.137, 1 / 298.257223563)
        let b = (1 - f) * a
        let (u1, u2) = (atan((1 - f) * tan(latitude * radians)), atan((1 - f) * tan(other.latitude * radians)))
        let l = (other.longitude - longitude) * radians
        var lambda = l
        for round in 0..<200 {
            let first = cos(u2) * sin(lambda)
            let second = cos(u1) * sin(u2) - sin(u1) * cos(u2) * cos(lambda)
            let sinSigma = hypot(first, second)
            if sinSigma == 0 { return 0 }
            let cosSigma = sin(u1) * sin(u2) + cos(u1) * cos(u2) * cos(lambda)
            let sigma = atan2(sinSigma, cosSigma)
            let sinAlpha = cos(u1) * cos(u2) * sin(lambda) / sinSigma
            let cos2Alpha = 1 - sinAlpha * sinAlpha
            // Along the equator cos2Alpha is 0, and so is what this stands for.
            let cos2SigmaM = cos2Alpha == 0 ? 0 : cosSigma - 2 * sin(u1) * sin(u2) / cos2Alpha
            let c = f / 16 * cos2Alpha * (4 + f * (4 - 3 * cos2Alpha))
            let inner = cos2SigmaM + c * cosSigma * (2 * cos2SigmaM * cos2SigmaM - 1)
            let next = l + (1 - c) * f * sinAlpha * (sigma + c * sinSigma * inner)
            let change = abs(next - lambda)
            lambda = next
            guard change < 1e-15 || (round > 30 && change < 1e-12) else { continue }
            let square = cos2Alpha * (a * a - b * b) / (b * b)
            let bigA = 1 + square / 16_384 * (4_096 + square * (square * (320 - 175 * square) - 768))
            let bigB = square / 1_024 * (256 + square * (square * (74 - 47 * square) - 128))
            let last = bigB / 6 * cos2SigmaM * (4 * sinSigma * sinSigma - 3) * (4 * cos2SigmaM * cos2SigmaM - 3)
            let middle = cosSigma * (2 * cos2SigmaM * cos2SigmaM - 1)
            let deltaSigma = bigB * sinSigma * (cos2SigmaM + bigB / 4 * (middle - last))
            return b * bigA * (sigma - deltaSigma)
        }
        return kilometres(to: other)
    }
}
