import Telemetry
import Testing

@testable import Ingest

@Suite struct MessageDecoderTests {
    let table = ParameterTable()

    @Test("a body is an array, one object, or objects one after another")
    func bodies() throws {
        let message = #"{"timestamp":1699999000,"a":1}"#
        for body in ["[\(message),\(message)]", "\(message)\n\(message)\n", " \(message) \(message)"] {
            let result = try decode(body, table: table)
            #expect(result.accepted == 2)
            #expect(result.byIdent.map(\.messages.timestamps) == [[1_699_999_000_000_000, 1_699_999_000_000_000]])
        }
        #expect(try decode(message, table: table).accepted == 1)
        #expect(try decode("[]", table: table).byIdent.isEmpty)
    }

    @Test("every kind of value keeps its kind; nested values become minimal JSON text")
    func kinds() throws {
        let text = """
            [{"timestamp": 1699999000.25, "n": -0.0, "i": 9007199254740993, "b": false, "s": "é\\u00e9\\ud83d\\ude00",
              "z": null, "o": { "a" : [ 1 , 2.50 ] }, "l": [ ], "e": 1.5e3}]
            """
        let messages = try #require(try decode(text, table: table).byIdent.first)
        #expect(messages.messages.timestamps == [1_699_999_000_250_000])
        #expect(messages.value("n", 0, table) == .number(0))
        #expect(messages.messages.values(try #require(table.existing("n")))?.numbers[0].sign == .plus)
        #expect(messages.value("i", 0, table) == .number(9_007_199_254_740_992))
        #expect(messages.value("b", 0, table) == .boolean(false))
        #expect(messages.value("s", 0, table) == .string("éé😀"))
        #expect(messages.value("z", 0, table) == .null)
        #expect(messages.value("o", 0, table) == .json(#"{"a":[1,2.5]}"#))
        #expect(messages.value("l", 0, table) == .json("[]"))
        #expect(messages.value("e", 0, table) == .number(1500))
    }

    @Test("messages that bring names of their own each become several batches, none of it lost, and none of it large")
    func sparse() throws {
        let objects = (0..<1_500).map { "{\"timestamp\":\(1_699_990_000 + $0),\"p\($0)\":\($0),\"all\":\(-$0)}" }
        let result = try decode("[\(objects.joined(separator: ","))]", table: table)
        #expect(result.accepted == 1_500 && result.byIdent.count > 1)
        #expect(result.byIdent.map(\.messages.count).reduce(0, +) == 1_500)
        #expect(result.byIdent.allSatisfy { $0.messages.count * $0.messages.columns.count <= 1 << 16 })
        for group in result.byIdent {
            for row in 0..<group.messages.count {
                let number = group.firstIndex + row
                #expect(group.messages.timestamps[row] == Int64(1_699_990_000 + number) * 1_000_000)
                #expect(group.value("p\(number)", row, table) == .number(Double(number)))
                #expect(group.value("all", row, table) == .number(Double(-number)))
            }
        }
    }

    @Test("a name with quotes in it is never taken for the names that it looks like")
    func quotedNames() throws {
        let result = try decode(
            #"""
            [{"timestamp":1699999000,"a\":1,\"b":2},{"timestamp":1699999001,"a":1,"b":2},
             {"timestamp":1699999002,"a\":1,\"b":3}]
            """#, table: table)
        let messages = try #require(result.byIdent.first)
        #expect((0..<3).map { messages.value("a", $0, table) } == [nil, .number(1), nil])
        #expect((0..<3).map { messages.value("b", $0, table) } == [nil, .number(2), nil])
        #expect((0..<3).map { messages.value("a\":1,\"b", $0, table) } == [.number(2), nil, .number(3)])
    }

    @Test("a parameter that a message lacks is absent in its row, before and after")
    func absent() throws {
        let result = try decode(
            #"[{"timestamp":1699999000,"a":1},{"timestamp":1699999001,"b":"x"},{"timestamp":1699999002,"a":"y"}]"#,
            table: table)
        let messages = try #require(result.byIdent.first)
        #expect((0..<3).map { messages.value("a", $0, table) } == [.number(1), nil, .string("y")])
        #expect((0..<3).map { messages.value("b", $0, table) } == [nil, .string("x"), nil])
        #expect(messages.messages.columns.allSatisfy { $0.values.count == 3 })
    }

    @Test(
        "a message without a possible timestamp is refused alone, and its problem says why",
        arguments: [
            (#"{"a":1}"#, "is missing"), (#"{"timestamp":"1699999000"}"#, "must be a number of seconds, is a string"),
            (#"{"timestamp":null}"#, "must be a number of seconds, is null"),
            (#"{"timestamp":1699999000123}"#, "1699999000123 looks like milliseconds; divide by 1000"),
            (#"{"timestamp":1699999000123456}"#, "1699999000123456 looks like microseconds; divide by 1000000"),
            (#"{"timestamp":946684799}"#, "946684799 is outside the years 2000 to 2100"),
            (#"{"timestamp":-5}"#, "-5 is outside the years 2000 to 2100"),
        ])
    func timestamps(message: String, reason: String) throws {
        let result = try decode(#"[{"timestamp":1699999000,"a":1},\#(message),{"timestamp":1699999001}]"#, table: table)
        #expect(result.accepted == 2)
        #expect(result.refused == 1)
        #expect(
            result.problems == [
                MessageProblem(index: 1, parameter: "timestamp", reason: reason, refusesMessage: true)
            ])
    }

    @Test(
        "a message that could be read but for its timestamp is given whole, to be kept apart",
        arguments: [
            (
                #"{"a":1,"b":"x\n","c":[1, {"d":null}],"e":true,"f":null}"#,
                #"{"a":1,"b":"x\n","c":[1,{"d":null}],"e":true,"f":null}"#
            ),
            (#"{"a":1,"timestamp":"2024-01-01"}"#, #"{"timestamp":"2024-01-01","a":1}"#),
            (#"{"timestamp":99.5,"a":-0.5}"#, #"{"timestamp":99.5,"a":-0.5}"#),
            (#"{"timestamp":1699999000,"timestamp":null}"#, #"{"timestamp":null}"#), ("{}", "{}"),
            (#"{"position.speed":"fast","server.timestamp":5,"x":1}"#, #"{"x":1}"#),
        ])
    func impossible(message: String, json: String) throws {
        let result = try decode("[\(message)]", table: table)
        #expect(result.impossible.map(\.json).map { try? JSONValue(parsing: $0) } == [try JSONValue(parsing: json)])
        #expect(result.impossible.map(\.json).map(\.count) == [json.count], "\(result.impossible)")
        #expect(result.refused == 1 && result.impossible.first?.index == 0)
    }

    @Test("impossible messages keep their ident, and are given up to a number and a length only")
    func impossibleLimits() throws {
        var limits = DecodingLimits()
        limits.impossibleCountMax = 3
        limits.impossibleByteCountMax = 40
        let long = String(repeating: "x", count: 60)
        let result = try decode(
            #"[{"a":"\#(long)"},{"ident":"d"},{"ident":"a/b"},5,{"b":1},{"c":1},{"d":1}]"#, table: table, limits: limits
        )
        #expect(result.impossible.map(\.index) == [1, 4, 5])
        #expect(result.impossible.map(\.ident) == ["d", nil, nil])
        #expect(result.refused == 7 && result.impossible.first?.json == #"{"ident":"d"}"#)
    }

    @Test("the place of the first message of each ident is told, of those ahead as well")
    func firstIndex() throws {
        let result = try decode(
            """
            [{},{"timestamp":1699999000,"ident":"a"},{"timestamp":1800000000,"ident":"a"},\
            {"timestamp":1699999001,"ident":"b"},{"timestamp":1699999002,"ident":"a"},{"timestamp":1800000001,"ident":"a"}]
            """, table: table)
        #expect(result.byIdent.map(\.firstIndex) == [1, 3])
        #expect(result.future.map(\.firstIndex) == [2])
    }

    @Test("a message that is not an object is refused alone", arguments: ["5", "null", "[1,2]", #""text""#])
    func notObjects(value: String) throws {
        let result = try decode(#"[\#(value),{"timestamp":1699999000}]"#, table: table)
        #expect(result.accepted == 1)
        #expect(result.problems.first?.index == 0)
        #expect(result.problems.first?.parameter == nil)
        #expect(result.problems.first?.refusesMessage == true)
    }

    @Test("a value whose type contradicts the dictionary is refused alone; null fits every type")
    func types() throws {
        let result = try decode(
            #"[{"timestamp":1699999000,"position.speed":"fast","engine.ignition.status":1,"vehicle.vin":null,"x":true}]"#,
            table: table)
        let messages = try #require(result.byIdent.first)
        #expect(messages.value("position.speed", 0, table) == nil)
        #expect(messages.value("engine.ignition.status", 0, table) == nil)
        #expect(messages.value("vehicle.vin", 0, table) == .null)
        #expect(messages.value("x", 0, table) == .boolean(true))
        #expect(
            result.problems.map(\.description) == [
                "position.speed: must be a number, is a string",
                "engine.ignition.status: must be a boolean, is a number",
            ])
        #expect(result.problems.allSatisfy { !$0.refusesMessage })
    }

    @Test(
        "a position outside the globe loses both coordinates and nothing else",
        arguments: [
            (91.0, 10.0, "position.latitude: 91 is outside -90 to 90; the position was dropped"),
            (-90.001, 10.0, "position.latitude: -90.001 is outside -90 to 90; the position was dropped"),
            (34.0, 1555.6, "position.longitude: 1555.6 is outside -180 to 180; the position was dropped"),
        ])
    func positions(latitude: Double, longitude: Double, problem: String) throws {
        let result = try decode(
            #"[{"timestamp":1699999000,"position.longitude":\#(longitude),"position.latitude":\#(latitude),"position.speed":9}]"#,
            table: table)
        let messages = try #require(result.byIdent.first)
        #expect(messages.value("position.latitude", 0, table) == nil)
        #expect(messages.value("position.longitude", 0, table) == nil)
        #expect(messages.value("position.speed", 0, table) == .number(9))
        #expect(result.problems.map(\.description) == [problem])
    }

    @Test("the edges of the globe are positions")
    func edges() throws {
        let result = try decode(
            #"[{"timestamp":1699999000,"position.latitude":-90,"position.longitude":180}]"#, table: table)
        #expect(result.problems.isEmpty)
        #expect(result.byIdent.first?.value("position.longitude", 0, table) == .number(180))
    }

    @Test(
        "a syntax error refuses the body and names its place",
        arguments: [
            ("[{\"timestamp\":1699999000},\n {\"timestamp\":1699999001,]", 2, 26), ("", 1, 1), ("5", 1, 1),
            ("[{\"timestamp\":1699999000}", 1, 26), ("[{\"timestamp\":1699999000}] x", 1, 28),
            ("{\"timestamp\":1699999000}\n{\"timestamp\" 1}", 2, 14), ("[{\"a\":\"\\ud800\"}]", 1, 8),
            ("[{\"a\":01}]", 1, 7), ("[{\"a\":NaN}]", 1, 7), ("[{\"a\":1e999}]", 1, 7),
        ])
    func syntax(body: String, line: Int, column: Int) throws {
        let error = #expect(throws: JSONError.self) { try decode(body, table: table) }
        #expect(error?.line == line, "\(body): \(String(describing: error))")
        #expect(error?.column == column, "\(body): \(String(describing: error))")
    }

    @Test("of a repeated name the last value stays, however the name is written")
    func duplicates() throws {
        let result = try decode(
            #"[{"timestamp":1,"a":1,"b":2,"\u0061":"last","timestamp":1699999000,"caf\u00e9":1,"cafe\u0301":2}]"#,
            table: table)
        let messages = try #require(result.byIdent.first)
        #expect(messages.messages.timestamps == [1_699_999_000_000_000])
        #expect(messages.value("a", 0, table) == .string("last"))
        #expect(messages.value("café", 0, table) == .number(2))
        #expect(messages.messages.columns.count == 3)
    }

    @Test("what the engine supplies is not stored from the sender")
    func supplied() throws {
        let result = try decode(
            """
            [{"ident":"x","device.id":5,"device.name":"n","device.type.id":"wrong","server.timestamp":1,
              "timestamp":1699999000,"peer":"1.2.3.4:5","channel.id":7}]
            """, table: table)
        let names = result.byIdent.first?.messages.columns.map { table.name($0.parameter) }
        #expect(names == ["peer", "channel.id"])
        #expect(result.problems.isEmpty)
        #expect(result.byIdent.first?.messages.acceptances == [acceptedAt.microseconds])
    }

    @Test("messages go to their idents, in the order in which the idents first appear")
    func idents() throws {
        let result = try decode(
            """
            [{"timestamp":1699999000,"ident":"b"},{"timestamp":1699999001},{"ident":"a","timestamp":1699999002},
             {"timestamp":1699999003,"ident":"b"},{"timestamp":1699999004,"ident":null}]
            """, table: table)
        #expect(result.byIdent.map(\.ident) == ["b", nil, "a"])
        #expect(result.byIdent.map(\.messages.count) == [2, 2, 1])
    }

    @Test("an ident that could not name a topic refuses its message", arguments: ["", "a/b", "#", "x+", "tab\\t"])
    func badIdents(ident: String) throws {
        let result = try decode(#"[{"timestamp":1699999000,"ident":"\#(ident)"}]"#, table: table)
        #expect(result.accepted == 0)
        #expect(result.problems.first?.parameter == "ident")
    }

    @Test("messages too far in the future are kept apart")
    func future() throws {
        let body = #"[{"timestamp":1700000300,"a":1},{"timestamp":1700000300.000001,"a":2},{"timestamp":1699999999}]"#
        let result = try decode(body, table: table)
        #expect(result.accepted == 3)
        #expect(result.byIdent.first?.messages.count == 2)
        #expect(result.future.map(\.messages.timestamps) == [[1_700_000_300_000_001]])
        #expect(try decode(#"{"timestamp":1800000000}"#, table: table).byIdent.isEmpty)
    }

    @Test("history is accepted at its own timestamps, and none of it lies in the future")
    func history() throws {
        let result = try decode(#"[{"timestamp":1800000000},{"timestamp":1000000000}]"#, acceptance: .history)
        #expect(result.future.isEmpty)
        #expect(result.byIdent.first?.messages.acceptances == [1_800_000_000_000_000, 1_000_000_000_000_000])
    }

    @Test("limits cost a parameter, never the message")
    func limits() throws {
        let long = String(repeating: "n", count: 257)
        let text = String(repeating: "t", count: 65_537)
        let fits = String(repeating: "t", count: 65_536)
        let result = try decode(
            #"[{"\#(long)":1,"":2,"text":"\#(text)","fits":"\#(fits)","list":["\#(fits)"],"timestamp":1699999000}]"#,
            table: table)
        let messages = try #require(result.byIdent.first)
        #expect(messages.messages.columns.map { table.name($0.parameter) } == ["fits"])
        #expect(result.problems.count == 4)
        #expect(table.count == 1)
        let many = (0...1_000).map { "\"p\($0)\":\($0)" }.joined(separator: ",")
        let crowded = try decode("[{\(many),\"p0\":5,\"timestamp\":1699999000}]", table: table)
        #expect(crowded.byIdent.first?.messages.columns.count == 1_000)
        #expect(crowded.byIdent.first?.value("p0", 0, table) == .number(5))
        #expect(crowded.problems.map(\.parameter) == ["p1000"])
    }

    @Test("problems beyond the limit are only counted, and names of refused messages are not stored")
    func problemLimit() throws {
        var limits = DecodingLimits()
        limits.problemCountMax = 3
        let body = "[" + (0..<10).map { "{\"name\($0)\":1}" }.joined(separator: ",") + "]"
        let result = try decode(body, table: table, limits: limits)
        #expect(result.problems.count == 3)
        #expect(result.problemsOmitted == 7)
        #expect(result.refused == 10)
        #expect(table.count == 0)
    }

    @Test("nesting too deep for the scanner is a syntax error, not a crash")
    func nesting() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError.self) { try decode(deep) }
        #expect(throws: JSONError.self) { try decode("[{\"a\":\(deep)") }
    }

    @Test("a decoder gives every body the same, whatever it has met before")
    func reuse() async throws {
        let decoder = MessageDecoder(table: table)
        let body = Array(#"[{"timestamp":1699999000,"a":1,"b":"x"},{"b":"y","timestamp":1699999001,"c":null}]"#.utf8)
        let first = try decoder.decode(body, acceptance: .history).byIdent
        let names = (0..<5_000).map { "\"n\($0)\":1" }.joined(separator: ",")
        let many = "{\"timestamp\":1,\(names)}"
        _ = try decoder.decode(Array(many.utf8), acceptance: .history)
        #expect(throws: JSONError.self) { try decoder.decode(Array(#"{"a":1,"b":"#.utf8), acceptance: .history) }
        #expect(try decoder.decode(body, acceptance: .history).byIdent == first)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 {
                group.addTask { (try? decoder.decode(body, acceptance: .history).byIdent) == first }
            }
            for await isEqual in group { #expect(isEqual) }
        }
    }

    @Test("a table that is full refuses new names and keeps the rest of the message")
    func fullTable() throws {
        let full = ParameterTable(names: (0..<ParameterTable.countMax).map { "p\($0)" })
        let result = try decode(#"{"timestamp":1699999000,"p7":1,"new":2}"#, table: full)
        #expect(result.byIdent.first?.value("p7", 0, full) == .number(1))
        #expect(result.problems.map(\.description) == ["new: the table of parameter names is full"])
    }
}
