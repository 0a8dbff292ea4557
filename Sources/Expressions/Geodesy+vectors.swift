/// Four distances at once, with the same bits as one at a time: the same operations in the same order.
extension Geodesy {
    private typealias Vector = SIMD4<Double>

    /// The distances from each position to the next by the haversine formula.
    static func distances(
        _ latitudes: UnsafePointer<Double>, _ longitudes: UnsafePointer<Double>, count: Int
    ) -> [Double] {
        guard count > 1 else { return [] }
        return [Double](unsafeUninitializedCapacity: count - 1) { result, filled in
            guard let result = result.baseAddress else { return }
            filled = count - 1
            var index = 0
            var areShort = SIMDMask<SIMD4<Int64>>(repeating: true)
            // Each load and store takes the four from the index on, and a load the next four too.
            while index &+ 4 <= filled {
                let (latitude, longitude) = (load(latitudes + index), load(longitudes + index))
                let (nextLatitude, nextLongitude) = (load(latitudes + index + 1), load(longitudes + index + 1))
                let x = (nextLatitude - latitude) * halfDegree
                let y = (nextLongitude - longitude) * halfDegree
                let (x2, y2) = (x * x, y * y)
                areShort = areShort .& (x2 .< shortStepMax) .& (y2 .< shortStepMax)
                let legs = shortDistances(x2, y2, (latitude + nextLatitude) * halfDegree)
                UnsafeMutableRawPointer(result + index).storeBytes(of: legs, as: Vector.self)
                index &+= 4
            }
            // What is left, or all of it where a step was long.
            for index in (all(areShort) ? index : 0)..<filled {
                result[index] = distance(
                    latitudes[index], longitudes[index], latitudes[index + 1], longitudes[index + 1])
            }
        }
    }

    @inline(__always)
    private static func load(_ numbers: UnsafePointer<Double>) -> Vector {
        UnsafeRawPointer(numbers).loadUnaligned(as: Vector.self)
    }

    /// `shortDistance`
    @inline(__always)
    private static func shortDistances(_ x2: Vector, _ y2: Vector, _ middle: Vector) -> Vector {
        let c = cosines(middle)
        let sx = squaredSines(x2)
        let sy = squaredSines(y2)
        let h = sx + (c * c - sx) * sy
        var series = 3.0 / 40 + h * (15.0 / 336)
        series = 1.0 / 6 + h * series
        series = 1 + h * series
        let root = h.squareRoot() * (2 * earthRadius)
        return root * series
    }

    /// `squaredSine`
    @inline(__always)
    private static func squaredSines(_ z: Vector) -> Vector {
        var r = Vector(repeating: 2.0 / 45) - z * (1.0 / 315)
        r = 1.0 / 3 - z * r
        r = 1 - z * r
        return z * r
    }

    /// `cosine`
    @inline(__always)
    private static func cosines(_ x: Vector) -> Vector {
        let z = x * x
        var r = Vector(repeating: 1 / 2_432_902_008_176_640_000.0)
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
}
