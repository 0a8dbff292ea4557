import Telemetry

/// Calls of the functions that other languages of this kind do not have to have, over `FunctionTests.message`.
enum ExtensionCases {
    typealias Cases = FunctionTests.Cases

    static let choices: [String: Cases] = [
        "coalesce": Cases(
            values: [
                ("coalesce(none, z, n)", .number(-2.5)), ("coalesce(z, $none)", .null), ("coalesce(none)", .null),
                ("coalesce(1/0, false, 1)", .boolean(false)),
            ], refused: ["coalesce()"]),
        "in": Cases(
            values: [
                ("in(n, 1, -2.5)", .boolean(true)), ("in(n, 1)", .boolean(false)),
                ("in('abc', 'x', 'a*')", .boolean(true)),
                ("in(z, null)", .boolean(true)), ("in('5', 5)", .boolean(true)),
            ], errors: ["in(none, 1)", "in(1, none)"], refused: ["in(1)"]),
        "iserror": Cases(
            values: [("iserror(none)", .boolean(true)), ("iserror(z)", .boolean(false))], refused: ["iserror()"]),
        "type": Cases(
            values: [
                ("type(n)", .string("number")), ("type(t)", .string("boolean")), ("type(z)", .string("null")),
                ("type(o)", .string("json")),
            ], errors: ["type(none)"]),
    ]

    static let numbers: [String: Cases] = [
        "trunc": Cases(values: [("trunc(n)", .number(-2)), ("trunc(2.9)", .number(2))], errors: ["trunc(s)"]),
        "average": Cases(
            values: [("average(1, 2)", .number(1.5)), ("average(z)", .number(0))], errors: ["average(1, s)"]),
        "clamp": Cases(
            values: [("clamp(n, -1, 1)", .number(-1)), ("clamp(0.5, 0, 1)", .number(0.5))],
            errors: ["clamp(1, 2, 1)", "clamp(s, 0, 1)"]),
        "mod": Cases(
            values: [("mod(n, 2)", .number(1.5)), ("mod(5, -3)", .number(-1)), ("mod(-6, 3)", .number(0))],
            errors: ["mod(1, 0)", "mod(s, 1)"]),
        "interpolate": Cases(
            values: [
                ("interpolate(n, 0, 3, 10, 5)", .number(3)), ("interpolate(2.5, 0, 0, 5, 10, 10, 0)", .number(5)),
                ("interpolate(7.5, 0, 0, 5, 10, 10, 0)", .number(5)),
                ("interpolate(5, 0, 0, 5, 10, 10, 0)", .number(10)),
                ("interpolate(99, 0, 0, 5, 10)", .number(10)),
            ],
            errors: ["interpolate(1, 0, 0, 5, 10, 6)", "interpolate(1, 5, 0, 0, 10)", "interpolate(s, 0, 0, 1, 1)"]),
        "sin": Cases(
            values: [("sin(0)", .number(0)), ("sin(z)", .number(0))], errors: ["sin(s)", "sin(1e200*1e200)"]),
        "cos": Cases(values: [("cos(0)", .number(1)), ("round(cos(pi()), 9)", .number(-1))], errors: ["cos(s)"]),
        "tan": Cases(values: [("tan(0)", .number(0)), ("round(tan(pi() / 4), 9)", .number(1))], errors: ["tan(s)"]),
        "asin": Cases(values: [("asin(0)", .number(0))], errors: ["asin(n)", "asin(s)"]),
        "acos": Cases(values: [("acos(1)", .number(0))], errors: ["acos(1.1)", "acos(s)"]),
        "atan": Cases(values: [("atan(0)", .number(0))], errors: ["atan(s)"]),
        "atan2": Cases(
            values: [("atan2(0, 1)", .number(0)), ("atan2(0, -1)", .number(.pi))], errors: ["atan2(s, 1)"]),
        "hypot": Cases(values: [("hypot(3, -4)", .number(5))], errors: ["hypot(s, 1)", "hypot(1e300, 1e300)"]),
        "radians": Cases(values: [("radians(180)", .number(.pi))], errors: ["radians(s)"]),
        "degrees": Cases(values: [("degrees(pi())", .number(180))], errors: ["degrees(s)"]),
        "pi": Cases(values: [("pi()", .number(.pi))], refused: ["pi(1)"]),
        "bit": Cases(
            values: [("bit(4, 2)", .boolean(true)), ("bit(4, 1)", .boolean(false)), ("bit(-1, 63)", .boolean(true))],
            errors: ["bit(4, 64)", "bit(4, -1)", "bit(s, 1)"]),
        "bits": Cases(
            values: [
                ("bits(0xF0, 4, 4)", .number(15)), ("bits(-1, 60, 4)", .number(15)), ("bits(5, 0, 64)", .number(5)),
            ],
            errors: ["bits(1, 60, 5)", "bits(1, 0, 0)", "bits(s, 0, 1)"]),
        "bitcount": Cases(
            values: [("bitcount(0)", .number(0)), ("bitcount(-1)", .number(64))], errors: ["bitcount(1e300)"]),
    ]

    static let moments: [String: Cases] = [
        "dayofyear": Cases(
            values: [("dayofyear()", .number(60)), ("dayofyear(-1)", .number(365))], errors: ["dayofyear(s)"]),
        "week": Cases(values: [("week()", .number(9)), ("week(0)", .number(1))], errors: ["week(s)"]),
        "strftime": Cases(
            values: [
                ("strftime('%F %T')", .string("2024-02-29 12:34:56")), ("strftime('%H', 3600)", .string("01")),
                ("strftime('')", .string("")),
            ], errors: ["strftime(5)", "strftime('%F', s)", "strftime('%F', 1e12)"], refused: ["strftime()"]),
        "daystart": Cases(
            values: [("daystart()", .number(1_709_164_800)), ("daystart(-1)", .number(-86_400))],
            errors: ["daystart(s)"]),
        "weekstart": Cases(
            values: [("weekstart()", .number(1_708_905_600)), ("weekstart(0)", .number(-259_200))],
            errors: ["weekstart(s)"]),
        "monthstart": Cases(
            values: [("monthstart()", .number(1_706_745_600)), ("monthstart(0)", .number(0))], errors: ["monthstart(s)"]
        ),
        "yearstart": Cases(
            values: [("yearstart()", .number(1_704_067_200)), ("yearstart(-1)", .number(-31_536_000))],
            errors: ["yearstart(s)"]),
        "timeofday": Cases(
            values: [("timeofday()", .number(45_296.5)), ("timeofday(86400)", .number(0))], errors: ["timeofday(s)"]),
        "mktime": Cases(
            values: [
                ("mktime(1970, 1, 2)", .number(86_400)), ("mktime(2023, 14, 29, 12)", .number(1_709_208_000)),
                ("mktime(1970, 1, 1, 0, 0, -1)", .number(-1)),
            ], errors: ["mktime(s, 1, 1)", "mktime(1e12, 1, 1)"], refused: ["mktime(1, 1)"]),
    ]

    static let texts: [String: Cases] = [
        "startswith": Cases(
            values: [
                ("startswith('abc', 'ab')", .boolean(true)), ("startswith('abc', 'b')", .boolean(false)),
                ("startswith('a', '')", .boolean(true)),
            ],
            errors: ["startswith(n, 'a')"]),
        "endswith": Cases(
            values: [("endswith('abc', 'bc')", .boolean(true)), ("endswith('abc', 'b')", .boolean(false))],
            errors: ["endswith('a', 1)"]),
        "indexof": Cases(
            values: [
                ("indexof('aébc', 'b')", .number(2)), ("indexof('ab', 'abc')", .number(-1)),
                ("indexof('ab', '')", .number(0)),
            ],
            errors: ["indexof(n, 'a')"]),
        "match": Cases(
            values: [("match('abc', 'a*')", .boolean(true)), ("match('abc', 'a?')", .boolean(false))],
            errors: ["match(n, '*')"]),
        "concat": Cases(
            values: [("concat(n, 'x', t, z)", .string("-2.5xtruenull")), ("concat(a)", .string(#"[1,"x",{"k":2}]"#))],
            errors: ["concat(1, none)"]),
        "split": Cases(
            values: [("split('a;b', ';')", .json(#"["a","b"]"#)), ("split('', ';')", .json(#"[""]"#))],
            errors: ["split('a', '')", "split(n, ',')"]),
        "join": Cases(
            values: [("join(a, ', ')", .string(#"1, x, {"k":2}"#)), ("join(tojson('[]'), ',')", .string(""))],
            errors: ["join(o, ',')", "join(a, 1)"]),
        "pad": Cases(
            values: [("pad(5, 2)", .string(" 5")), ("pad('abc', 2, '0')", .string("abc"))],
            errors: ["pad(5, 2000)", "pad(5, 2, 'ab')", "pad(5, -1)"]),
        "format": Cases(
            values: [
                ("format(n)", .string("-2.50")), ("format(2.5, 0)", .string("3")), ("format(-0.001)", .string("0.00")),
                ("format(0.05, 1)", .string("0.1")), ("format(1e14, 3)", .string("100000000000000.000")),
            ], errors: ["format(s)", "format(1, 10)", "format(1, -1)", "format(1e15)"]),
        "tohex": Cases(
            values: [("tohex(255)", .string("ff")), ("tohex(0)", .string("0"))], errors: ["tohex(n)", "tohex(-1)"]),
        "fromhex": Cases(
            values: [("fromhex('ff')", .number(255)), ("fromhex('0')", .number(0))],
            errors: [
                "fromhex('')", "fromhex('xyz')", "fromhex('+f')", "fromhex('-1')", "fromhex('11111111111111111')",
                "fromhex(5)",
            ]),
    ]

    static let json: [String: Cases] = [
        "json_get": Cases(
            values: [
                ("json_get(a, 1)", .string("x")), ("json_get(o, '/m/p')", .number(6)), ("json_get(o, 'none')", .null),
                ("json_get(n, 0)", .null), ("json_get(tojson('{\"a/b~c\":7}'), '/a~1b~0c')", .number(7)),
            ], errors: ["json_get(none, 0)"]),
        "json_array": Cases(
            values: [
                ("json_array()", .json("[]")), ("json_array(n, s, a)", .json(#"[-2.5," Ab c ",[1,"x",{"k":2}]]"#)),
            ],
            errors: ["json_array(none)"]),
        "json_object": Cases(
            values: [
                ("json_object()", .json("{}")),
                ("json_object('k', o, 'z', z)", .json(#"{"k":{"k":5,"m":{"p":6}},"z":null}"#)),
                ("json_object('a', 1, 'a', 2)", .json(#"{"a":2}"#)),
            ],
            errors: ["json_object('a')", "json_object(1, 2)", "json_object('a', none)"]),
        "json_array_length": Cases(values: [("json_array_length(a)", .number(3))], errors: ["json_array_length(o)"]),
        "json_array_sum": Cases(
            values: [("json_array_sum(a)", .number(1)), ("json_array_sum(json_array())", .number(0))],
            errors: ["json_array_sum(n)"]),
        "json_array_min": Cases(
            values: [("json_array_min(tojson('[3,1,2]'))", .number(1)), ("json_array_min(json_array('x'))", .null)],
            errors: ["json_array_min(s)"]),
        "json_array_max": Cases(
            values: [("json_array_max(tojson('[3,1,2]'))", .number(3)), ("json_array_max(json_array())", .null)],
            errors: ["json_array_max(o)"]),
        "json_keys": Cases(values: [("json_keys(o)", .json(#"["k","m"]"#))], errors: ["json_keys(a)", "json_keys(s)"]),
        "json_values": Cases(values: [("json_values(o)", .json(#"[5,{"p":6}]"#))], errors: ["json_values(a)"]),
    ]
}
