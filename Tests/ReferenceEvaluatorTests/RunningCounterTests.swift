import ReferenceEvaluator
import Testing

@Suite("Variables, datasets, accumulators and groups")
struct RunningCounterTests {
    private func intervals(_ counters: String, _ messages: [RefMessage], zone: String = "UTC") throws -> [RefInterval] {
        let json = #"{"selectors":[{"type":"expression","expression":"on"}],"counters":[\#(counters)]}"#
        return try Fixtures.evaluate(json, messages, zone: zone)
    }

    private func values(_ values: [RefValue?]) -> [RefMessage] {
        values.enumerated().map { index, value in
            var fields: [String: RefValue] = ["on": .boolean(true)]
            if let value { fields["a"] = value }
            return Fixtures.message(Double(index) * 10, fields)
        }
    }

    @Test("a variable runs from message to message and restarts at each interval")
    func variable() throws {
        let counter = #"{"name":"n","type":"variable","expression":"$n + 1"}"#
        #expect(try intervals(counter, Fixtures.states("11101101")).map { $0["n"] } == [.number(3), .number(2)])
    }

    @Test("an error and a hidden message keep a variable's value, null is a value")
    func variableKept() throws {
        let messages = values([.number(1), nil, .number(5), .null])
        func result(_ options: String) throws -> [RefValue?] {
            let counters = #"""
                {"name":"n","type":"variable","expression":"a"\#(options)},
                {"name":"all","type":"message","method":"each","fields":["n"]}
                """#
            return try intervals(counters, messages).first.map { [$0["n"], $0["all"]] } ?? []
        }
        #expect(try result("") == [nil, .json(#"[{"n":1},{"n":1},{"n":5},{"n":null}]"#)])
        #expect(
            try result(#","validate_message":"$a > 2""#)
                == [.number(5), .json(#"[{},{},{"n":5},{"n":5}]"#)])
        #expect(
            try result(#","validate_message":"exists('n') || a == 1""#)
                == [nil, .json(#"[{"n":1},{"n":1},{"n":5},{"n":null}]"#)])
    }

    @Test("in its own expression a variable is the value before, an error at first")
    func ownName() throws {
        let messages = values([.number(1), .number(2), .number(3)])
        func result(_ expression: String) throws -> RefValue? {
            try intervals(#"{"name":"n","type":"variable","expression":"\#(expression)"}"#, messages).first?["n"]
        }
        #expect(try result("n + 1") == nil)
        #expect(try result("if(exists('n'), n * 2, 1)") == .number(4))
        #expect(try result("$n * 10 + a") == .number(123))
        #expect(try result("if(exists('n'), #n, 7) + a") == .number(13))
    }

    @Test("a validation that reads the variable itself changes nothing if it is always true")
    func ownValidation() throws {
        let messages = values([.number(1), nil, .number(3), .null, .number(5)])
        for expression in ["$n + a", "if(exists('n'), #n, 7) + a", "$n + duration()", "if($a > 2, null, 1)"] {
            func result(_ options: String) throws -> [RefValue?] {
                let counters = #"""
                    {"name":"n","type":"variable","expression":"\#(expression)"\#(options)},
                    {"name":"all","type":"message","method":"each","fields":["n"]}
                    """#
                return try intervals(counters, messages).first.map { [$0["n"], $0["all"]] } ?? []
            }
            #expect(try result("") == result(#","validate_message":"isnull($n) || true""#), "\(expression)")
        }
    }

    @Test("later counters read a variable in place of a parameter, earlier ones do not")
    func readers() throws {
        let messages = values([.number(1), .number(2), .number(3)])
        let counters = #"""
            {"name":"before","type":"parameter","parameter":"a","method":"summary"},
            {"name":"a","type":"variable","expression":"if(exists('a'), a, 0) + 10"},
            {"name":"after","type":"parameter","parameter":"a","method":"summary"},
            {"name":"change","type":"expression","expression":"a - #a","method":"summary"},
            {"name":"twice","type":"variable","expression":"a + $twice","validate_message":"a > 10"},
            {"name":"back","type":"expression","expression":"#twice","method":"last","validate_message":"a != 20"}
            """#
        let interval = try #require(try intervals(counters, messages).first)
        #expect(interval.counters.map(\.0) == ["before", "a", "after", "change", "twice"])
        #expect(interval.counters.map(\.1) == [6, 30, 60, 20, 50].map { .number($0) })
    }

    @Test("the value before is that at the previous message which the reading counter sees")
    func readersPrevious() throws {
        let messages = values([.number(1), .number(2), .number(3), .number(4)])
        let counters = #"""
            {"name":"n","type":"variable","expression":"$n + a"},
            {"name":"odd","type":"expression","expression":"#n","method":"last","validate_message":"a % 2 == 1"},
            {"name":"even","type":"expression","expression":"previous('n')","method":"last",
             "validate_message":"a == 4 || #n == 1"}
            """#
        let interval = try #require(try intervals(counters, messages).first)
        #expect(interval["n"] == .number(10) && interval["odd"] == .number(1) && interval["even"] == .number(3))
    }

    @Test("a dataset has an object for each message whose fields are known")
    func dataset() throws {
        let messages = values([.number(1), nil, .null, .number(4)])
        func result(_ options: String) throws -> RefValue? {
            let fields = #"[{"name":"t","value":"timestamp - 1700000000"},{"name":"d","value":"a * 2"}\#(options)"#
            let counter = #"{"name":"x","type":"dataset","fields":\#(fields)}"#
            return try intervals(counter, messages).first?["x"]
        }
        #expect(try result("]") == .json(#"[{"t":0,"d":2},{"t":20,"d":0},{"t":30,"d":8}]"#))
        #expect(
            try result(#"],"allow_unknown":true"#)
                == .json(#"[{"t":0,"d":2},{"t":10},{"t":20,"d":0},{"t":30,"d":8}]"#))
        #expect(try result(#",{"name":"a","value":"a"}]"#) == .json(#"[{"t":0,"d":2,"a":1},{"t":30,"d":8,"a":4}]"#))
        #expect(try result(#"],"validate_message":"$a > 2""#) == .json(#"[{"t":30,"d":8}]"#))
        #expect(try result(#"],"validate_message":"false""#) == nil)
    }

    @Test("an accumulator adds up kept intervals and restarts where it is told")
    func accumulator() throws {
        func totals(_ options: String, more: String = "") throws -> [RefValue?] {
            let json = #"""
                {"selectors":[{"type":"expression","expression":"on"}]\#(more),"counters":[
                 {"name":"n","type":"expression","method":"summary","expression":"1"},
                 {"name":"total","type":"accumulator","counter":"n"\#(options)}]}
                """#
            return try Fixtures.evaluate(json, Fixtures.states("110111011011110")).map { $0["total"] }
        }
        #expect(try totals("") == [.number(2), .number(5), .number(7), .number(11)])
        #expect(try totals("", more: #","validate_interval":"n != 3""#) == [.number(2), .number(4), .number(8)])
        #expect(
            try totals(#","reset_expression":"n > 2""#) == [.number(2), .number(3), .number(5), .number(4)])
        #expect(
            try totals(#","reset_expression":"previous('total') >= 5""#)
                == [.number(2), .number(5), .number(2), .number(6)])
        #expect(try totals(#","reset_expression":"missing""#).last == .number(11))
    }

    @Test("an accumulator restarts with the bucket of begin in the calculator's time zone")
    func accumulatorBuckets() throws {
        // 2023-11-14 22:13:20 UTC; midnight in Paris is 2800 s later.
        let messages = stride(from: 0.0, through: 8_000, by: 400).map {
            Fixtures.message($0, ["on": .boolean(Int($0) / 400 % 4 != 3)])
        }
        let counters = #"""
            {"name":"n","type":"expression","method":"summary","expression":"1"},
            {"name":"total","type":"accumulator","counter":"n","reset_interval":"day"}
            """#
        let begins = try intervals(counters, messages).map { Fixtures.borders($0)[0] }
        #expect(begins == [0, 1_600, 3_200, 4_800, 6_400, 8_000].dropLast())
        func totals(_ zone: String) throws -> [RefValue?] {
            try intervals(counters, messages, zone: zone).map { $0["total"] }
        }
        #expect(try totals("Europe/Paris") == [3, 6, 3, 6, 9].map { .number($0) })
        #expect(try totals("UTC") == [3, 6, 9, 12, 3].map { .number($0) })
    }

    @Test("what is no number counts nothing in an accumulator, booleans 1 and 0")
    func accumulatedKinds() throws {
        let counters = #"""
            {"name":"text","type":"specified","value":"7"},{"name":"flag","type":"specified","value":true},
            {"name":"none","type":"parameter","parameter":"none","method":"first"},
            {"name":"a","type":"accumulator","counter":"text"},{"name":"b","type":"accumulator","counter":"flag"},
            {"name":"c","type":"accumulator","counter":"none"},{"name":"d","type":"accumulator","counter":"b"}
            """#
        let last = try intervals(counters, Fixtures.states("110110")).last
        #expect(last?["a"] == .number(0) && last?["b"] == .number(2) && last?["c"] == .number(0))
        #expect(last?["d"] == .number(3))
    }

    @Test("an accumulator of a counter that does not stand before it is refused")
    func refused() {
        let counters = #"{"name":"a","type":"accumulator","counter":"b"},{"name":"b","type":"active"}"#
        #expect(throws: ReferenceError.self) { try intervals(counters, []) }
    }

    @Test("messages are grouped by the first field, one group for each element of an array")
    func groups() throws {
        let lists: [RefValue?] = [
            .json(#"[{"id":"b1","rssi":-50},{"id":"b2"}]"#), .json("[]"), .json(#"[{"id":"b2"}]"#), nil,
            .json(#"["b1",3]"#), .string("b2"), .number(3), .boolean(true),
        ]
        var messages = values(lists)
        for place in messages.indices where place != 2 { messages[place].values["v"] = .number(Double(place)) }
        func result(_ fields: String) throws -> RefValue? {
            let counter = #"{"name":"x","type":"message","method":"aggregate_by_field","fields":[\#(fields)]}"#
            return try intervals(counter, messages).first?["x"]
        }
        let fields = #"""
            "a","v",{"name":"last","expression":"v","aggregate":"last"},
            {"name":"sum","expression":"v","aggregate":"summary"},
            {"name":"all","expression":"v","aggregate":"distinct"},
            {"name":"back","expression":"#v","aggregate":"max"}
            """#
        let expected = #"""
            [{"a":"b1","v":0,"last":4,"sum":4,"all":[0,4],"back":3},{"a":"b2","v":0,"last":5,"sum":5,"all":[0,5],"back":4},
            {"a":"3","v":4,"last":6,"sum":10,"all":[4,6],"back":5},{"a":"true","v":7,"last":7,"sum":7,"all":[7],"back":6}]
            """#
        #expect(try result(fields) == .json(expected.replacing("\n", with: "")))
        #expect(
            try result(#"{"name":"k","expression":"$v > 4"}"#) == .json(#"[{"k":"false"},{"k":"true"}]"#))
        #expect(try result(#""none","v""#) == nil)
    }
}
