import ReferenceEvaluator
import Testing

@Suite("Expressions of the reference evaluator")
struct ExpressionTests {
    private let messages = [
        Fixtures.message(0, ["speed": .number(10), "code": .string("ab")]),
        Fixtures.message(
            30.5,
            [
                "speed": .number(25), "none": .null, "flag": .boolean(true), "code": .string("abc"),
                "numeric": .string("12.5"), "list": .json(#"[{"id":"b1"},3]"#), "fuel.after": .number(9),
                "fuel.before": .number(4),
            ]),
    ]

    @Test(
        "values are as C has them",
        arguments: [
            ("1 + 2 * 3", .number(7)), ("(1 + 2) * 3", .number(9)), ("7 % 4 - 8 / 4", .number(1)),
            ("-7 % 4", .number(-3)),
            ("1 | 2 ^ 3 & 2", .number(1)), ("1 << 3 + 1", .number(16)), ("~0x0F & 255", .number(240)),
            ("1 < 2 == true", .boolean(true)), ("1 ? 0 ? 2 : 3 : 4", .number(3)), ("-speed + 1", .number(-24)),
            ("fuel.after-fuel.before", .number(5)), ("null + true + 1", .number(2)), ("numeric * 2", .number(25)),
            ("numeric + 2", .string("12.52")), ("'a' + 0.5 + null + false", .string("a0.5nullfalse")),
            ("tostring(3.0)", .string("3")), ("numeric == 12.5", .boolean(true)), ("code == 12.5", .boolean(false)),
            ("flag == 1", .boolean(true)), ("none == 0", .boolean(false)), ("none != 0", .boolean(true)),
            ("none < 1", .boolean(true)), ("none == null", .boolean(true)), ("$missing == null", .boolean(true)),
            ("code == 'a*'", .boolean(true)), ("code == 'a?'", .boolean(false)), ("code == 'a?c'", .boolean(true)),
            ("code != '??'", .boolean(true)), ("(code ~ '*c')", .boolean(true)),
            ("code < 'b'", .boolean(true)), ("5.9 & 7", .number(5)), ("!missing", .boolean(true)),
            ("missing || 2", .boolean(true)), ("missing && 2", .boolean(false)), ("not(1/0)", .boolean(true)),
            ("if(1/0, 1, 2)", .number(2)), ("if(true, 1, 1/0)", .number(1)), ("exists('none')", .boolean(true)),
            ("exists('missing')", .boolean(false)), ("isnull($none)", .boolean(true)), ("#speed", .number(10)),
            ("previous('speed') < speed", .boolean(true)), ("timestamp - #timestamp", .number(30.5)),
            ("duration()", .number(30.5)), ("list['/0/id']", .string("b1")), ("json('list', 1)", .number(3)),
            ("json_array_contains(list, 3)", .boolean(true)), ("round(-2.5)", .number(-3)),
            ("max(1, numeric)", .number(12.5)),
            ("substring(code, 1, 5)", .string("bc")), ("replace(code, 'b', 'xx')", .string("axxc")),
            ("length(code)", .number(3)), ("server.timestamp == timestamp", .boolean(true)),
            ("ident + ''", .string("i1")),
        ] as [(String, RefValue)])
    func value(expression: String, expected: RefValue) throws {
        #expect(try Fixtures.last(expression, messages) == expected)
    }

    @Test(
        "what cannot be evaluated is an error, which no method counts",
        arguments: [
            "missing", "1/0", "5 % 0", "#none", "#missing", "previous('flag')", "code * 2", "code < 5", "list + 1",
            "error()", "isnull(missing)", "code < numeric", "mileage()", "9223372036854775808 & 1",
            "missing + 1 || true ? missing : 1",
        ])
    func error(expression: String) throws { #expect(try Fixtures.last(expression, messages) == nil) }

    @Test("there is no previous message at the first one")
    func firstMessage() throws {
        #expect(try Fixtures.last("#speed", [messages[0]]) == nil)
        #expect(try Fixtures.last("duration()", [messages[0]]) == .number(0))
    }

    @Test(
        "parts of the time are local, with Monday as day 1",
        arguments: [
            ("hour()", 23), ("day()", 14), ("weekday()", 2), ("minute()", 13), ("month()", 11), ("second()", 20),
        ])
    func clock(expression: String, expected: Double) throws {
        #expect(try Fixtures.last(expression, [messages[0]], zone: "Europe/Paris") == .number(expected))
    }

    @Test(
        "what is not an expression is refused",
        arguments: ["1 +", "(1", "foo(1)", "if(1, 2)", "a b", "'x", "a['/x'", "$", "1 ? 2"])
    func refused(text: String) { #expect(throws: ReferenceError.self) { try Fixtures.last(text, []) } }

    @Test(
        "id and timestamp of an interval cannot be read", arguments: ["id", "$timestamp", "previous('id')", "1 + id"])
    func intervalNames(text: String) {
        #expect(throws: ReferenceError.self) {
            try Fixtures.counter("interval", #""expression":\#(Fixtures.quoted(text))"#, [])
        }
    }
}
