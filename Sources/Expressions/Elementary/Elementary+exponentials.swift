extension Elementary {
    static let ln2High = 6.93147180369123816490e-01
    static let ln2Low = 1.90821492927058770002e-10

    /// e to the power of x; infinity where that is too large.
    public static func exp(_ x: Double) -> Double {
        guard x < 709.782712893383973096 else { return x.isNaN ? x : .infinity }
        guard x > -745.13321910194110842 else { return 0 }
        var power = 0
        var high = x
        var low = 0.0
        if abs(x) > 0.34657359027997264 {
            power = Int(1.44269504088896338700 * x + (x < 0 ? -0.5 : 0.5))
            high = x - Double(power) * ln2High
            low = Double(power) * ln2Low
        }
        let r = high - low
        let t = r * r
        let even =
            t
            * (1.66666666666666019037e-01 + t
                * (-2.77777777770155933842e-03 + t
                    * (6.61375632143793436117e-05 + t
                        * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))))
        let c = r - even
        if power == 0 { return 1 - ((r * c) / (c - 2) - r) }
        return (1 - ((low - (r * c) / (2 - c)) - high)).scaled(by: power)
    }

    /// The natural logarithm; NaN below 0, minus infinity at 0.
    public static func log(_ x: Double) -> Double {
        guard let (f, power) = reduced(x) else { return limit(x) }
        let half = 0.5 * f * f
        let r = logTail(f)
        return (r.s * (half + r.tail) + power * ln2Low - half) + f + power * ln2High
    }

    /// The decimal logarithm; exact for powers of ten.
    public static func log10(_ x: Double) -> Double {
        guard let (f, power) = reduced(x) else { return limit(x) }
        let half = 0.5 * f * f
        let r = logTail(f)
        let high = (f - half).upperHalf
        let low = (f - high) - half + r.s * (half + r.tail)
        let product = high * 4.34294481878168880939e-01
        let whole = power * 3.01029995663611771306e-01
        let rest =
            power * 3.69423907715893078616e-13 + (low + high) * 2.50829467116452752298e-11 + low
            * 4.34294481878168880939e-01
        let sum = whole + product
        return (rest + ((whole - sum) + product)) + sum
    }

    /// x as 2^power * (1 + f), 1 + f from √½ to √2; nil for what has no logarithm.
    private static func reduced(_ x: Double) -> (f: Double, power: Double)? {
        guard x > 0, x < .infinity else { return nil }
        let isSubnormal = x < 0x1p-1022
        let bits = (isSubnormal ? x * 0x1p54 : x).bitPattern
        // Adds what makes √2 the border between one power and the next.
        let shifted = bits &+ (0x3ff0_0000_0000_0000 &- 0x3fe6_a09e_0000_0000)
        let power = Int(shifted >> 52) - 1023 - (isSubnormal ? 54 : 0)
        let mantissa = Double(bitPattern: (shifted & 0x000f_ffff_ffff_ffff) &+ 0x3fe6_a09e_0000_0000)
        return (mantissa - 1, Double(power))
    }

    private static func limit(_ x: Double) -> Double { x == 0 ? -.infinity : x == .infinity ? x : .nan }

    /// s = f / (2 + f), and the series in s² that log(1 + f) needs beyond f - f²/2.
    @inline(__always)
    private static func logTail(_ f: Double) -> (s: Double, tail: Double) {
        let s = f / (2 + f)
        let z = s * s
        let w = z * z
        let odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
        let even =
            z
            * (6.666666666666735130e-01 + w
                * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)))
        return (s, even + odd)
    }
}
