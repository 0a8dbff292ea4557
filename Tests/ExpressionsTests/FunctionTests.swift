import Expressions
import Telemetry
import Testing

@Suite("Functions")
struct FunctionTests {
    /// Calls of one function with their results over `message`; an error and what is refused at once.
    struct Cases {
        var values: [(String, Value)]
        /// Calls that are errors when evaluated.
        var errors: [String] = []
        /// Calls that do not compile: the only way to misuse a function that accepts every value.
        var refused: [String] = []
    }

    /// 2024-02-29 was a Thursday; 1709210096.5 is 12:34:56.5 UTC.
    static let message = #"""
        [{"timestamp":1709210096.5,"n":-2.5,"s":" Ab c ","z":null,"t":true,"a":[1,"x",{"k":2}],"o":{"k":5,"m":{"p":6}},
          "position.latitude":0,"position.longitude":0}]
        """#
    static let kilometre = Geodesy.distance(0, 0, 0, 1)

    static let logic: [String: Cases] = [
        "if": Cases(
            values: [("if(1, 2, 3)", .number(2)), ("if(0, 2, 3)", .number(3)), ("if(0, 2)", .null)],
            errors: ["if(1, none, 2)"], refused: ["if(1)", "if(1,2,3,4)"]),
        "not": Cases(
            values: [("not(0)", .boolean(true)), ("not(none)", .boolean(true)), ("not('')", .boolean(false))],
            refused: ["not()"]),
        "exists": Cases(
            values: [("exists('z')", .boolean(true)), ("exists('none')", .boolean(false))], refused: ["exists(n)"]),
        "previous": Cases(
            values: [("previous('n') || true", .boolean(true))], errors: ["previous('n')"], refused: ["previous(n)"]),
        "error": Cases(values: [("error() || true", .boolean(true))], errors: ["error()"], refused: ["error(1)"]),
        "isnull": Cases(
            values: [("isnull(z)", .boolean(true)), ("isnull(n)", .boolean(false))], errors: ["isnull(none)"]),
        "isnumber": Cases(
            values: [("isnumber(n)", .boolean(true)), ("isnumber('5')", .boolean(false))], errors: ["isnumber(none)"]),
        "isstring": Cases(
            values: [("isstring(s)", .boolean(true)), ("isstring(a)", .boolean(false))], errors: ["isstring(none)"]),
        "isboolean": Cases(
            values: [("isboolean(t)", .boolean(true)), ("isboolean(1)", .boolean(false))], errors: ["isboolean(none)"]),
        "isjson": Cases(
            values: [("isjson(a)", .boolean(true)), ("isjson(s)", .boolean(false))], errors: ["isjson(none)"]),
        "tonumber": Cases(
            values: [("tonumber('-1.5e1')", .number(-15)), ("tonumber(t)", .number(1)), ("tonumber(z)", .number(0))],
            errors: ["tonumber('x')", "tonumber('')", "tonumber(a)"]),
        "tostring": Cases(
            values: [
                ("tostring(n)", .string("-2.5")), ("tostring(t)", .string("true")), ("tostring(5.0)", .string("5")),
            ],
            errors: ["tostring(none)"]),
        "toboolean": Cases(
            values: [("toboolean(n)", .boolean(true)), ("toboolean(z)", .boolean(false))], errors: ["toboolean(none)"]),
        "tojson": Cases(
            values: [("tojson('[1, 2]')", .json("[1,2]")), ("tojson('5')", .number(5)), ("tojson(n)", .number(-2.5))],
            errors: ["tojson('[')", "tojson(none)"]),
    ]

    static let mathematics: [String: Cases] = [
        "abs": Cases(
            values: [("abs(n)", .number(2.5)), ("abs('-3')", .number(3))], errors: ["abs('x')", "abs(none)"]),
        "round": Cases(
            values: [
                ("round(2.5)", .number(3)), ("round(n)", .number(-3)), ("round(2.4)", .number(2)),
                ("round(1.25, 1)", .number(1.3)),
                ("round(1234.5678, 2)", .number(1234.57)), ("round(5, 0)", .number(5)),
            ], errors: ["round('x')", "round(1, -1)", "round(1, 16)"]),
        "floor": Cases(values: [("floor(n)", .number(-3)), ("floor(2.9)", .number(2))], errors: ["floor('x')"]),
        "ceil": Cases(values: [("ceil(n)", .number(-2)), ("ceil(2.1)", .number(3))], errors: ["ceil(s)"]),
        "sign": Cases(
            values: [("sign(n)", .number(-1)), ("sign(0)", .number(0)), ("sign(7)", .number(1))], errors: ["sign(s)"]),
        "sqrt": Cases(values: [("sqrt(9)", .number(3)), ("sqrt(0)", .number(0))], errors: ["sqrt(n)", "sqrt(s)"]),
        "pow": Cases(
            values: [("pow(2, 10)", .number(1024)), ("pow(4, 0.5)", .number(2))],
            errors: ["pow(n, 0.5)", "pow(10, 999)"]),
        "exp": Cases(values: [("exp(0)", .number(1))], errors: ["exp(1000)", "exp(s)"]),
        "log": Cases(
            values: [("log(1)", .number(0)), ("round(log(exp(3)), 9)", .number(3))], errors: ["log(0)", "log(n)"]),
        "log10": Cases(values: [("log10(1000)", .number(3))], errors: ["log10(0)", "log10(n)"]),
        "min": Cases(
            values: [("min(3, n, 1)", .number(-2.5)), ("min(4)", .number(4)), ("min(z, 1)", .number(0))],
            errors: ["min(1, s)"], refused: ["min()"]),
        "max": Cases(
            values: [("max(3, n, 1)", .number(3)), ("max('7', 1)", .number(7))], errors: ["max(1, s)"],
            refused: ["max()"]),
    ]

    static let calendar: [String: Cases] = [
        "year": Cases(
            values: [("year()", .number(2024)), ("year(0)", .number(1970))], errors: ["year(s)", "year(1e12)"]),
        "month": Cases(values: [("month()", .number(2)), ("month(-1)", .number(12))], errors: ["month(s)"]),
        "day": Cases(values: [("day()", .number(29)), ("day(timestamp + 86400)", .number(1))], errors: ["day(none)"]),
        "hour": Cases(values: [("hour()", .number(12)), ("hour(3600)", .number(1))], errors: ["hour(s)"]),
        "minute": Cases(values: [("minute()", .number(34))], errors: ["minute(s)"]),
        "second": Cases(values: [("second()", .number(56)), ("second(-0.5)", .number(59))], errors: ["second(s)"]),
        "weekday": Cases(
            values: [
                ("weekday()", .number(4)), ("weekday(timestamp + 259200)", .number(7)),
                ("weekday(timestamp + 345600)", .number(1)),
            ],
            errors: ["weekday(s)"]),
    ]

    static let movement: [String: Cases] = [
        "mileage": Cases(values: [("mileage()", .number(0))], refused: ["mileage(1)"]),
        "duration": Cases(values: [("duration()", .number(0))], refused: ["duration(1)"]),
        "distance": Cases(
            values: [("distance(0, 0, 0, 1)", .number(kilometre * 1000)), ("distance(5, 6, 5, 6)", .number(0))],
            errors: ["distance(0, 0, 0, s)"], refused: ["distance(1,2,3)"]),
        "bearing": Cases(
            values: [
                ("bearing(0, 0, 1, 0)", .number(0)), ("bearing(0, 0, -1, 0)", .number(180)),
                ("bearing(0, 0, 0, -1)", .number(270)), ("bearing(0, 179, 0, -179)", .number(90)),
            ],
            errors: ["bearing(0, 0, 0, s)"], refused: ["bearing(1,2,3)"]),
        "distance_to": Cases(
            values: [("distance_to(0, 1)", .number(kilometre * 1000))], errors: ["distance_to(s, 1)"],
            refused: ["distance_to(1)"]),
        "geofence": Cases(
            values: [("geofence()", .null), ("geofence('name')", .null)], errors: ["geofence(1)"],
            refused: ["geofence(1, 2)"]),
        "geofences": Cases(
            values: [("geofences('id')", .json("[]")), ("geofences()", .json("[]"))], errors: ["geofences(1)"],
            refused: ["geofences(1, 2)"]),
    ]

    static let texts: [String: Cases] = [
        "length": Cases(
            values: [
                ("length(s)", .number(6)), ("length(a)", .number(3)), ("length(o)", .number(2)),
                ("length('🚚é')", .number(2)),
            ],
            errors: ["length(n)", "length(z)"]),
        "lower": Cases(values: [("lower(s)", .string(" ab c "))], errors: ["lower(n)"]),
        "upper": Cases(values: [("upper('éa')", .string("ÉA"))], errors: ["upper(z)"]),
        "trim": Cases(values: [("trim(s)", .string("Ab c")), ("trim('  ')", .string(""))], errors: ["trim(n)"]),
        "substring": Cases(
            values: [
                ("substring('abcd', 1, 2)", .string("bc")), ("substring('abcd', 2)", .string("cd")),
                ("substring('abcd', 9)", .string("")), ("substring('abcd', 0, 99)", .string("abcd")),
            ], errors: ["substring('a', -1)", "substring('a', 0, -1)", "substring(n, 0)", "substring('a', 1e12)"]),
        "contains": Cases(
            values: [
                ("contains('abc', 'bc')", .boolean(true)), ("contains('abc', 'x')", .boolean(false)),
                ("contains('a', '')", .boolean(true)),
            ],
            errors: ["contains(n, 'a')", "contains('a', n)"]),
        "replace": Cases(
            values: [
                ("replace('abab', 'b', 'xy')", .string("axyaxy")), ("replace('aaa', 'aa', 'b')", .string("ba")),
                ("replace('ab', '', 'x')", .string("ab")),
            ], errors: ["replace('a', 'b', 1)"]),
        "json_array_contains": Cases(
            values: [
                ("json_array_contains(a, 'x')", .boolean(true)), ("json_array_contains(a, 1)", .boolean(true)),
                ("json_array_contains(a, 2)", .boolean(false)),
            ], errors: ["json_array_contains(o, 1)", "json_array_contains(s, 1)", "json_array_contains(none, 1)"]),
        "json": Cases(
            values: [
                ("json('a', 1)", .string("x")), ("json('o', 'k')", .number(5)), ("json('o', '/m/p')", .number(6)),
                ("json('a')", .json(#"[1,"x",{"k":2}]"#)),
            ], errors: ["json('a', 9)", "json('o', 'none')", "json('none')", "json('n', 0)"], refused: ["json(a)"]),
        "metadata": Cases(
            values: [
                ("metadata('limit')", .number(90)), ("metadata('/a/b')", .string("c")), ("metadata('none')", .null),
                ("metadata('dotted.key')", .boolean(true)), ("metadata('a')", .json(#"{"b":"c"}"#)),
            ], errors: ["metadata(1)", "metadata(none)"], refused: ["metadata()"]),
    ]

    static let cases = [
        logic, mathematics, calendar, movement, texts, ExtensionCases.choices, ExtensionCases.numbers,
        ExtensionCases.moments, ExtensionCases.texts, ExtensionCases.json,
    ].reduce(into: [String: Cases]()) { all, part in
        all.merge(part) { first, _ in first }
    }

    @Test("every function has a case here, a usage with its name and a sentence")
    func completeness() {
        let names = Function.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Set(names) == Set(Self.cases.keys))
        for function in Function.all {
            #expect(function.usage.hasPrefix(function.name + "(") && function.usage.hasSuffix(")"))
            #expect(!function.summary.isEmpty)
            let cases = Self.cases[function.name]
            #expect(cases.map { !$0.values.isEmpty && !($0.errors + $0.refused).isEmpty } ?? false, "\(function.name)")
        }
    }

    @Test("functions give their values and errors", arguments: cases.keys.sorted())
    func values(_ name: String) throws {
        let cases = try #require(Self.cases[name])
        let metadata = #"{"limit":90,"a":{"b":"c"},"dotted.key":true}"#
        for (source, expected) in cases.values {
            #expect(source.contains(name + "("))
            #expect(try Trial(source, Self.message, metadata: metadata).results == [expected], "\(source)")
        }
        for source in cases.errors {
            #expect(try Trial(source, Self.message, metadata: metadata).results == [nil], "\(source)")
        }
        for source in cases.refused { #expect(throws: ExpressionError.self, "\(source)") { try Trial(source) } }
    }

    @Test("every function has examples, and they give what they say", arguments: Function.all.map(\.name))
    func examples(_ name: String) throws {
        let function = try #require(Function.all.first { $0.name == name })
        #expect(!function.examples.isEmpty)
        for example in function.examples {
            #expect(example.expression.contains(name + "("))
            let input = try JSONValue(parsing: example.input ?? "{}")
            let messages = input.arrayValue ?? [input]
            let result = try Trial(example.expression, messages).results.last
            #expect(try result == JSONValue(parsing: example.result).value, "\(example.expression)")
        }
    }

    @Test(
        "a name from another language is told what it is called here",
        arguments: [("len(1)", "length"), ("LOWERCASE('A')", "lower"), ("avg(1)", "average"), ("sine(1)", "sin")])
    func synonyms(_ source: String, _ meant: String) {
        let error = #expect(throws: ExpressionError.self) { try Trial(source) }
        #expect(error?.reason.contains("did you mean \(meant)()?") ?? false, "\(error?.description ?? "")")
    }

    @Test("a text that grows beyond 65,536 bytes is an error")
    func textLimit() throws {
        let long = JSONValue.string(String(repeating: "a", count: 40_000))
        let message = JSONValue.object([.init("s", long)])
        for source in [
            "s + s", "concat(s, s)", "replace(s, 'a', 'aaa')", "json_array(s, s)", "json_object('a', s, 'b', s)",
        ] {
            #expect(try Trial(source, [message]).results == [nil], "\(source)")
        }
        #expect(try Trial("length(s + 'b')", [message]).results == [.number(40_001)])
    }

    @Test("every function refuses too few and too many arguments")
    func arity() {
        for function in Function.all {
            for count in [function.arguments.lowerBound - 1, function.arguments.upperBound + 1] where count >= 0 {
                let source = "\(function.name)(\([String](repeating: "'a'", count: count).joined(separator: ",")))"
                let error = #expect(throws: ExpressionError.self, "\(source)") { try Trial(source) }
                #expect(error?.reason.contains("not \(count)") ?? false, "\(source): \(error?.description ?? "")")
            }
        }
    }

    @Test("mileage() and distance_to() are errors without a valid position")
    func positions() throws {
        for source in ["mileage()", "distance_to(0, 0)"] {
            #expect(
                try Trial(
                    source,
                    #"[{},{"position.latitude":1},{"position.latitude":1,"position.longitude":1,"position.valid":false}]"#
                ).results == [nil, nil, nil])
        }
    }

    @Test("a geofence's field that is an error makes the call an error")
    func geofenceArgument() throws {
        let results = [try Trial.value("geofence(none)"), try Trial.value("geofences(none)")]
        #expect(results == [nil, nil])
    }

    @Test("a result too large for a number is an error")
    func overflow() throws {
        #expect(try Trial.value("pow(1e200, 2)") == nil)
        let rounded = try Trial.value("round(1e300, 15)")
        #expect(rounded == .number(1e300))
    }
}
