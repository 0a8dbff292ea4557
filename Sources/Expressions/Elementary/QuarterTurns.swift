/// An angle as a number of quarter turns and the rest, within ±π/4, in two parts.
struct QuarterTurns {
    /// 0 to 3.
    var quarter: Int
    var high: Double
    var low: Double

    init(_ x: Double) {
        guard x.isFinite else {
            self.init(quarter: 0, high: .nan, low: 0)
            return
        }
        self = abs(x) < 1_647_099 ? Self.near(x) : Self.far(x)
    }

    private init(quarter: Int, high: Double, low: Double) {
        self.quarter = quarter
        self.high = high
        self.low = low
    }

    /// Takes away π/2 in three parts, each of so few bits that its multiples are exact.
    private static func near(_ x: Double) -> QuarterTurns {
        let turns = (x * 6.36619772367581382433e-01).rounded(.toNearestOrEven)
        var rest = x - turns * 1.57079632673412561417e+00
        var tail = turns * 6.07710050650619224932e-11
        var high = rest - tail
        if x.exponent - (high == 0 ? -1023 : high.exponent) > 16 {
            var before = rest
            tail = turns * 6.07710050630396597660e-11
            rest = before - tail
            tail = turns * 2.02226624879595063154e-21 - ((before - rest) - tail)
            high = rest - tail
            if x.exponent - (high == 0 ? -1023 : high.exponent) > 49 {
                before = rest
                tail = turns * 2.02226624871116645580e-21
                rest = before - tail
                tail = turns * 8.47842766036889956997e-32 - ((before - rest) - tail)
                high = rest - tail
            }
        }
        return QuarterTurns(quarter: Int(turns) & 3, high: high, low: (rest - high) - tail)
    }

    /// Multiplies by 2/π, of which only 192 bits matter: those above give whole turns, those below nothing.
    private static func far(_ x: Double) -> QuarterTurns {
        let exponent = Int(x.exponent) - 52
        let mantissa = UInt64(x.significandBitPattern | 0x0010_0000_0000_0000)
        let window = (0..<3).map { twoOverPi(from: exponent - 2 + 64 * $0) }
        // The product of the mantissa with the window, without what is above 192 bits.
        let low = window[2].multipliedFullWidth(by: mantissa)
        let middle = window[1].multipliedFullWidth(by: mantissa)
        let (second, carry) = middle.low.addingReportingOverflow(low.high)
        let first = window[0] &* mantissa &+ middle.high &+ (carry ? 1 : 0)
        var quarter = Int(first >> 62)
        var words = [first << 2 | second >> 62, second << 2 | low.low >> 62, low.low << 2]
        let isAbove = words[0] >> 63 == 1
        if isAbove {
            quarter += 1
            words = negated(words)
        }
        let (high, rest) = radians(words)
        let sign: Double = (x < 0) != isAbove ? -1 : 1
        return QuarterTurns(quarter: (x < 0 ? -quarter : quarter) & 3, high: sign * high, low: sign * rest)
    }

    private static func negated(_ words: [UInt64]) -> [UInt64] {
        let low = ~words[2] &+ 1
        let middle = ~words[1] &+ (low == 0 ? 1 : 0)
        return [~words[0] &+ (low == 0 && middle == 0 ? 1 : 0), middle, low]
    }

    /// A fraction of a quarter turn, given as 192 bits, in radians.
    private static func radians(_ words: [UInt64]) -> (high: Double, low: Double) {
        let zeros = words[0] == 0 ? 64 + words[1].leadingZeroBitCount : words[0].leadingZeroBitCount
        let first = bits(words, from: zeros)
        let second = bits(words, from: zeros + 53) >> 11
        let high = Double(first >> 11).scaled(by: -53 - zeros)
        let low = Double(second).scaled(by: -106 - zeros)
        // π/2 in two parts, and the product of the greater parts exactly.
        let product = high * 1.57079632679489655800e+00
        let (a, b) = split(high)
        let (c, d) = split(1.57079632679489655800e+00)
        let error = ((a * c - product) + a * d + b * c) + b * d
        let tail = error + (high * 6.12323399573676603587e-17 + low * 1.57079632679489655800e+00)
        let sum = product + tail
        return (sum, tail - (sum - product))
    }

    /// A number as two of half its bits.
    private static func split(_ x: Double) -> (Double, Double) {
        let scaled = 134_217_729 * x
        let high = scaled - (scaled - x)
        return (high, x - high)
    }

    private static func bits(_ words: [UInt64], from start: Int) -> UInt64 {
        let word = start / 64
        let shift = start % 64
        func at(_ index: Int) -> UInt64 { words.indices.contains(index) ? words[index] : 0 }
        return shift == 0 ? at(word) : at(word) << shift | at(word + 1) >> (64 - shift)
    }

    /// 64 bits of 2/π, the first of them that many places behind the point; before the point are zeros.
    private static func twoOverPi(from place: Int) -> UInt64 { bits([0] + twoOverPiWords, from: place + 64) }

    private static let twoOverPiWords: [UInt64] = [
        0xa2f9_836e_4e44_1529, 0xfc27_57d1_f534_ddc0, 0xdb62_9599_3c43_9041,
        0xfe51_63ab_debb_c561, 0xb724_6e3a_424d_d2e0, 0x0649_2eea_09d1_921c,
        0xfe1d_eb1c_b129_a73e, 0xe882_35f5_2ebb_4484, 0xe99c_7026_b45f_7e41,
        0x3991_d639_8353_39f4, 0x9c84_5f8b_bdf9_283b, 0x1ff8_97ff_de05_980f,
        0xef2f_118b_5a0a_6d1f, 0x6d36_7ecf_27cb_09b7, 0x4f46_3f66_9e5f_ea2d,
        0x7527_bac7_ebe5_f17b, 0x3d07_39f7_8a52_92ea, 0x6bfb_5fb1_1f8d_5d08,
        0x5603_3046_fc7b_6bab, 0xf0cf_bc20_9af4_361d,
    ]
}
