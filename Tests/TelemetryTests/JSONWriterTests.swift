import SeededRandom
import Telemetry
import Testing

@Suite("JSON writing")
struct JSONWriterTests {
    private func text(_ number: Double) -> String {
        var writer = JSONWriter()
        writer.write(number: number)
        return writer.text
    }

    private func text(microseconds: Int64) -> String {
        var writer = JSONWriter()
        writer.write(Timestamp(microseconds: microseconds))
        return writer.text
    }

    @Test(
        "whole numbers below 2^53 have neither fraction nor exponent, others the shortest text that reads back",
        arguments: [
            (0, "0"), (-0.0, "0"), (5, "5"), (-5, "-5"), (1e15, "1000000000000000"),
            (9_007_199_254_740_991, "9007199254740991"), (-9_007_199_254_740_991, "-9007199254740991"),
            (9_007_199_254_740_992, "9007199254740992.0"), (0.1, "0.1"), (0.1 + 0.2, "0.30000000000000004"),
            (1.0 / 3, "0.3333333333333333"), (1e21, "1e+21"), (1e-7, "1e-07"), (.leastNonzeroMagnitude, "5e-324"),
            (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
        ] as [(Double, String)])
    func numbers(_ number: Double, _ expected: String) {
        #expect(text(number) == expected)
    }

    @Test("a number reads back to the same bits, and is plain where rule 17 says so", arguments: 0..<40)
    func numberRoundTrips(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let any = Double(bitPattern: random.next())
            let whole = Double(Int64.random(in: -(1 << 53)...(1 << 53), using: &random))
            for number in [any, whole, whole / 1024] where number.isFinite {
                let written = text(number)
                #expect(try JSONValue(parsing: written).numberValue == number, "seed \(seed)")
                guard number == number.rounded(), abs(number) < 9_007_199_254_740_992 else { continue }
                #expect(written.allSatisfy { $0.isNumber || $0 == "-" }, "seed \(seed): \(written)")
            }
        }
    }

    @Test(
        "a number with a fraction is written as the general search for the shortest text writes it", arguments: 0..<40)
    func fractions(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var power = 1.0
        for decimals in 1...12 {
            power *= 10
            for _ in 0..<200 {
                let magnitude = Double.random(in: 0...7, using: &random)
                let integer = Double.random(in: -1...1, using: &random) * power * (magnitude * magnitude * magnitude)
                let decimal = integer.rounded() / power
                for number in [decimal, decimal.nextUp, decimal.nextDown, decimal / 1e5] {
                    guard number != number.rounded() else { continue }
                    #expect(text(number) == number.description, "seed \(seed), \(decimals) decimals")
                }
            }
        }
    }

    @Test(
        "a timestamp is seconds with up to six decimals, exactly",
        arguments: [
            (0, "0"), (1, "0.000001"), (-1, "-0.000001"), (500_000, "0.5"), (-500_000, "-0.5"), (1_000_000, "1"),
            (1_700_000_000_123_456, "1700000000.123456"), (1_700_000_000_100_000, "1700000000.1"),
            (1_700_000_000_000_010, "1700000000.00001"), (-1_500_000, "-1.5"),
            (Int64.max, "9223372036854.775807"), (Int64.min, "-9223372036854.775808"),
        ] as [(Int64, String)])
    func timestamps(_ microseconds: Int64, _ expected: String) {
        #expect(text(microseconds: microseconds) == expected)
    }

    @Test("a timestamp reads back to the same microsecond for 200 years", arguments: 0..<20)
    func timestampRoundTrips(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let moment = Timestamp(
                microseconds: Int64.random(in: -3_000_000_000_000_000...4_102_444_800_000_000, using: &random))
            let written = text(microseconds: moment.microseconds)
            let seconds = try #require(try JSONValue(parsing: written).numberValue)
            #expect(Timestamp(seconds: seconds) == moment, "seed \(seed): \(written)")
        }
    }

    @Test("control characters, quotes and backslashes are escaped, all else stays")
    func strings() throws {
        let all = String(String.UnicodeScalarView((0..<0x20).compactMap { Unicode.Scalar($0) })) + "\"\\/\u{7f}é🚚"
        var writer = JSONWriter()
        writer.write(string: all)
        #expect(writer.text.hasPrefix(#""\u0000\u0001"#) && writer.text.hasSuffix("\\u001f\\\"\\\\/\u{7f}é🚚\""))
        #expect(writer.bytes.allSatisfy { $0 >= 0x20 })
        #expect(try JSONValue(parsing: writer.bytes).stringValue == all)
    }

    @Test("what has no JSON form is null: absent values, NaN, infinity")
    func values() {
        var writer = JSONWriter()
        writer.write(literal: "[")
        for value in [nil, .null, .number(.nan), .number(.infinity), .boolean(true), .json("{\"a\":[]}")] as [Value?] {
            writer.separate()
            writer.write(value)
        }
        writer.write(literal: "]")
        #expect(writer.text == #"[null,null,null,null,true,{"a":[]}]"#)
    }

    @Test("an interval's text has begin, end, duration, then the counters as defined")
    func intervals() {
        let interval = Interval(
            begin: Timestamp(microseconds: 1_500_000), end: Timestamp(microseconds: 61_500_001),
            firstOn: Timestamp(microseconds: 1_500_000), isActive: false,
            counters: [.init(name: "b", value: .number(2)), .init(name: "a\"", value: .null)])
        #expect(String(decoding: interval.head, as: UTF8.self) == #"{"begin":1.5,"end":61.500001,"duration":60.000001"#)
        #expect(String(decoding: interval.tail, as: UTF8.self) == #","b":2,"a\"":null}"#)
        #expect(interval.duration == 60.000001)
    }
}
