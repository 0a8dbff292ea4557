import ReferenceEvaluator
import Testing

@Suite("Counters of the reference evaluator")
struct CounterTests {
    private func at(_ latitude: Double, _ longitude: Double, valid: Bool? = nil) -> [String: RefValue] {
        var values: [String: RefValue] = [
            "position.latitude": .number(latitude), "position.longitude": .number(longitude),
        ]
        if let valid { values["position.valid"] = .boolean(valid) }
        return values
    }

    private func number(_ value: RefValue?) -> Double { if case .number(let number)? = value { number } else { .nan } }

    @Test(
        "methods pass over null and errors, and count booleans as 1 and 0",
        arguments: [
            ("first", .number(4)), ("last", .boolean(true)), ("minimum", .number(1)), ("max", .number(7)),
            ("summary", .number(12)), ("average", .number(4)), ("difference", .number(-3)),
            ("distinct", .json("[4,7,true]")), ("duration", .number(20)),
        ] as [(String, RefValue)])
    func methods(method: String, expected: RefValue) throws {
        let values: [RefValue?] = [nil, .number(4), .null, .number(7), .boolean(true)]
        let messages = values.enumerated().map { index, value in
            Fixtures.message(Double(index) * 10, value.map { ["x": $0] } ?? [:])
        }
        #expect(try Fixtures.counter("parameter", #""method":"\#(method)""#, messages) == expected)
    }

    @Test("a counter without a value is absent", arguments: ["first", "summary", "duration", "distinct", "average"])
    func absent(method: String) throws {
        #expect(try Fixtures.counter("parameter", #""method":"\#(method)""#, [Fixtures.message(0)]) == nil)
    }

    @Test("sums run in four lanes by index among the values that count")
    func lanes() throws {
        let values: [Double] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
        var messages = values.enumerated().map { Fixtures.message(Double($0 * 2), ["x": .number($1)]) }
        messages.insert(Fixtures.message(1), at: 1)
        let expected = ((0.1 + 0.5) + (0.2 + 0.6)) + ((0.3 + 0.7) + 0.4)
        #expect(try Fixtures.counter("parameter", #""method":"summary""#, messages) == .number(expected))
        #expect(try Fixtures.counter("parameter", #""method":"average""#, messages) == .number(expected / 7))
    }

    @Test("duration belongs to the earlier message of a pair")
    func duration() throws {
        let messages = Fixtures.states("10011-1")
        let options = #""method":"duration","expression":"on""#
        #expect(try Fixtures.counter("expression", options, messages) == .number(30))
        #expect(
            try Fixtures.counter("expression", options + #","validate_message":"exists('on')""#, messages)
                == .number(40))
    }

    @Test("mileage takes valid positions only, 0 at the first, and leaves outliers out")
    func mileage() throws {
        let messages = [
            Fixtures.message(0, at(0, 0)), Fixtures.message(10), Fixtures.message(20, at(5, 5, valid: false)),
            Fixtures.message(3_600, at(0, 1)), Fixtures.message(3_610, at(0, 3)), Fixtures.message(7_200, at(0, 1.5)),
        ]
        let options = #""method":"summary","expression":"mileage()""#
        let degree = 6371.0088 * Double.pi / 180
        #expect(abs(number(try Fixtures.counter("expression", options, messages)) - 4.5 * degree) < 1e-9)
        let outlier = #","mileage_outlier_speed":200"#
        #expect(abs(number(try Fixtures.counter("expression", options, messages, more: outlier)) - 1.5 * degree) < 1e-9)
        let first = #""method":"first","expression":"mileage()""#
        #expect(try Fixtures.counter("expression", first, messages) == .number(0))
        let metres = try Fixtures.last("distance(0,0,0,1)", messages)
        #expect(abs(number(metres) - 1_000 * degree) < 1e-6)
    }

    @Test("a route is Google's polyline of the valid positions")
    func route() throws {
        let messages = [
            Fixtures.message(0, at(38.5, -120.2)), Fixtures.message(1), Fixtures.message(2, at(40.7, -120.95)),
            Fixtures.message(3, at(9, 9, valid: false)), Fixtures.message(4, at(43.252, -126.453)),
        ]
        #expect(try Fixtures.counter("route", #""method":"""#, messages) == .string("_p~iF~ps|U_ulLnnqC_mqNvxq`@"))
        #expect(try Fixtures.counter("route", #""method":"""#, [messages[1]]) == nil)
    }

    @Test("a message counter projects first, last, each or the extreme message")
    func message() throws {
        let messages = [
            Fixtures.message(0, ["v": .number(1)]), Fixtures.message(10.5, ["v": .number(9), "s": .string("a\"b")]),
            Fixtures.message(20, ["v": .number(3)]),
        ]
        let fields = #""fields":["timestamp","s",{"name":"d","expression":"v - #v"}]"#
        func value(_ options: String) throws -> RefValue? {
            try Fixtures.counter("message", fields + options, messages)
        }
        #expect(try value(#","method":"first""#) == .json(#"{"timestamp":1700000000}"#))
        #expect(try value(#","method":"last""#) == .json(#"{"timestamp":1700000020,"d":-6}"#))
        let extreme = #"{"timestamp":1700000010.5,"s":"a\"b","d":8}"#
        #expect(try value(#","method":"first","extremum":{"type":"maximum","expression":"v"}"#) == .json(extreme))
        #expect(
            try value(#","method":"each""#)
                == .json(#"[{"timestamp":1700000000},"# + extreme + #",{"timestamp":1700000020,"d":-6}]"#))
    }

    @Test("datetime counters follow strftime in the calculator's time zone")
    func datetime() throws {
        let messages = [Fixtures.message(0), Fixtures.message(86_400.9)]
        let begin = try Fixtures.counter(
            "datetime", #""format":"%c","interval":"begin""#, messages, zone: "Europe/Paris")
        #expect(begin == .string("Tue Nov 14 23:13:20 2023"))
        let end = try Fixtures.counter("datetime", #""format":"%Y-%m-%d %H:%M:%S","interval":"end""#, messages)
        #expect(end == .string("2023-11-15 22:13:20"))
    }

    @Test("counters look at the messages of their interval only")
    func ownMessages() throws {
        let json = #"""
            {"selectors":[{"type":"expression","expression":"on"}],"counters":[
             {"name":"first","type":"expression","method":"first","expression":"if(exists('on'), #on, 0)"},
             {"name":"gap","type":"expression","method":"summary","expression":"duration()"}]}
            """#
        let intervals = try Fixtures.evaluate(json, Fixtures.states("110011"))
        #expect(intervals.map { $0["first"] } == [.boolean(true), .boolean(true)])
        #expect(intervals.map { $0["gap"] } == [.number(10), .number(10)])
    }

    @Test("interval counters read fields, earlier counters and the previous kept interval")
    func intervalCounters() throws {
        let json = #"""
            {"validate_interval":"count != 3","selectors":[{"type":"expression","expression":"on"}],"counters":[
             {"name":"count","type":"expression","method":"summary","expression":"1"},
             {"name":"twice","type":"interval","expression":"count * 2 + duration"},
             {"name":"pause","type":"interval","expression":"if(previous('end'), begin - previous('end'), 0)"},
             {"name":"none","type":"interval","expression":"later"},
             {"name":"active","type":"active"},{"name":"later","type":"specified","value":"x"}]}
            """#
        let intervals = try Fixtures.evaluate(json, Fixtures.states("11011101111011"))
        #expect(intervals.map(Fixtures.borders) == [[0, 10], [70, 100], [120, 130]])
        #expect(intervals.map { $0["twice"] } == [.number(14), .number(38), .number(14)])
        #expect(intervals.map { $0["pause"] } == [.number(0), .number(60), .number(20)])
        #expect(intervals.map { $0["active"] } == [.boolean(false), .boolean(false), .boolean(true)])
        #expect(intervals[0].counters.map(\.0) == ["count", "twice", "pause", "active", "later"])
    }
}
