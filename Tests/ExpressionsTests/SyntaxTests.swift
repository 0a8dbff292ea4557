import Expressions
import Telemetry
import Testing

@Suite("Syntax of expressions")
struct SyntaxTests {
    @Test(
        "operators bind as in C",
        arguments: [
            ("1+2*3", .number(7)), ("(1+2)*3", .number(9)), ("10-4-3", .number(3)), ("100/10/2", .number(5)),
            ("2*3%4", .number(2)), ("7-2+1", .number(6)), ("1<<2+1", .number(8)), ("1<<1<<2", .number(8)),
            ("64>>2>>1", .number(8)), ("1|2^3&2", .number(1)), ("4|1==1", .number(5)), ("2+3&1", .number(1)),
            ("6&3==3", .number(0)), ("1<2==1", .boolean(true)), ("5>3>1", .boolean(false)),
            ("1==1&&0||1", .boolean(true)), ("1||0&&0", .boolean(true)), ("(1||0)&&0", .boolean(false)),
            ("1==2!=1", .boolean(true)), ("1<2<<3", .boolean(true)), ("!0==1", .boolean(true)),
            ("!(0==1)", .boolean(true)),
            ("!1+1", .number(1)), ("-2*-3", .number(6)), ("- -3", .number(3)), ("!!5", .boolean(true)),
            ("~5&7", .number(2)), ("-~5", .number(6)), ("2- -2", .number(4)), ("1?2:0?3:4", .number(2)),
            ("0?2:0?3:4", .number(4)), ("0||1?'a':'b'", .string("a")), ("(1?0:1)?2:3", .number(3)),
            ("1?0?5:6:7", .number(6)), ("'abc'~'a*'&&1", .boolean(true)), ("1+1+'a'", .string("2a")),
            ("'a'+1+1", .string("a11")), ("-1+'a'", .string("-1a")),
        ] as [(String, Value)])
    func precedence(_ source: String, _ expected: Value) throws {
        #expect(try Trial.value(source) == expected)
    }

    @Test(
        "literals are numbers, hexadecimal numbers, texts in either quotes, true, false, null",
        arguments: [
            ("5", .number(5)), ("5.25", .number(5.25)), (".5", .number(0.5)), ("5.", .number(5)),
            ("1e3", .number(1000)),
            ("1.5E-2", .number(0.015)), ("0x1F", .number(31)), ("0Xff", .number(255)), ("007", .number(7)),
            ("'a\"b'", .string("a\"b")), ("\"a'b\"", .string("a'b")), (#"'a\'b\\\n\t\/'"#, .string("a'b\\\n\t/")),
            (#"'\d'"#, .string("\\d")), ("''", .string("")), ("'é🚚'", .string("é🚚")), ("true", .boolean(true)),
            ("false", .boolean(false)), ("null", .null), (" \t\r\n5 ", .number(5)), ("-5", .number(-5)),
        ] as [(String, Value)])
    func literals(_ source: String, _ expected: Value) throws {
        #expect(try Trial.value(source) == expected)
    }

    @Test(
        "values convert as the language says",
        arguments: [
            ("true+1", .number(2)), ("'5'*2", .number(10)), ("' 5 '-1", .number(4)), ("'5'+1", .string("51")),
            ("'5'==5", .boolean(true)), ("'a'==0", .boolean(false)), ("'a'!=0", .boolean(true)),
            ("true==1", .boolean(true)),
            ("'true'==true", .boolean(false)), ("'a'<'b'", .boolean(true)), ("'Z'<'a'", .boolean(true)),
            ("'10'<'9'", .boolean(false)), ("'a'<1", nil), ("'a'<'1'", nil), ("'a'*1", nil), ("'0x10'*1", nil),
            ("'inf'*1", nil), ("'nan'*1", nil), ("''*1", nil), ("'1e3'*1", .number(1000)), ("'-2'*1", .number(-2)),
            ("7%3", .number(1)), ("-7%3", .number(-1)), ("7.5%2", .number(1.5)), ("1/0", nil), ("1%0", nil),
            ("0/0", nil),
            ("1e300*1e300>1", .boolean(true)), ("1<<64", nil), ("1<<-1", nil), ("1e300&1", nil), ("1<<3.9", .number(8)),
            ("'abc'=='a*'", .boolean(true)), ("'abc'=='a?c'", .boolean(true)), ("'abc'=='?c'", .boolean(false)),
            ("'a*'=='abc'", .boolean(false)), ("'abc'!='a*'", .boolean(false)), ("'abc'~'*b*'", .boolean(true)),
            ("''=='*'", .boolean(true)), ("5~'5'", nil), ("'aXbXc'=='a*X*c'", .boolean(true)),
            ("1.5+'km'", .string("1.5km")),
            ("true+'x'", .string("truex")), ("null+'x'", .string("nullx")),
            ("1000000*1000000+''", .string("1000000000000")),
        ] as [(String, Value?)])
    func conversions(_ source: String, _ expected: Value?) throws {
        #expect(try Trial.value(source) == expected)
    }

    @Test("a JSON path leads into arrays and objects; where it leads nowhere is an error")
    func paths() throws {
        let message = #"[{"b":[{"id":"x","t":[1,2]},7],"o":{"a/b":1,"k":{"z":null},"t~~1":9,"":3},"n":5}]"#
        let cases: [(String, Value?)] = [
            ("b['/0/id']", .string("x")), ("b['/0/t/1']", .number(2)), ("b['/1']", .number(7)), ("b['/2']", nil),
            ("b['/-1']", nil), ("b['/0/none']", nil), ("b['/0']", .json(#"{"id":"x","t":[1,2]}"#)),
            ("b['/0']['t']['/0']", .number(1)), ("o['k']", .json(#"{"z":null}"#)), ("o['/k/z']", .null),
            ("n['/0']", nil), ("$none['/0']", nil), ("o['a/b']", .number(1)),
            ("o['/a~1b']", .number(1)), ("o['/a/b']", nil), ("o['/t~0~01']", .number(9)), ("o['/t~~1']", nil),
            ("o['/']", .number(3)), ("b['/']", nil),
        ]
        for (source, expected) in cases { #expect(try Trial(source, message).results == [expected], "\(source)") }
    }

    @Test(
        "a text that is no expression is refused at its column, with the mend",
        arguments: [
            ("", 1, "empty"), ("   ", 1, "empty"), ("1 +", 4, "expected a value, found the end"),
            ("(1", 3, "expected ')'"),
            ("1 2", 3, "expected an operator"), ("a = 1", 3, "compare with =="), ("1)", 2, "found ')'"),
            ("foo(1)", 1, "there is no function foo()"), ("1 + roud(1)", 5, "did you mean round()?"),
            ("exits('a')", 1, "did you mean exists()?"), ("isNull(1)", 1, "did you mean isnull()?"),
            ("mileage(1)", 1, "takes 0 arguments, not 1"), ("2*if(1)", 3, "takes 2 to 3 arguments, not 1"),
            ("min()", 1, "at least 1"), ("not(1,2)", 1, "takes 1 argument, not 2: not(x)"), ("'abc", 1, "does not end"),
            ("1 + \"abc", 5, "does not end"), ("$1", 1, "must follow '$'"), ("a + # b", 5, "must follow '#'"),
            ("$#a", 1, "must follow '$'"), ("0x", 1, "hexadecimal"), ("0x11111111111111111", 1, "hexadecimal"),
            ("1 @ 2", 3, "'@' has no meaning"), ("a[0]", 3, "JSON path"), ("a['x'", 6, "expected ']'"),
            ("round(1", 8, "',' or ')'"), ("round(1,)", 9, "expected a value, found ')'"), ("é + @", 5, "'@'"),
            ("'🚚' @", 5, "'@'"), ("🚚", 1, "has no meaning"), ("exists(a)", 8, "in quotes"),
            ("previous(1+1)", 11, "in quotes"), ("1 ? 2", 6, "expected ':'"), ("1 ? : 2", 5, "expected a value"),
            ("1..2", 3, "expected an operator"), ("1e400", 1, "not a number"), ("a &&", 5, "found the end"),
            ("&& a", 1, "expected a value"), ("a ! b", 3, "found '!'"), ("5km", 2, "'km'"),
        ])
    func refusals(_ source: String, _ column: Int, _ reason: String) {
        let error = #expect(throws: ExpressionError.self) { try Trial(source) }
        #expect(error?.column == column, "\(error?.description ?? "")")
        #expect(error?.reason.contains(reason) ?? false, "\(error?.description ?? "")")
    }

    @Test(
        "what an interval does not have is refused in its expressions",
        arguments: [
            ("duration + id", 12, "'id'"), ("timestamp", 1, "'timestamp'"), ("previous('id')", 1, "'id'"),
            ("$id", 1, "'id'"),
            ("mileage()", 1, "messages"), ("1+duration()", 3, "messages"), ("distance_to(1,2)", 1, "messages"),
            ("hour()", 1, "needs a time"),
        ])
    func intervalRefusals(_ source: String, _ column: Int, _ reason: String) {
        let error = #expect(throws: ExpressionError.self) { try Trial(source, scope: .interval) }
        #expect(error?.column == column && error?.reason.contains(reason) ?? false, "\(error?.description ?? "")")
    }

    @Test("an evaluation that fails names the column and the reason")
    func explanations() throws {
        let cases: [(String, Int, String)] = [
            ("1 + missing", 5, "'missing'"), ("1 / 0", 3, "'/'"), ("a + #x", 5, "previous message has no 'x'"),
            ("2 * mileage()", 5, "no valid position"), ("sqrt(0-1)", 1, "sqrt()"), ("-'a'", 1, ""),
        ]
        for (source, column, reason) in cases {
            let trial = try Trial(source, #"[{"a":1}]"#)
            let error = try #require(trial.program.explain(trial.column, row: 0), "\(source)")
            #expect(error.column == column && error.reason.contains(reason), "\(source): \(error)")
        }
        let fine = try Trial("1")
        #expect(fine.program.explain(fine.column, row: 0) == nil)
    }

    @Test("an error inside an argument is named where it arose")
    func nestedExplanation() throws {
        let trial = try Trial("abs(missing)")
        let error = try #require(trial.program.explain(trial.column, row: 0))
        #expect(error.column == 5)
    }

    @Test(
        "a misspelt name suggests the nearest within a third of its length",
        arguments: [
            ("spedd", "speed"), ("lenght", "length"), ("SPEED", "speed"), ("xyz", nil), ("lno", "lon"), ("lng", nil),
            ("", nil),
        ] as [(String, String?)])
    func suggestions(_ word: String, _ expected: String?) {
        #expect(nearestName(to: word, among: ["speed", "length", "lon", "latitude"]) == expected)
    }
}
