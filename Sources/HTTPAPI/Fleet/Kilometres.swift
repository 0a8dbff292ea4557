import Glibc
import Publishing

/// Distances as the reports tell them.
enum Kilometres {
    private static let earthRadius = 6371.0088
    private static let radiansOfDegree = 0.0174532925199432957692

    /// Between two places on a sphere, in the same steps as `reporting.distance_km`.
    static func between(_ first: PathPoint, _ second: PathPoint) -> Double {
        let latitudes = sin((second.latitude - first.latitude) * radiansOfDegree / 2)
        let longitudes = sin((second.longitude - first.longitude) * radiansOfDegree / 2)
        let scale = cos(first.latitude * radiansOfDegree) * cos(second.latitude * radiansOfDegree)
        let root = (pow(latitudes, 2) + scale * pow(longitudes, 2)).squareRoot()
        return earthRadius * 2 * asin(min(1, root))
    }

    /// A sum rounded to metres, half away from zero, by its first 15 digits: as PostgreSQL makes a decimal of a double.
    static func roundedToMetres(_ sum: Double) -> Double {
        guard sum.isFinite, sum != 0 else { return 0 }
        let (digits, exponent) = fifteenDigits(sum.magnitude)
        // How many of the digits stand before the fourth decimal.
        let kept = exponent + 4
        guard kept < digits.count else { return sum }
        guard kept >= 0 else { return 0 }
        var metres = digits[..<kept].reduce(0) { $0 * 10 + $1 }
        if digits[kept] >= 5 { metres += 1 }
        let kilometres = Double(metres) / 1000
        return sum < 0 && metres > 0 ? -kilometres : kilometres
    }

    /// The digits of `d.dddddddddddddd × 10^exponent`.
    private static func fifteenDigits(_ number: Double) -> (digits: [Int], exponent: Int) {
        var buffer = [CChar](repeating: 0, count: 32)
        let count = withVaList([number]) { vsnprintf(&buffer, buffer.count, "%.14e", $0) }
        let text = buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }
        let parts = text.split(separator: UInt8(ascii: "e"))
        let digits = parts[0].filter { $0 != UInt8(ascii: ".") }.map { Int($0 - UInt8(ascii: "0")) }
        let exponent = parts.count > 1 ? Int(String(decoding: parts[1], as: UTF8.self)) ?? 0 : 0
        return (digits, exponent)
    }
}
