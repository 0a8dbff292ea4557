import Expressions
import Glibc
import SeededRandom
import Testing

@Suite("Exponentials, logarithms and angles of our own")
struct ElementaryTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var own: @Sendable (Double) -> Double
        var other: @Sendable (Double) -> Double
        /// Arguments are taken from here, in a linear and, above 0, in a logarithmic spread.
        var range: ClosedRange<Double>
        /// How far apart they may be; the C library's own decimal logarithm is off by up to two units.
        var units = 1.0
    }

    /// Whether two numbers are at most that many units in the last place apart.
    private static func agree(_ found: Double, _ expected: Double, units: Double = 1) -> Bool {
        if found.isNaN || expected.isNaN { return found.isNaN && expected.isNaN }
        if found == expected { return true }
        return abs(found - expected) <= units * max(expected.ulp, found.ulp)
    }

    static let cases: [Case] = [
        Case(testDescription: "exp", own: Elementary.exp, other: { Glibc.exp($0) }, range: -760...720),
        Case(testDescription: "exp of small", own: Elementary.exp, other: { Glibc.exp($0) }, range: -2...2),
        Case(testDescription: "log", own: Elementary.log, other: { Glibc.log($0) }, range: 0...1e300),
        Case(testDescription: "log near 1", own: Elementary.log, other: { Glibc.log($0) }, range: 0.5...2),
        Case(testDescription: "log10", own: Elementary.log10, other: { Glibc.log10($0) }, range: 0...1e300, units: 2),
        Case(
            testDescription: "log10 near 1", own: Elementary.log10, other: { Glibc.log10($0) }, range: 0.5...2, units: 3
        ),
        Case(testDescription: "sin", own: Elementary.sin, other: { Glibc.sin($0) }, range: -7...7),
        Case(testDescription: "sin of many turns", own: Elementary.sin, other: { Glibc.sin($0) }, range: -2e6...2e6),
        Case(testDescription: "sin of huge", own: Elementary.sin, other: { Glibc.sin($0) }, range: 1e6...1e308),
        Case(testDescription: "cos", own: Elementary.cos, other: { Glibc.cos($0) }, range: -7...7),
        Case(testDescription: "cos of many turns", own: Elementary.cos, other: { Glibc.cos($0) }, range: -2e6...2e6),
        Case(testDescription: "cos of huge", own: Elementary.cos, other: { Glibc.cos($0) }, range: 1e6...1e308),
        Case(testDescription: "tan", own: Elementary.tan, other: { Glibc.tan($0) }, range: -7...7),
        Case(testDescription: "tan of huge", own: Elementary.tan, other: { Glibc.tan($0) }, range: 1e3...1e308),
        Case(testDescription: "asin", own: Elementary.asin, other: { Glibc.asin($0) }, range: -1...1),
        Case(testDescription: "acos", own: Elementary.acos, other: { Glibc.acos($0) }, range: -1...1),
        Case(testDescription: "atan", own: Elementary.atan, other: { Glibc.atan($0) }, range: -10...10),
        Case(testDescription: "atan of large", own: Elementary.atan, other: { Glibc.atan($0) }, range: 0...1e300),
    ]

    @Test("agrees with the C library within a unit in the last place", arguments: cases, [0, 1, 2] as [UInt64])
    func agreement(_ test: Case, _ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var worst = 0.0
        for trial in 0..<20_000 {
            var x = Double.random(in: test.range, using: &random)
            if trial % 2 == 1, test.range.upperBound > 1e100 {
                let low = test.range.lowerBound > 0 ? Glibc.log10(test.range.lowerBound) : -307
                x = Glibc.pow(10, Double.random(in: low...Glibc.log10(test.range.upperBound), using: &random))
            } else if trial % 4 == 1 {
                x *= Glibc.pow(10, Double.random(in: -18...0, using: &random))
                x = min(max(x, test.range.lowerBound), test.range.upperBound)
            }
            let (found, expected) = (test.own(x), test.other(x))
            let apart = abs(found - expected) / expected.ulp
            if apart.isFinite { worst = max(worst, apart) }
            #expect(
                Self.agree(found, expected, units: test.units),
                "seed \(seed): \(test.testDescription)(\(x)) \(found) \(expected)")
        }
        #expect(worst <= test.units)
    }

    @Test("powers agree with the C library within a unit in the last place", arguments: 0..<6 as Range<UInt64>)
    func powers(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for trial in 0..<20_000 {
            var x = Glibc.pow(10, Double.random(in: -300...300, using: &random))
            if trial % 3 == 1 { x = Double.random(in: 0.5...2, using: &random) }
            if trial % 3 == 2 { x = Double(Int.random(in: -20...20, using: &random)) }
            var y = Double.random(in: -20...20, using: &random)
            if trial % 4 == 1 { y = y.rounded() }
            if trial % 4 == 2 { y *= Glibc.pow(10, Double.random(in: -5...3, using: &random)) }
            #expect(Self.agree(Elementary.pow(x, y), Glibc.pow(x, y)), "seed \(seed): pow(\(x), \(y))")
        }
    }

    private static let special: [Double] = [
        0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1e300, -1e300, 0x1p-1030, .leastNonzeroMagnitude,
        -.leastNonzeroMagnitude, .infinity, -.infinity, .nan,
        2.5, 0x1p53, 0x1p54, -0x1p53 + 1, 709.78, -745.2, .pi, .pi / 2, .pi / 4, 10, 1000, 1e22,
        6.381956970095103e+307, 1647099, 823549.5, 0.6743316650390625, 0.9999999999999999, 1.0000000000000002,
    ]

    @Test("special arguments give what the C library gives, signs of zero included")
    func specials() {
        func expect(_ found: Double, _ expected: Double, _ what: String) {
            #expect(Self.agree(found, expected), "\(what): \(found) \(expected)")
            if expected == 0 { #expect(found == 0 && found.sign == expected.sign, "\(what): \(found) \(expected)") }
        }
        for x in Self.special {
            expect(Elementary.exp(x), Glibc.exp(x), "exp \(x)")
            expect(Elementary.log(x), Glibc.log(x), "log \(x)")
            expect(Elementary.log10(x), Glibc.log10(x), "log10 \(x)")
            expect(Elementary.sin(x), Glibc.sin(x), "sin \(x)")
            expect(Elementary.cos(x), Glibc.cos(x), "cos \(x)")
            expect(Elementary.tan(x), Glibc.tan(x), "tan \(x)")
            expect(Elementary.asin(x), Glibc.asin(x), "asin \(x)")
            expect(Elementary.acos(x), Glibc.acos(x), "acos \(x)")
            expect(Elementary.atan(x), Glibc.atan(x), "atan \(x)")
            for y in Self.special {
                expect(Elementary.pow(x, y), Glibc.pow(x, y), "pow \(x) \(y)")
                expect(Elementary.atan2(x, y), Glibc.atan2(x, y), "atan2 \(x) \(y)")
            }
        }
    }

    @Test("points all around give their angles", arguments: 0..<4 as Range<UInt64>)
    func angles(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<10_000 {
            let scale = Glibc.pow(10, Double.random(in: -20...20, using: &random))
            let (y, x) = (Double.random(in: -1...1, using: &random), scale * Double.random(in: -1...1, using: &random))
            #expect(Self.agree(Elementary.atan2(y, x), Glibc.atan2(y, x)), "seed \(seed): atan2(\(y), \(x))")
        }
    }

    @Test("whole powers of ten have whole logarithms")
    func powersOfTen() {
        for power in 0...22 {
            let number = (0..<power).reduce(1.0) { result, _ in result * 10 }
            #expect(Elementary.log10(number) == Double(power) && Elementary.pow(10, Double(power)) == number)
        }
    }

    /// Fixed for ever, on every processor: stored intervals depend on them.
    @Test("the bits of the results are these")
    func bits() {
        let results = [
            Elementary.exp(1.234), Elementary.log(5.678), Elementary.log10(5.678), Elementary.pow(1.234, 5.678),
            Elementary.sin(12.34), Elementary.cos(12.34), Elementary.tan(12.34), Elementary.sin(1e22),
            Elementary.asin(0.77), Elementary.acos(0.77), Elementary.atan(1.77), Elementary.atan2(-3, 4),
        ]
        #expect(results.map(\.bitPattern) == Self.expectedBits, "\(results.map(\.bitPattern))")
    }

    private static let expectedBits: [UInt64] = [
        4_614_917_220_242_188_218, 4_610_499_766_043_376_356, 4_604_968_407_683_709_022, 4_614_612_905_405_242_682,
        13_820_626_440_294_413_497, 4_606_952_621_717_187_896, 13_820_838_146_129_683_519, 13_829_223_199_258_964_887,
        4_606_091_116_911_621_362, 4_604_407_797_682_988_350, 4_607_437_012_685_875_439, 13_827_343_399_107_600_097,
    ]
}
