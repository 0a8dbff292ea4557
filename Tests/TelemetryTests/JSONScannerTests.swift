import SeededRandom
import Telemetry
import Testing

@Suite("JSON texts")
struct JSONScannerTests {
    @Test(
        "what RFC 8259 allows is read",
        arguments: [
            ("null", JSONValue.null), (" true\n", .boolean(true)), ("\tfalse\r\n", .boolean(false)),
            ("0", .number(0)), ("-0", .number(0)), ("-0.0", .number(0)), ("10", .number(10)),
            ("1.5", .number(1.5)), ("-1.25e2", .number(-125)), ("1E+2", .number(100)), ("1e-2", .number(0.01)),
            ("0e0", .number(0)), ("0.000000000000000000000001", .number(1e-24)), ("1e-400", .number(0)),
            ("123456789012345678901234567890", .number(1.2345678901234568e29)),
            ("\"\"", .string("")), ("\"a\u{7f}é漢🚚\"", .string("a\u{7f}é漢🚚")),
            (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{c}\n\r\t")),
            (#""\u0041\u00e9\u6F22\u0000""#, .string("Aé漢\u{0}")), (#""\ud83d\ude9A""#, .string("🚚")),
            ("\"\\ud7ff\\ue000\"", .string("\u{d7ff}\u{e000}")), (#""\udbff\udfff""#, .string("\u{10ffff}")),
            ("[]", .array([])), ("[ ]", .array([])), ("{ }", .object([])), ("[1 , [2]]", .array([1, [2]])),
            (#"{"a":1,"":{}}"#, .object([.init("a", .number(1)), .init("", .object([]))])),
        ] as [(String, JSONValue)])
    func accepted(_ text: String, _ expected: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == expected)
    }

    @Test(
        "what RFC 8259 forbids is refused at its place",
        arguments: [
            ("", 1, 1), ("   ", 1, 4), ("nul", 1, 1), ("True", 1, 1), ("NaN", 1, 1), ("Infinity", 1, 1),
            ("-", 1, 1), ("+1", 1, 1), (".5", 1, 1), ("5.", 1, 3), ("5.e1", 1, 3), ("01", 1, 1), ("-01", 1, 1),
            ("1e", 1, 3), ("1e+", 1, 4), ("0x10", 1, 2), ("1 2", 1, 3), ("1e400", 1, 1), ("-1e400", 1, 1),
            ("\"a", 1, 1), ("\"a\nb\"", 1, 3), ("\"\u{1}\"", 1, 2), (#""\x""#, 1, 2), (#""\u12g4""#, 1, 6),
            (#""\u123""#, 1, 7), (#""\ud800""#, 1, 2), (#""\ud800x""#, 1, 2), (#""\ud800\u0041""#, 1, 2),
            (#""ab\udc00""#, 1, 4), (#""\udc00\ud800""#, 1, 2), ("[1,]", 1, 4), ("[1", 1, 3), ("[1 2]", 1, 4),
            ("[", 1, 2), ("]", 1, 1), ("{\"a\":1,}", 1, 8), ("{\"a\"}", 1, 5), ("{\"a\":}", 1, 6), ("{a:1}", 1, 2),
            ("{\"a\":1\n\"b\":2}", 2, 1), ("[1,\n 2,\n  x]", 3, 3), ("{}x", 1, 3), ("'a'", 1, 1), ("[1}", 1, 3),
            ("// c\n1", 1, 1), ("\u{feff}1", 1, 1), ("\u{a0}1", 1, 1),
        ])
    func refused(_ text: String, _ line: Int, _ column: Int) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(error?.line == line && error?.column == column, "\(text) gave \(error?.description ?? "nothing")")
    }

    @Test(
        "bytes that are not UTF-8 are refused, in strings and in keys",
        arguments: [
            [0x80], [0xc3], [0xc0, 0xaf], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff],
        ] as [[UInt8]])
    func encoding(_ bytes: [UInt8]) {
        let quoted = Array("\"a".utf8) + bytes + Array("\"".utf8)
        let escaped = Array("\"\\n".utf8) + bytes + Array("\"".utf8)
        for text in [quoted, escaped, Array("{".utf8) + quoted + Array(":1}".utf8), Array("[".utf8) + bytes] {
            #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        }
    }

    @Test("64 levels are read, 65 are refused, a million do no harm")
    func depth() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels - 1) + "1" + String(repeating: "]", count: levels - 1)
        }
        _ = try JSONValue(parsing: nested(JSONScanner.depthMax))
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: nested(JSONScanner.depthMax + 1)) }
        #expect(error?.column == JSONScanner.depthMax + 1)
        #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "[", count: 1_000_000)) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "{\"a\":", count: 200_000)) }
    }

    @Test("integers beyond 2^53 are rounded as IEEE 754 says")
    func bigIntegers() throws {
        #expect(try JSONValue(parsing: "9007199254740992") == .number(9_007_199_254_740_992))
        #expect(try JSONValue(parsing: "9007199254740993") == .number(9_007_199_254_740_992))
        #expect(try JSONValue(parsing: "9007199254740995") == .number(9_007_199_254_740_996))
        #expect(try JSONValue(parsing: "18446744073709551616") == .number(18_446_744_073_709_551_616))
        #expect(try JSONValue(parsing: "99999999999999999999") == .number(1e20))
    }

    @Test("a repeated key keeps its first place and its last value")
    func repeatedKeys() throws {
        let value = try JSONValue(parsing: #"{"a":1,"b":2,"\u0061":3}"#)
        #expect(value == .object([.init("a", .number(3)), .init("b", .number(2))]))
        #expect(value.text == #"{"a":3,"b":2}"#)
    }

    @Test("keys of other bytes are other keys, though they look alike")
    func keysByBytes() throws {
        let value = try JSONValue(parsing: "{\"\u{e9}\":1,\"e\u{301}\":2}")
        #expect(value.members?.count == 2)
    }

    @Test("doubles are read to the last bit", arguments: 0..<40)
    func doubles(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let number = Double(bitPattern: random.next())
            guard number.isFinite else { continue }
            #expect(try JSONValue(parsing: number.description).numberValue == number, "seed \(seed)")
            let short = Double(Int64.random(in: -(1 << 54)...(1 << 54), using: &random)) / 1000
            #expect(try JSONValue(parsing: short.description).numberValue == short, "seed \(seed)")
        }
    }

    @Test("a value written and read again is the same, and its text as well", arguments: 0..<200)
    func roundTrip(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let value = JSONValue.random(depth: 5, &random)
        let text = value.text
        let again = try JSONValue(parsing: text)
        #expect(again == value, "seed \(seed)")
        #expect(again.text == text, "seed \(seed)")
    }

    @Test("no bytes make it trap", arguments: 0..<100)
    func fuzz(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array(#"{}[]:,"\u0d8eE+-.1290 tfn"#.utf8) + [0x0a, 0x00, 0x80, 0xc3, 0xff]
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 0..<24, using: &random)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
            }
            guard let value = try? JSONValue(parsing: text) else { continue }
            #expect((try? JSONValue(parsing: value.text)) == value, "seed \(seed)")
        }
    }

    @Test("a plain string is lent without a copy; escapes, control characters and other letters are left to string()")
    func plainStrings() {
        func plain(_ text: String) -> String? {
            Array(text.utf8).withUnsafeBufferPointer { buffer in
                var scanner = JSONScanner(buffer)
                return scanner.plainString().map { String(decoding: $0, as: UTF8.self) }
            }
        }
        #expect(plain(#" "abc":"#) == "abc")
        #expect(plain(#""""#)?.isEmpty == true)
        for text in [#""a\n""#, "\"é\"", "\"a\u{1}\"", "\"abc", "abc", "", "1"] { #expect(plain(text) == nil) }
    }
}

extension JSONValue: ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    public init(integerLiteral value: Int) { self = .number(Double(value)) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}

extension JSONValue {
    static func random(depth: Int, _ random: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .boolean(random.chance(0.5))
        case 2: return .number(Double(Int64.random(in: -1000...1000, using: &random)) / 8)
        case 3:
            let number = Double(bitPattern: random.next())
            return .number(number.isFinite ? number : 0.1)
        case 4: return .string(text(&random))
        case 5:
            return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in .random(depth: depth - 1, &random) })
        default:
            return .object(
                (0..<Int.random(in: 0...4, using: &random)).map { index in
                    Member("\(index)" + text(&random), .random(depth: depth - 1, &random))
                })
        }
    }

    /// A text of characters that writers stumble over.
    private static func text(_ random: inout SeededGenerator) -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "\"", "\\", "/", "\n", "\r", "\t", "\0", "\u{1f}", "\u{7f}", "é", "漢", "🚚",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            text.append(scalars[Int.random(in: 0..<scalars.count, using: &random)])
        }
        return String(text)
    }
}
