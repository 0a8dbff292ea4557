import Expressions
import Telemetry
import Testing

@Suite("Errors, null, previous values")
struct RuleTests {
    @Test(
        "rule 37: an error is false in a boolean context and spreads everywhere else",
        arguments: [
            ("x && true", .boolean(false)), ("true && x", .boolean(false)), ("x || true", .boolean(true)),
            ("x || false", .boolean(false)), ("!x", .boolean(true)), ("not(x)", .boolean(true)),
            ("if(x, 1, 2)", .number(2)), ("if(x, 1)", .null), ("x ? 1 : 2", .number(2)), ("if(true, 1, x)", .number(1)),
            ("if(false, x, 2)", .number(2)), ("true ? x : 1", nil), ("if(true, x, 1)", nil), ("x + 1", nil),
            ("x == x", nil),
            ("x != null", nil), ("-x", nil), ("~x", nil), ("x & 1", nil), ("x < 1", nil), ("abs(x)", nil),
            ("isnull(x)", nil),
            ("tostring(x)", nil), ("toboolean(x)", nil), ("error()", nil), ("!error()", .boolean(true)),
            ("x ~ 'a'", nil),
            ("min(1, x)", nil), ("(x && 1) + 1", .number(1)), ("x['/0']", nil), ("x", nil), ("$x", .null),
        ] as [(String, Value?)])
    func errors(_ source: String, _ expected: Value?) throws {
        #expect(try Trial.value(source) == expected)
    }

    @Test("rule 37: true in a boolean context is all but 0, false, null and errors")
    func truth() throws {
        let falses = ["0", "-0", "0.0", "false", "null", "$x", "x", "'' == 'a'"]
        let trues = ["1", "-1", "0.1", "true", "'0'", "''", "'false'", "j"]
        for (sources, expected) in [(falses, false), (trues, true)] {
            for source in sources {
                for form in [
                    "!!(\(source))", "(\(source)) && true", "(\(source)) || false", "if(\(source), true, false)",
                ] {
                    #expect(try Trial(form, #"[{"j":[]}]"#).results == [.boolean(expected)], "\(form)")
                }
            }
        }
        let column = ValueColumn(
            kinds: [.number, .number, .boolean, .null, .error, .absent, .string, .json],
            numbers: [0, 2, 1, 0, 3, 0, 0, 0],
            texts: [""])
        #expect(column.truth() == [false, true, true, false, false, false, true, true])
    }

    @Test("rule 38: #x and previous() need a previous message that has x; of an interval they are null")
    func previous() throws {
        let messages = #"[{"x":1},{"x":2},{},{"x":null},{"x":5}]"#
        for source in ["#x", "previous('x')", "previous(\"x\")"] {
            #expect(try Trial(source, messages).results == [nil, .number(1), .number(2), nil, .null], "\(source)")
            #expect(
                try Trial(source, messages).resultsApart() == [nil, .number(1), .number(2), nil, .null], "\(source)")
            #expect(
                try Trial(source, messages, scope: .interval).results == [.null, .number(1), .number(2), .null, .null],
                "\(source)")
        }
    }

    @Test("rule 38: the interval before is given by its fields")
    func previousInterval() throws {
        let trial = try Trial("begin - previous('end')", #"[{"begin":50}]"#, scope: .interval)
        #expect(trial.program.previousNames == ["end"])
        func result(_ fields: [String: Value]?) -> Value? {
            var memory = ProgramMemory(for: trial.program, previousFields: fields)
            return trial.program.evaluate(trial.block, memory: &memory, environment: trial.environment)[0]
        }
        #expect(result(nil) == .number(50))
        #expect(result(["end": .number(20), "begin": .number(10)]) == .number(30))
        #expect(result([:]) == .number(50))
    }

    @Test(
        "rule 39: null is distinct under == and != and counts as 0 in arithmetic and order",
        arguments: [
            ("null == null", .boolean(true)), ("null != null", .boolean(false)), ("null == 0", .boolean(false)),
            ("0 == null", .boolean(false)), ("null != 0", .boolean(true)), ("null == false", .boolean(false)),
            ("null == ''", .boolean(false)), ("null != 'a'", .boolean(true)), ("$x == null", .boolean(true)),
            ("null + 5", .number(5)), ("5 - null", .number(5)), ("null * 3", .number(0)), ("5 / null", nil),
            ("-null", .number(0)),
            ("null < 1", .boolean(true)), ("null > -1", .boolean(true)), ("null <= 0", .boolean(true)),
            ("null >= null", .boolean(true)), ("null & 1", .number(0)), ("~null", .number(-1)),
            ("abs(null)", .number(0)),
        ] as [(String, Value?)])
    func nulls(_ source: String, _ expected: Value?) throws {
        #expect(try Trial.value(source) == expected)
    }

    @Test("rule 39: a present null exists, an absent parameter does not, and null == x looks row by row")
    func presence() throws {
        let messages = #"[{"x":null},{},{"x":0},{"x":false}]"#
        #expect(try Trial("exists('x')", messages).results == [true, false, true, true].map { .boolean($0) })
        #expect(try Trial("isnull(x)", messages).results == [.boolean(true), nil, .boolean(false), .boolean(false)])
        #expect(try Trial("$x == null", messages).results == [true, true, false, false].map { .boolean($0) })
        #expect(try Trial("$x == 0", messages).results == [false, false, true, true].map { .boolean($0) })
    }

    @Test(
        "rule 40: mileage() is 0 at the first valid position and an error without one; duration() is 0 at the first message"
    )
    func movement() throws {
        let messages = """
            [{"timestamp":10}, {"timestamp":11.5,"position.latitude":0,"position.longitude":0},
             {"timestamp":14,"position.latitude":0,"position.longitude":0.5,"position.valid":false},
             {"timestamp":20,"position.latitude":0}, {"timestamp":21,"position.latitude":"0","position.longitude":1},
             {"timestamp":30,"position.latitude":0,"position.longitude":1,"position.valid":true}]
            """
        let leg = Geodesy.distance(0, 0, 0, 1)
        #expect(try Trial("mileage()", messages).results == [nil, .number(0), nil, nil, nil, .number(leg)])
        #expect(try Trial("mileage()", messages).resultsApart() == [nil, .number(0), nil, nil, nil, .number(leg)])
        let seconds = [0, 1.5, 2.5, 6, 1, 9]
        #expect(try Trial("duration()", messages).results == seconds.map { .number($0) })
        #expect(try Trial("duration()", messages).resultsApart() == seconds.map { .number($0) })
        #expect(try Trial("mileage()+mileage()", messages).results.last == .number(2 * leg))
    }

    @Test("texts come through with their bytes, whatever stands in the rows beside them")
    func textBytes() throws {
        let trial = try Trial("x + ''", "[{\"x\":\"\u{e9}\"},{\"x\":\"e\u{301}\"}]")
        func bytes(_ values: [Value?]) -> [[UInt8]] {
            values.map { if case .string(let text)? = $0 { Array(text.utf8) } else { [] } }
        }
        let apart = bytes(try trial.resultsApart())
        #expect(apart == [[0xc3, 0xa9], [0x65, 0xcc, 0x81]])
        #expect(bytes(trial.results) == apart)
    }

    @Test("a program tells what it reads")
    func facts() throws {
        var layout = ColumnLayout()
        let program = try Program("a + $b + #c > metadata('m') && exists('d')", layout: &layout)
        #expect(program.names == ["a", "b", "c", "d"] && layout.names == ["a", "b", "c", "d"])
        #expect(program.looksBack && program.readsMetadata && program.previousNames == ["c"])
        let plain = try Program("a > 1", layout: &layout)
        #expect(!plain.looksBack && !plain.readsMetadata && layout.names.count == 4)
        #expect(Program(parameter: "any name-at all", layout: &layout).names == ["any name-at all"])
    }
}
