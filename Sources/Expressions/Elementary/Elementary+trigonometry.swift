extension Elementary {
    /// The sine of an angle in radians; NaN for infinity.
    public static func sin(_ x: Double) -> Double {
        if abs(x) <= 0.78539816339744828 { return kernelSine(x, 0) }
        let angle = QuarterTurns(x)
        switch angle.quarter {
        case 0: return kernelSine(angle.high, angle.low)
        case 1: return kernelCosine(angle.high, angle.low)
        case 2: return -kernelSine(angle.high, angle.low)
        default: return -kernelCosine(angle.high, angle.low)
        }
    }

    /// The cosine of an angle in radians; NaN for infinity.
    public static func cos(_ x: Double) -> Double {
        if abs(x) <= 0.78539816339744828 { return kernelCosine(x, 0) }
        let angle = QuarterTurns(x)
        switch angle.quarter {
        case 0: return kernelCosine(angle.high, angle.low)
        case 1: return -kernelSine(angle.high, angle.low)
        case 2: return -kernelCosine(angle.high, angle.low)
        default: return kernelSine(angle.high, angle.low)
        }
    }

    /// The tangent of an angle in radians; NaN for infinity.
    public static func tan(_ x: Double) -> Double {
        if x == 0 { return x }
        if abs(x) <= 0.78539816339744828 { return kernelTangent(x, 0, isInverse: false) }
        let angle = QuarterTurns(x)
        return kernelTangent(angle.high, angle.low, isInverse: angle.quarter & 1 == 1)
    }

    /// sin(x + y) for |x| up to π/4 and a tiny y.
    @inline(__always)
    private static func kernelSine(_ x: Double, _ y: Double) -> Double {
        let z = x * x
        let v = z * x
        let r =
            8.33333333332248946124e-03 + z
            * (-1.98412698298579493134e-04 + z
                * (2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))
        return x - ((z * (0.5 * y - v * r) - y) - v * -1.66666666666666324348e-01)
    }

    /// cos(x + y) for |x| up to π/4 and a tiny y.
    @inline(__always)
    private static func kernelCosine(_ x: Double, _ y: Double) -> Double {
        let z = x * x
        let w = z * z
        let r =
            z * (4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * 2.48015872894767294178e-05)) + w
            * w
            * (-2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))
        let half = 0.5 * z
        let main = 1 - half
        return main + (((1 - main) - half) + (z * r - x * y))
    }

    /// tan(x + y) for |x| up to π/4 and a tiny y, or minus its inverse.
    private static func kernelTangent(_ angle: Double, _ tail: Double, isInverse: Bool) -> Double {
        let isLarge = abs(angle) >= 0.6743316650390625
        var x = angle
        var y = tail
        if isLarge {
            // tan(x) = tan(π/4 - (π/4 - x)).
            let sign = angle < 0 ? -1.0 : 1
            x = (7.85398163397448278999e-01 - sign * angle) + (3.06161699786838301793e-17 - sign * tail)
            y = 0
        }
        let z = x * x
        let s = z * x
        let r = y + z * (s * tangentSeries(z) + y) + 3.33333333333334091986e-01 * s
        let w = x + r
        if isLarge {
            let v = isInverse ? -1.0 : 1
            return (angle < 0 ? -1.0 : 1) * (v - 2 * (x - (w * w / (w + v) - r)))
        }
        guard isInverse else { return w }
        let upper = w.upperHalf
        let rest = r - (upper - x)
        let quotient = -1 / w
        let t = quotient.upperHalf
        return t + quotient * ((1 + t * upper) + t * rest)
    }

    private static func tangentSeries(_ z: Double) -> Double {
        let w = z * z
        let odd =
            1.33333333333201242699e-01 + w
            * (2.18694882948595424599e-02 + w
                * (3.59207910759131235356e-03 + w
                    * (5.88041240820264096874e-04 + w
                        * (7.81794442939557092300e-05 + w * -1.85586374855275456654e-05))))
        let even =
            z
            * (5.39682539762260521377e-02 + w
                * (8.86323982359930005737e-03 + w
                    * (1.45620945432529025516e-03 + w
                        * (2.46463134818469906812e-04 + w
                            * (7.14072491382608190305e-05 + w * 2.59073051863633712884e-05)))))
        return odd + even
    }
}
