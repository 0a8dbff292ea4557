import Calculators
import Telemetry
import Testing

@Suite("Refused calculators")
struct RefusalTests {
    private static func problems(_ text: String, requiresName: Bool = false) throws -> [CalculatorProblem] {
        let definition = try JSONValue(parsing: text)
        do throws(InvalidCalculator) {
            _ = try Calculator(definition, requiresName: requiresName)
            return []
        } catch {
            return error.problems
        }
    }

    private static let selector = #"{"type":"expression","expression":"a"}"#

    /// A calculator with the given members beside one selector, `s` or `c` inside its selector or its one counter.
    private static func text(_ members: String, in place: String) -> String {
        switch place {
        case "s": #"{"selectors":[{"type":"expression","expression":"a",\#(members)}]}"#
        case "d": #"{"selectors":[{"type":"datetime",\#(members)}]}"#
        case "c": #"{"selectors":[\#(selector)],"counters":[{"name":"c",\#(members)}]}"#
        default: #"{"selectors":[\#(selector)],\#(members)}"#
        }
    }

    @Test(
        "one mistake gives one problem with its path, its column and the mend",
        arguments: [
            ("", #""update_interval":-1"#, "update_interval", "from 0 to 4294967295"),
            ("", #""update_interval":4294967296"#, "update_interval", "from 0 to 4294967295"),
            ("", #""update_delay":-1"#, "update_delay", "from 0 to 4294967295"),
            ("", #""update_period":"1""#, "update_period", "must be a number, not a string"),
            ("", #""intervals_ttl":-0.5"#, "intervals_ttl", "from 0 to"),
            ("", #""intervals_rotate":1e16"#, "intervals_rotate", "from 0 to 9000000000000000"),
            ("", #""mileage_outlier_speed":100001"#, "mileage_outlier_speed", "from 0 to 100000"),
            ("", #""update_onchange":1"#, "update_onchange", "must be true or false, not a number"),
            ("", #""name":5"#, "name", "must be a string, not a number"),
            ("", #""timezone":{}"#, "timezone", "not an object"),
            ("", #""metadata":[]"#, "metadata", "must be an object, not an array"),
            ("", #""counters":{}"#, "counters", "must be an array, not an object"),
            ("", #""counters":[5]"#, "counters[0]", "must be an object, not a number"),
            ("", #""validate_message":5"#, "validate_message", "must be a string"),
            ("", #""validate_message":"a +""#, "validate_message", "found the end"),
            ("", #""validate_interval":"id > 5""#, "validate_interval", "'id' of an interval cannot be read"),
            ("", #""messages_source":"device""#, "messages_source", "must be an object"),
            ("", #""messages_source":{"source":"calc"}"#, "messages_source.calc_id", "is missing"),
            ("", #""messages_source":{"source":"devize"}"#, "messages_source.source", "did you mean \"device\"?"),
            ("", #""messages_source":{"sorce":"device"}"#, "messages_source.sorce", "did you mean \"source\"?"),
            ("", #""updat_interval":5"#, "updat_interval", "did you mean \"update_interval\"?"),
            ("", #""zzzzzzzz":5"#, "zzzzzzzz", "a calculator has no such field; known are"),
            ("s", #""max_inactiv":5"#, "selectors[0].max_inactiv", "did you mean \"max_inactive\"?"),
            ("s", #""max_inactive":-5"#, "selectors[0].max_inactive", "from 0 to 4294967295"),
            ("s", #""min_active":true"#, "selectors[0].min_active", "must be a number, not a boolean"),
            ("s", #""invert":"yes""#, "selectors[0].invert", "must be true or false"),
            ("s", #""method":"chance""#, "selectors[0].method", "did you mean \"change\"?"),
            ("s", #""validate_message":"roud(1)""#, "selectors[0].validate_message", "did you mean round()?"),
            ("s", #""split":"day""#, "selectors[0].split", "no such field"),
            ("d", #""split":"dya""#, "selectors[0].split", "did you mean \"day\"?"),
            ("d", #""invert":true"#, "selectors[0].invert", "a selector of type datetime has no such field"),
            ("c", #""type":"parameter""#, "counters[0].method", "is missing: one of first"),
            ("c", #""type":"parameter","method":"avrage""#, "counters[0].method", "did you mean \"average\"?"),
            ("c", #""type":"expression","method":"first""#, "counters[0].expression", "is missing"),
            ("c", #""type":"expression","expression":"1","method":null"#, "counters[0].method", "is missing"),
            ("c", #""type":"expression","method":"first","expression":"1 @""#, "counters[0].expression", "'@'"),
            ("c", #""type":"interval""#, "counters[0].expression", "is missing"),
            ("c", #""type":"interval","expression":"mileage()""#, "counters[0].expression", "works on messages"),
            (
                "c", #""type":"interval","expression":"1","validate_message":"a""#, "counters[0].validate_message",
                "no such field"
            ),
            (
                "c", #""type":"active","method":"first""#, "counters[0].method",
                "a counter of type active has no such field"
            ),
            ("c", #""type":"datetime","interval":"start""#, "counters[0].interval", "none of begin, end"),
            ("c", #""type":"specified""#, "counters[0].value", "is missing"),
            ("c", #""type":"specified","value":[]"#, "counters[0].value", "not an array"),
            ("c", #""type":"specified","value":null"#, "counters[0].value", "not null"),
            ("c", #""type":"message""#, "counters[0].method", "is missing: first, last, each"),
            ("c", #""type":"message","method":"aggregate_by_field""#, "counters[0].fields", "is missing"),
            (
                "c", #""type":"message","method":"each","fields":[{"name":"n"}]"#, "counters[0].fields[0].expression",
                "is missing"
            ),
            (
                "c", #""type":"message","method":"each","fields":[{"nam":"n","expression":"1"}]"#,
                "counters[0].fields[0].nam", "\"name\""
            ),
            ("c", #""type":"message","method":"each","fields":[5]"#, "counters[0].fields[0]", "must be an object"),
            (
                "c", #""type":"message","extremum":{"type":"max","expression":"(""# + "}",
                "counters[0].extremum.expression", "expected a value"
            ),
            (
                "c", #""type":"message","extremum":{"type":"max","expression":"1","x":1}"#, "counters[0].extremum.x",
                "no such field"
            ),
            ("c", #""type":"parametr""#, "counters[0].type", "did you mean \"parameter\"?"),
        ])
    func single(_ place: String, _ members: String, _ path: String, _ reason: String) throws {
        let problems = try Self.problems(Self.text(members, in: place))
        #expect(problems.contains { $0.path == path && $0.reason.contains(reason) }, "\(problems)")
        #expect(
            Set(problems.map(\.path)).subtracting([path]).allSatisfy { path.hasPrefix($0) || $0.hasPrefix(path) },
            "\(problems)")
    }

    @Test("the column of an expression's error comes along")
    func column() throws {
        let problems = try Self.problems(Self.text(#""validate_message":"position.speed = 5""#, in: "s"))
        #expect(
            problems == [
                CalculatorProblem(
                    path: "selectors[0].validate_message", column: 16, reason: problems.first?.reason ?? "")
            ])
        #expect(problems.first?.description.hasPrefix("selectors[0].validate_message, column 16: ") ?? false)
    }

    @Test("all problems of a definition are reported at once")
    func everything() throws {
        let problems = try Self.problems(
            #"""
            {"updte_period":1,"update_interval":-1,"validate_message":"(","selectors":[{"type":"expression"},{"type":"expression",
            "expression":"a","max_inactive":"x","foo":1}],"counters":[{"type":"active"},{"name":"id","type":"active"},
            {"name":"c","type":"parameter"},{"name":"d"}]}
            """#, requiresName: true)
        let expected: Set<String> = [
            "name", "updte_period", "update_interval", "validate_message", "selectors[0].expression",
            "selectors[1].max_inactive",
            "selectors[1].foo", "counters[0].name", "counters[1].name", "counters[2].method", "counters[3].type",
        ]
        #expect(Set(problems.map(\.path)) == expected)
        #expect(problems.count == expected.count)
    }

    @Test("a definition must be an object", arguments: ["[]", "5", "null", "\"x\"", "true"])
    func wholeDefinition(_ text: String) throws {
        #expect(try Self.problems(text).contains { $0.path.isEmpty && $0.reason.contains("must be an object") })
    }

    @Test("a name is asked for where it is stored, not where it is only calculated")
    func names() throws {
        #expect(try Self.problems(Self.text(#""name":"""#, in: ""), requiresName: true).map(\.path) == ["name"])
        #expect(try Self.problems(Self.text(#""name":"""#, in: "")).isEmpty)
    }

    @Test("selectors: one to three", arguments: [(0, false), (1, true), (3, true), (4, false)])
    func selectorCount(_ count: Int, _ isFine: Bool) throws {
        let items = [String](repeating: Self.selector, count: count).joined(separator: ",")
        let problems = try Self.problems(#"{"selectors":[\#(items)]}"#)
        #expect(problems.map(\.path) == (isFine ? [] : ["selectors"]))
    }

    @Test("a calculator without selectors is refused", arguments: ["{}", #"{"selectors":{}}"#, #"{"selectors":"a"}"#])
    func missingSelectors(_ text: String) throws {
        #expect(try Self.problems(text).map(\.path) == ["selectors"])
    }

    @Test("at most 256 counters")
    func counterCount() throws {
        func text(_ count: Int) -> String {
            let items = (0..<count).map { #"{"name":"c\#($0)","type":"active"}"# }
            return #"{"selectors":[\#(Self.selector)],"counters":[\#(items.joined(separator: ","))]}"#
        }
        #expect(try Self.problems(text(Calculator.countersMax)).isEmpty)
        #expect(try Self.problems(text(Calculator.countersMax + 1)).map(\.path) == ["counters"])
    }

    @Test("two counters of one name are refused, the second of them")
    func duplicateNames() throws {
        let counters = #"{"name":"c","type":"active"},{"name":"b","type":"active"},{"name":"c","type":"route"}"#
        let problems = try Self.problems(#"{"selectors":[\#(Self.selector)],"counters":[\#(counters)]}"#)
        #expect(problems.map(\.path) == ["counters[2].name"])
    }

    @Test("names that every interval has are refused", arguments: ["begin", "end", "duration", "id", "timestamp"])
    func reservedNames(_ name: String) throws {
        let text = #"{"selectors":[\#(Self.selector)],"counters":[{"name":"\#(name)","type":"active"}]}"#
        #expect(try Self.problems(text).map(\.path) == ["counters[0].name"])
    }

    @Test(
        "null in the place of what is required is a problem, not a thing left out",
        arguments: [
            (#"{"selectors":null}"#, "selectors"), (#"{"selectors":[{"type":null}]}"#, "selectors[0].type"),
            (#"{"selectors":[{"type":"expression","expression":null}]}"#, "selectors[0].expression"),
            (#"{"selectors":[{"type":"datetime"}],"counters":[{"name":"c","type":null}]}"#, "counters[0].type"),
        ])
    func nulls(_ text: String, _ path: String) throws {
        let problems = try Self.problems(text)
        #expect(problems.map(\.path) == [path])
    }

    @Test("a repeated update_delay beside update_interval is still checked")
    func shadowedDelay() throws {
        let problems = try Self.problems(Self.text(#""update_interval":5,"update_delay":"x""#, in: ""))
        #expect(problems.map(\.path) == ["update_delay"])
    }
}
