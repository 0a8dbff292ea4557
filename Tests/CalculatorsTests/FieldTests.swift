import Calculators
import Expressions
import Telemetry
import Testing

@Suite("Fields of a calculator")
struct FieldTests {
    /// A calculator with the given members beside one selector.
    static func calculator(_ members: String = "", requiresName: Bool = false) throws -> Calculator {
        let selectors = #""selectors":[{"type":"expression","expression":"a"}]"#
        return try Calculator(
            JSONValue(parsing: "{" + [selectors, members].filter { !$0.isEmpty }.joined(separator: ",") + "}"),
            requiresName: requiresName)
    }

    static func selector(_ members: String, type: String = "expression") throws -> Selector {
        let expression = type == "expression" ? #","expression":"a""# : ""
        let tail = members.isEmpty ? "" : "," + members
        let text = #"{"selectors":[{"type":"\#(type)"\#(expression)\#(tail)}]}"#
        return try #require(try Calculator(JSONValue(parsing: text)).selectors.first)
    }

    static func counter(_ text: String) throws -> Counter {
        try #require(try calculator(#""counters":[\#(text)]"#).counters.first)
    }

    @Test("every field of the language is taken and kept")
    func everything() throws {
        let calculator = try Self.calculator(
            #"""
            "id":7,"cid":1,"deleted":false,"version":3,"revision":9,"name":"Trips","timezone":"Africa/Nairobi","update_interval":30,
            "update_period":86400,"update_onchange":false,"intervals_ttl":31536000,"intervals_rotate":1000,
            "mileage_outlier_speed":200,"metadata":{"k":[1]},"messages_source":{"source":"device"},
            "validate_message":"position.valid == true","validate_interval":"duration > 60"
            """#, requiresName: true)
        #expect(calculator.name == "Trips" && calculator.timeZoneName == "Africa/Nairobi")
        #expect(calculator.updateInterval == 30 && calculator.updatePeriod == 86_400 && !calculator.updatesOnChange)
        #expect(calculator.intervalsTTL == 31_536_000 && calculator.intervalsRotate == 1000)
        #expect(calculator.mileageOutlierSpeed == 200)
        #expect(calculator.validateMessage?.source == "position.valid == true")
        #expect(calculator.validateInterval?.source == "duration > 60")
        #expect(calculator.layout.names == ["position.valid", "a"] && calculator.intervalLayout.names == ["duration"])
        #expect(!calculator.readsMetadata && !calculator.listsMessages && calculator.warnings.isEmpty)
    }

    @Test(
        "what is left out, null or empty has its default",
        arguments: [
            "",
            #""name":null,"timezone":null,"update_interval":null,"update_delay":null,"update_period":null,"counters":null"#,
            #""update_onchange":null,"intervals_ttl":null,"intervals_rotate":null,"mileage_outlier_speed":null,"metadata":null"#,
            #""messages_source":null,"validate_message":"","validate_interval":"""#,
            #""validate_message":null,"validate_interval":null"#,
        ])
    func defaults(_ members: String) throws {
        let calculator = try Self.calculator(members)
        #expect(calculator.name.isEmpty && calculator.timeZoneName == "UTC" && calculator.counters.isEmpty)
        #expect(calculator.updateInterval == 10 && calculator.updatePeriod == 0 && calculator.updatesOnChange)
        #expect(calculator.intervalsTTL == 0 && calculator.intervalsRotate == 0 && calculator.mileageOutlierSpeed == 0)
        #expect(calculator.validateMessage == nil && calculator.validateInterval == nil)
    }

    @Test("update_delay is another spelling of update_interval, which goes before it")
    func updateDelay() throws {
        #expect(try Self.calculator(#""update_delay":3"#).updateInterval == 3)
        #expect(try Self.calculator(#""update_delay":3,"update_interval":4"#).updateInterval == 4)
        #expect(try Self.calculator(#""update_interval":0"#).updateInterval == 0)
    }

    @Test("every option of an expression selector is taken and kept to the microsecond")
    func selectorOptions() throws {
        let selector = try Self.selector(
            #"""
            "name":"driving","method":"boolean","validate_message":"b","invert":true,"max_messages_time_diff":300,
            "max_inactive":120.5,"min_active":0,"max_active":10,"min_duration":0.000001,"merge_message_before":true,
            "merge_message_after":true,"merge_unknown":true
            """#)
        var expected = try Self.selector("").options
        expected.invert = true
        expected.maxMessagesTimeDiff = 300_000_000
        expected.maxInactive = 120_500_000
        expected.minActive = 0
        expected.maxActive = 10_000_000
        expected.minDuration = 1
        expected.mergesBefore = true
        expected.mergesAfter = true
        expected.mergesUnknown = true
        #expect(selector.options == expected)
        #expect(selector.name == "driving" && selector.validateMessage?.source == "b" && !selector.dropsSingleMessages)
        let plain = try Self.selector("").options
        #expect(!plain.invert && !plain.mergesBefore && !plain.mergesAfter && !plain.mergesUnknown)
        #expect(plain.minActive == nil && plain.minDuration == 0 && plain.maxInactive == 0)
        #expect(plain.maxActive == 0 && plain.maxMessagesTimeDiff == 0)
    }

    @Test("one-message runs are dropped by boolean selectors without min_active only")
    func singleMessages() throws {
        #expect(try Self.selector("").dropsSingleMessages)
        #expect(try !Self.selector(#""min_active":0"#).dropsSingleMessages)
        #expect(try !Self.selector(#""method":"change""#).dropsSingleMessages)
        #expect(try !Self.selector("", type: "datetime").dropsSingleMessages)
    }

    @Test(
        "a datetime selector splits by calendar unit, or not at all",
        arguments: ["hour", "day", "week", "month", "year"])
    func datetime(_ unit: String) throws {
        guard case .datetime(let split) = try Self.selector(#""split":"\#(unit)""#, type: "datetime").kind else {
            Issue.record("no datetime selector")
            return
        }
        #expect(split?.rawValue == unit)
        guard case .datetime(nil) = try Self.selector("", type: "datetime").kind else {
            Issue.record("without split all messages are one run")
            return
        }
    }

    @Test(
        "methods are taken in both spellings",
        arguments: [
            ("first", Method.first), ("last", .last), ("minimum", .minimum), ("min", .minimum), ("maximum", .maximum),
            ("max", .maximum),
            ("average", .average), ("summary", .summary), ("difference", .difference), ("duration", .duration),
            ("distinct", .distinct),
        ])
    func methods(_ word: String, _ method: Calculators.Method) throws {
        for source in [#""type":"expression","expression":"x""#, #""type":"parameter","parameter":"x""#] {
            let counter = try Self.counter(#"{"name":"c",\#(source),"method":"\#(word)","validate_message":"y"}"#)
            guard case .values(let program, method) = counter.kind else {
                Issue.record("\(word) is not \(method)")
                return
            }
            #expect(program.names == ["x"] && counter.validateMessage?.source == "y" && counter.readsMessages)
            #expect(counter.listsMessages == (method == .distinct))
        }
    }

    @Test(
        "every type of counter is read",
        arguments: [
            (#"{"name":"c","type":"parameter","method":"first"}"#, true),
            (#"{"name":"c","type":"interval","expression":"begin"}"#, false),
            (#"{"name":"c","type":"active"}"#, false), (#"{"name":"c","type":"datetime"}"#, false),
            (#"{"name":"c","type":"datetime","format":"%F","interval":"end","validate_message":""}"#, false),
            (#"{"name":"c","type":"route"}"#, true), (#"{"name":"c","type":"route","validate_message":"a"}"#, true),
            (#"{"name":"c","type":"specified","value":"x"}"#, false),
            (#"{"name":"c","type":"specified","value":5}"#, false),
            (#"{"name":"c","type":"specified","value":false}"#, false),
            (#"{"name":"c","type":"message","method":"first"}"#, true),
            (
                #"{"name":"c","type":"message","method":"each","fields":["timestamp",{"name":"n","expression":"a+1"}]}"#,
                true
            ),
            (
                #"{"name":"c","type":"message","method":"aggregate_by_field","fields":["id",{"name":"n","expression":"a","aggregate":"max"}]}"#,
                true
            ),
            (#"{"name":"c","type":"message","extremum":{"type":"minimum","expression":"a"}}"#, true),
        ])
    func counters(_ text: String, _ readsMessages: Bool) throws {
        let counter = try Self.counter(text)
        #expect(counter.name == "c" && counter.readsMessages == readsMessages)
    }

    @Test("a parameter counter reads its own name where it names no other, whatever characters it has")
    func parameterName() throws {
        guard
            case .values(let program, .last) = try Self.counter(#"{"name":"x-y z","type":"parameter","method":"last"}"#)
                .kind
        else {
            Issue.record("no parameter counter")
            return
        }
        #expect(program.names == ["x-y z"])
    }

    @Test("programs are found wherever they stand")
    func programs() throws {
        let calculator = try Self.calculator(
            #"""
            "validate_message":"v1","validate_interval":"metadata('m') > duration","counters":[
            {"name":"n","type":"expression","expression":"v2","method":"first","validate_message":"v3"},
            {"name":"m","type":"message","method":"each","fields":[{"name":"f","expression":"v4"}],"extremum":{"type":"max","expression":"v5"}},
            {"name":"i","type":"interval","expression":"n*2"}]
            """#)
        #expect(calculator.messagePrograms.map(\.source).sorted() == ["a", "v1", "v2", "v3", "v4", "v5"])
        #expect(calculator.intervalPrograms.map(\.source).sorted() == ["metadata('m') > duration", "n*2"])
        #expect(calculator.readsMetadata && calculator.listsMessages)
    }
}
