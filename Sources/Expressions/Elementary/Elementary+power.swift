extension Elementary {
    /// x to the power of y, with the special cases of IEEE 754; NaN for a negative x and a y that is not whole.
    public static func pow(_ x: Double, _ y: Double) -> Double {
        if y == 0 || x == 1 { return 1 }
        if x.isNaN || y.isNaN { return .nan }
        let isOdd = isOddInteger(y)
        if y.isInfinite {
            if abs(x) == 1 { return 1 }
            return (abs(x) > 1) == (y > 0) ? .infinity : 0
        }
        if x == 0 || x.isInfinite {
            let isLarge = (x == 0) == (y < 0)
            let magnitude = isLarge ? Double.infinity : 0
            return x.sign == .minus && isOdd ? -magnitude : magnitude
        }
        if x < 0, y != y.rounded(.towardZero) { return .nan }
        if y == 1 { return x }
        if y == 0.5, x > 0 { return x.squareRoot() }
        let magnitude = abs(x) == 1 ? 1 : positivePower(abs(x), y)
        return x < 0 && isOdd ? -magnitude : magnitude
    }

    private static func isOddInteger(_ y: Double) -> Bool {
        guard abs(y) < 0x1p53, y == y.rounded(.towardZero) else { return false }
        return Int64(y) & 1 == 1
    }

    private static func positivePower(_ x: Double, _ y: Double) -> Double {
        // Beyond this every result is 0 or infinity, save for a base next to 1.
        if abs(y) > 0x1p65 { return (x > 1) == (y > 0) ? .infinity : 0 }
        let (high, low) = binaryLogarithm(x)
        let upper = y.upperHalf
        let rest = (y - upper) * high + y * low
        let product = upper * high
        return exp2(product, rest)
    }

    /// log2(x) in two parts, to about 68 bits.
    private static func binaryLogarithm(_ x: Double) -> (high: Double, low: Double) {
        var exponent = 0
        var number = x
        if number < 0x1p-1022 {
            number *= 0x1p53
            exponent = -53
        }
        let bits = number.bitPattern
        exponent += Int(bits >> 52) - 1023
        var mantissa = Double(bitPattern: (bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000)
        // Near 1, 1.5 or 2: the logarithm of the quotient is small.
        var base = 1.0
        if mantissa >= 1.7320508075688772 {
            exponent += 1
            mantissa /= 2
        } else if mantissa > 1.2247448713915890 {
            base = 1.5
        }
        let u = mantissa - base
        let v = 1 / (mantissa + base)
        let s = u * v
        let sHigh = s.upperHalf
        let tHigh = (mantissa + base).upperHalf
        let tLow = mantissa - (tHigh - base)
        let sLow = v * ((u - sHigh * tHigh) - sHigh * tLow)
        return combined(s, sHigh, sLow, Double(exponent), isNearMiddle: base != 1)
    }

    /// log2 from s = (x - base) / (x + base): the series, then the change of base in two parts.
    private static func combined(
        _ s: Double, _ sHigh: Double, _ sLow: Double, _ exponent: Double, isNearMiddle: Bool
    ) -> (high: Double, low: Double) {
        let square = s * s
        let series =
            5.99999999999994648725e-01 + square
            * (4.28571428578550184252e-01 + square
                * (3.33333329818377432918e-01 + square
                    * (2.72728123808534006489e-01 + square
                        * (2.30660745775561754067e-01 + square * 2.06975017800338417784e-01))))
        let r = square * square * series + sLow * (sHigh + s)
        let exact = sHigh * sHigh
        let tHigh = (3 + exact + r).upperHalf
        let tLow = r - ((tHigh - 3) - exact)
        let u = sHigh * tHigh
        let v = sLow * tHigh + tLow * s
        let pHigh = (u + v).upperHalf
        let pLow = v - (pHigh - u)
        let zHigh = 9.61796700954437255859e-01 * pHigh
        let offsetHigh = isNearMiddle ? 5.84962487220764160156e-01 : 0
        let offsetLow = isNearMiddle ? 1.35003920212974897128e-08 : 0
        let zLow = -7.02846165095275826516e-09 * pHigh + pLow * 9.61796693925975554329e-01 + offsetLow
        let high = (((zHigh + zLow) + offsetHigh) + exponent).upperHalf
        return (high, zLow - (((high - exponent) - offsetHigh) - zHigh))
    }

    /// 2 to the power of a sum.
    private static func exp2(_ high: Double, _ low: Double) -> Double {
        let sum = high + low
        if sum > 1024 { return .infinity }
        if sum < -1080 { return 0 }
        let whole = sum.rounded(.toNearestOrEven)
        let rest = high - whole
        let t = (low + rest).upperHalf
        let u = t * 6.93147182464599609375e-01
        let v = (low - (t - rest)) * 6.93147180559945286227e-01 + t * -1.90465429995776804525e-09
        let z = u + v
        let w = v - (z - u)
        let square = z * z
        let c =
            z - square
            * (1.66666666666666019037e-01 + square
                * (-2.77777777770155933842e-03 + square
                    * (6.61375632143793436117e-05 + square
                        * (-1.65339022054652515390e-06 + square * 4.13813679705723846039e-08))))
        let r = (z * c) / (c - 2) - (w + z * w)
        return (1 - (r - z)).scaled(by: Int(whole))
    }
}
