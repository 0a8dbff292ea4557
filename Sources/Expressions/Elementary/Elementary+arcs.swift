extension Elementary {
    private static let halfPi = 1.57079632679489655800e+00
    private static let halfPiTail = 6.12323399573676603587e-17

    /// The angle from -π/2 to π/2 with that sine; NaN beyond ±1.
    public static func asin(_ x: Double) -> Double {
        let magnitude = abs(x)
        guard magnitude < 1 else { return magnitude == 1 ? x * halfPi + x * halfPiTail : .nan }
        if magnitude < 0.5 { return magnitude < 0x1p-27 ? x : x + x * arcRatio(x * x) }
        let z = (1 - magnitude) * 0.5
        let s = z.squareRoot()
        let r = arcRatio(z)
        var angle: Double
        if magnitude >= 0.975 {
            angle = halfPi - (2 * (s + s * r) - halfPiTail)
        } else {
            let f = s.upperHalf
            let c = (z - f * f) / (s + f)
            angle = 0.5 * halfPi - (2 * s * r - (halfPiTail - 2 * c) - (0.5 * halfPi - 2 * f))
        }
        if x < 0 { angle = -angle }
        return angle
    }

    /// The angle from 0 to π with that cosine; NaN beyond ±1.
    public static func acos(_ x: Double) -> Double {
        let magnitude = abs(x)
        guard magnitude < 1 else { return x == 1 ? 0 : x == -1 ? 2 * halfPi + 2 * halfPiTail : .nan }
        if magnitude < 0.5 {
            if magnitude < 0x1p-57 { return halfPi + halfPiTail }
            return halfPi - (x - (halfPiTail - x * arcRatio(x * x)))
        }
        let z = (1 - magnitude) * 0.5
        let s = z.squareRoot()
        if x < 0 { return 2 * (halfPi - (s + (arcRatio(z) * s - halfPiTail))) }
        let f = s.upperHalf
        let c = (z - f * f) / (s + f)
        return 2 * (f + (arcRatio(z) * s + c))
    }

    /// (asin(x) - x) / x, from x².
    @inline(__always)
    private static func arcRatio(_ z: Double) -> Double {
        let p =
            z
            * (1.66666666666666657415e-01 + z
                * (-3.25565818622400915405e-01 + z
                    * (2.01212532134862925881e-01 + z
                        * (-4.00555345006794114027e-02 + z
                            * (7.91534994289814532176e-04 + z * 3.47933107596021167570e-05)))))
        let q =
            1 + z
            * (-2.40339491173441421878e+00 + z
                * (2.02094576023350569471e+00 + z * (-6.88283971605453293030e-01 + z * 7.70381505559019352791e-02)))
        return p / q
    }

    /// The angle from -π/2 to π/2 with that tangent.
    public static func atan(_ x: Double) -> Double {
        let magnitude = abs(x)
        guard magnitude < 0x1p66 else { return x.isNaN ? x : x < 0 ? -halfPi - halfPiTail : halfPi + halfPiTail }
        if magnitude < 0.4375 { return magnitude < 0x1p-27 ? x : x - x * arctangentSeries(x) }
        let (reduced, high, low): (Double, Double, Double) =
            if magnitude < 0.6875 {
                ((2 * magnitude - 1) / (2 + magnitude), 4.63647609000806093515e-01, 2.26987774529616870924e-17)
            } else if magnitude < 1.1875 {
                ((magnitude - 1) / (magnitude + 1), 7.85398163397448278999e-01, 3.06161699786838301793e-17)
            } else if magnitude < 2.4375 {
                ((magnitude - 1.5) / (1 + 1.5 * magnitude), 9.82793723247329054082e-01, 1.39033110312309984516e-17)
            } else {
                (-1 / magnitude, halfPi, halfPiTail)
            }
        let angle = high - ((reduced * arctangentSeries(reduced) - low) - reduced)
        return x < 0 ? -angle : angle
    }

    /// 1 - atan(x) / x.
    @inline(__always)
    private static func arctangentSeries(_ x: Double) -> Double {
        let z = x * x
        let w = z * z
        let even =
            z
            * (3.33333333333329318027e-01 + w
                * (1.42857142725034663711e-01 + w
                    * (9.09088713343650656196e-02 + w
                        * (6.66107313738753120669e-02 + w
                            * (4.97687799461593236017e-02 + w * 1.62858201153657823623e-02)))))
        let odd =
            w
            * (-1.99999999998764832476e-01 + w
                * (-1.11111104054623557880e-01 + w
                    * (-7.69187620504482999495e-02 + w
                        * (-5.83357013379057348645e-02 + w * -3.65315727442169155270e-02))))
        return even + odd
    }

    /// The angle from -π to π of the point (x, y), counted from the x axis.
    public static func atan2(_ y: Double, _ x: Double) -> Double {
        if x.isNaN || y.isNaN { return .nan }
        let isLeft = x.sign == .minus
        let isBelow = y.sign == .minus
        var angle: Double
        if y == 0 || (x.isInfinite && y.isFinite) {
            angle = isLeft ? .pi : 0
        } else if x == 0 || (y.isInfinite && x.isFinite) {
            angle = halfPi
        } else if x.isInfinite {
            angle = isLeft ? 3 * 7.85398163397448278999e-01 : 7.85398163397448278999e-01
        } else {
            angle = atan(abs(y / x))
            if isLeft { angle = 3.1415926535897931160e+00 - (angle - 1.2246467991473531772e-16) }
        }
        return isBelow ? -angle : angle
    }
}
