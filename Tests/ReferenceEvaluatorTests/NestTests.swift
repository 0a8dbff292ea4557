import Foundation
import ReferenceEvaluator
import Testing

@Suite("Calculators that read the intervals of others")
struct NestTests {
    /// Trips where `on` is true, each with its place in the order, the sum of `v`, and whether it is still active.
    static let trips = #"""
        {"selectors":[{"type":"expression","expression":"on"}],"counters":[
         {"name":"count","type":"expression","method":"summary","expression":"1"},
         {"name":"v","type":"parameter","method":"summary"},
         {"name":"code","type":"parameter","method":"first"},
         {"name":"active","type":"active"}]}
        """#

    /// Ten seconds apart; `1` on, `0` off. `v` is the place of the message, `code` its letter.
    static func messages(_ pattern: String, codes: String = "") -> [RefMessage] {
        var messages = Fixtures.states(pattern)
        for place in messages.indices { messages[place].values["v"] = .number(Double(place)) }
        for (place, code) in codes.enumerated() { messages[place].values["code"] = .string(String(code)) }
        return messages
    }

    static func evaluate(
        _ members: [(id: Int, json: String)], _ messages: [RefMessage], now: Double = 1e6
    ) throws -> [Int: [RefInterval]] {
        let nest = try ReferenceNest(
            calculators: members.map { ReferenceNest.Member(id: $0.id, json: $0.json, timeZone: .gmt) },
            constants: ["ident": .string("i1")])
        return nest.evaluate(messages, nowMicroseconds: Fixtures.start * 1_000_000 + Int64(now * 1e6))
    }

    private func borders(_ options: String, _ pattern: String, source: String = trips) throws -> [[Double]] {
        let json = #"{"selectors":[{"type":"calc","calc_id":5\#(options)}]}"#
        let found = try Self.evaluate([(9, json), (5, source)], Self.messages(pattern))
        return (found[9] ?? []).map(Fixtures.borders)
    }

    @Test("a calc selector is ON within the intervals of its source, active ones too, and cuts between two of them")
    func selector() throws {
        #expect(try borders("", "0110111") == [[10, 20], [40, 60]])
        #expect(try borders(#","validate_interval":"count > 2""#, "0110111") == [[40, 60]])
        #expect(try borders(#","invert":true"#, "0001100011") == [[0, 20], [50, 70]])
        #expect(try borders(#","max_inactive":100"#, "0110111") == [[10, 20], [40, 60]])
        #expect(try borders(#","invert":true,"max_inactive":100"#, "0011000") == [[0, 60]])
    }

    @Test("where source intervals share a message it belongs to the later one")
    func sharedMessage() throws {
        let merging =
            #"{"selectors":[{"type":"expression","method":"change","expression":"on","#
            + #""merge_message_after":true}]}"#
        #expect(try borders("", "111000", source: merging) == [[0, 20], [30, 50]])
    }

    @Test("single messages are dropped without min_active, and a run may be limited like any other")
    func selectorOptions() throws {
        let short = #"{"selectors":[{"type":"expression","expression":"on","min_active":0}]}"#
        #expect(try borders("", "0100110", source: short) == [[40, 50]])
        #expect(try borders(#","min_active":0"#, "0100110", source: short) == [[10, 10], [40, 50]])
        #expect(try borders(#","min_duration":20"#, "01100111") == [[50, 70]])
        #expect(try borders(#","max_active":10"#, "1111") == [[0, 10], [20, 30]])
    }

    @Test("sources may be read through several calculators, given in any order")
    func depth() throws {
        let middle = #"{"selectors":[{"type":"calculator","calculator_id":5,"validate_interval":"count == 3"}]}"#
        let last = #"{"selectors":[{"type":"calc","calc_id":6,"invert":true}]}"#
        let found = try Self.evaluate([(7, last), (6, middle), (5, Self.trips)], Self.messages("0110111000"))
        #expect(found[5]?.map(Fixtures.borders) == [[10, 20], [40, 60]])
        #expect(found[6]?.map(Fixtures.borders) == [[40, 60]])
        #expect(found[7]?.map(Fixtures.borders) == [[0, 30], [70, 90]])
    }

    @Test(
        "a source that is missing, is itself or reads back is refused",
        arguments: [[(1, 2)], [(1, 1)], [(1, 2), (2, 1)], [(1, 2), (2, 3), (3, 1)]])
    func refused(pairs: [(Int, Int)]) {
        let members = pairs.map { pair in
            (id: pair.0, json: #"{"selectors":[{"type":"calc","calc_id":\#(pair.1)}]}"#)
        }
        #expect(throws: ReferenceError.self) { try Self.evaluate(members, []) }
    }

    @Test(
        "expressions over source intervals read neither id, timestamp nor the interval before",
        arguments: ["id > 1", "timestamp > 1", "previous('end') > 1", "#end > 1", "not(isnull(previous('v')))"])
    func refusedNames(text: String) {
        #expect(throws: ReferenceError.self) { try borders(#","validate_interval":"\#(text)""#, "11") }
    }

    @Test("closed source intervals stand for messages at their ends")
    func messagesSource() throws {
        let json = #"""
            {"messages_source":{"source":"calc","calc_id":5},"selectors":[{"type":"datetime"}],"counters":[
             {"name":"ends","type":"message","method":"each",
              "fields":["timestamp","server.timestamp","begin","end","duration","count","v","ident"]},
             {"name":"more","type":"expression","method":"last","expression":"count - #count"}]}
            """#
        let found = try Self.evaluate([(5, Self.trips), (6, json)], Self.messages("110111011"))
        let interval = try #require(found[6]?.first)
        #expect(found[6]?.count == 1 && Fixtures.borders(interval) == [10, 50] && interval.isActive)
        let first =
            #"{"timestamp":1700000010,"server.timestamp":1700000010,"begin":1700000000,"end":1700000010,"#
            + #""duration":10,"count":2,"v":1,"ident":"i1"}"#
        let second =
            #"{"timestamp":1700000050,"server.timestamp":1700000050,"begin":1700000030,"end":1700000050,"#
            + #""duration":20,"count":3,"v":12,"ident":"i1"}"#
        #expect(interval["ends"] == .json("[\(first),\(second)]"))
        #expect(interval["more"] == .number(1))
    }

    @Test("source intervals with one end become messages a microsecond apart")
    func equalEnds() throws {
        // Pieces of 10 s, each with the message after it; the last piece has one message, as has the piece before.
        let source = #"""
            {"selectors":[{"type":"expression","expression":"on","max_active":10,"merge_message_after":true}]}
            """#
        let json = #"""
            {"messages_source":{"source":"calculator","calculator_id":5},"selectors":[{"type":"datetime"}],"counters":[
             {"name":"ends","type":"message","method":"each","fields":["timestamp","end"]}]}
            """#
        let messages = [0.0, 10, 20, 25].map { Fixtures.message($0, ["on": .boolean($0 < 25)]) }
        let found = try Self.evaluate([(5, source), (6, json)], messages)
        #expect(found[5]?.map(Fixtures.borders) == [[0, 20], [20, 25]])
        let two = [0.0, 10, 10.000001, 30].map { Fixtures.message($0, ["on": .boolean($0 < 20)]) }
        let merging = #"""
            {"selectors":[{"type":"expression","expression":"on","min_active":0},
             {"type":"expression","method":"change","expression":"timestamp > 1700000010","merge_message_after":true}],
             "counters":[]}
            """#
        let other = try Self.evaluate([(5, merging), (6, json)], two)
        #expect(other[5]?.map(Fixtures.borders) == [[0, 10.000001], [10.000001, 10.000001]])
        #expect(
            other[6]?.first?["ends"]
                == .json(
                    #"[{"timestamp":1700000010.000001,"end":1700000010.000001},"#
                        + #"{"timestamp":1700000010.000002,"end":1700000010.000001}]"#))
    }
}

@Suite("Calc counters")
struct SourceCounterTests {
    /// A calc counter over whole days, or over where `day` is true, on trips where `on` is true.
    private func value(
        _ options: String, _ messages: [RefMessage], selector: String = #"{"type":"datetime"}"#
    ) throws -> RefValue? {
        let json = #"""
            {"selectors":[\#(selector)],"counters":[{"name":"x","type":"calc","calc_id":5,\#(options)}]}
            """#
        return try NestTests.evaluate([(5, NestTests.trips), (6, json)], messages)[6]?.first?["x"]
    }

    private let messages = NestTests.messages("110111011", codes: "ab-bcc-ab")

    @Test("each, first and last give objects of fields, all of them by default")
    func objects() throws {
        let first = #"{"begin":1700000000,"end":1700000010,"duration":10,"count":2,"v":1,"code":"a","active":false}"#
        #expect(try value(#""method":"first""#, messages) == .json(first))
        #expect(
            try value(#""method":"each","fields":["code","none",{"name":"d","expression":"v / count"}]"#, messages)
                == .json(#"[{"code":"a","d":0.5},{"code":"b","d":4},{"code":"a","d":7.5}]"#))
        #expect(
            try value(#""method":"last","fields":["active",{"name":"e","expression":"error()"}]"#, messages)
                == .json(#"{"active":true}"#))
        #expect(try value(#""method":"each""#, NestTests.messages("0000")) == nil)
    }

    @Test("aggregate adds up what is all numbers and booleans, else takes the first, or does as it is told")
    func aggregate() throws {
        let fields = #"""
            "fields":["v","code","active",{"name":"most","expression":"v","aggregate":"max"},
            {"name":"codes","expression":"code","aggregate":"distinct"},
            {"name":"mixed","expression":"if(v > 10, 'x', v)"},
            {"name":"change","expression":"count","aggregate":"difference"},
            {"name":"none","expression":"error()"}]
            """#
        #expect(
            try value(#""method":"aggregate","# + fields, messages)
                == .json(#"{"v":28,"code":"a","active":1,"most":15,"codes":["a","b"],"mixed":1,"change":0}"#))
        let all = #"{"begin":5100000100,"end":5100000140,"duration":40,"count":7,"v":28,"code":"a","active":1}"#
        #expect(try value(#""method":"aggregate""#, messages) == .json(all))
    }

    @Test("aggregate_by_field groups by the first field, in order of appearance")
    func groups() throws {
        let fields = #""fields":["code","v",{"name":"last","expression":"v","aggregate":"last"}]"#
        #expect(
            try value(#""method":"aggregate_by_field","# + fields, messages)
                == .json(#"[{"code":"a","v":16,"last":15},{"code":"b","v":12,"last":12}]"#))
        let counted = #""fields":[{"name":"n","expression":"count > 2"},"count"]"#
        #expect(
            try value(#""method":"aggregate_by_field","# + counted, messages)
                == .json(#"[{"n":"false","count":4},{"n":"true","count":3}]"#))
    }

    @Test("source intervals that stick out count only if they are admitted")
    func borders() throws {
        // The interval lies from 10 to 40 s, the trips from 0 to 20 and from 40 to 60.
        var messages = NestTests.messages("1110111")
        for place in messages.indices { messages[place].values["day"] = .boolean((1...4).contains(place)) }
        let day = #"{"type":"expression","expression":"day"}"#
        func begins(_ options: String) throws -> RefValue? {
            try value(#""method":"each","fields":["count","v"]"# + options, messages, selector: day)
        }
        #expect(try begins("") == nil)
        #expect(try begins(#","allow_start_before":true"#) == .json(#"[{"count":3,"v":3}]"#))
        #expect(try begins(#","allow_finish_after":true"#) == .json(#"[{"count":3,"v":15}]"#))
        let both = #","allow_start_before":true,"allow_finish_after":true"#
        #expect(try begins(both) == .json(#"[{"count":3,"v":3},{"count":3,"v":15}]"#))
        #expect(try begins(both + #","validate_interval":"v > 3""#) == .json(#"[{"count":3,"v":15}]"#))
    }
}
