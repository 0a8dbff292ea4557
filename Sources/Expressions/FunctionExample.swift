/// A call of a function with its result, for readers.
public struct FunctionExample: Sendable, Hashable {
    public var expression: String
    /// A message, or an array of messages of which the last counts, as JSON; nil where none is read.
    public var input: String?
    /// The result as JSON.
    public var result: String

    init(_ expression: String, over input: String? = nil, _ result: String) {
        self.expression = expression
        self.input = input
        self.result = result
    }
}

extension FunctionExample {
    static let byName: [String: [FunctionExample]] =
        [logic, mathematics, calendar, movement, texts, json].reduce(into: [:]) { all, part in
            all.merge(part) { first, _ in first }
        }

    private static let fix = #"{"position.latitude":52.5,"position.longitude":13.4}"#
    private static let speeds = #"[{"speed":50},{"speed":62}]"#
    private static let axles = #"{"axles":[7100,9300,8800]}"#

    private static let logic: [String: [FunctionExample]] = [
        "if": [
            .init("if(speed > 50, 'fast', 'slow')", over: #"{"speed":62}"#, #""fast""#), .init("if(false, 1)", "null"),
        ],
        "not": [.init("not(0)", "true"), .init("not(missing)", "true")],
        "exists": [.init("exists('din')", over: #"{"din":null}"#, "true"), .init("exists('din')", "false")],
        "previous": [.init("speed - previous('speed')", over: speeds, "12")],
        "coalesce": [.init("coalesce($can.speed, position.speed, 0)", over: #"{"position.speed":62}"#, "62")],
        "in": [.init("in(mode, 'D', 'R')", over: #"{"mode":"R"}"#, "true"), .init("in('truck-7', 'car*')", "false")],
        "error": [.init("iserror(error())", "true")],
        "isnull": [.init("isnull($driver.id)", "true")], "isnumber": [.init("isnumber('5')", "false")],
        "isstring": [.init("isstring('5')", "true")], "isboolean": [.init("isboolean(1 > 0)", "true")],
        "isjson": [.init("isjson(axles)", over: axles, "true")],
        "iserror": [.init("iserror(1 / 0)", "true"), .init("iserror(5)", "false")],
        "type": [.init("type('5')", #""string""#), .init("type(axles)", over: axles, #""json""#)],
        "tonumber": [.init("tonumber('12.5')", "12.5"), .init("tonumber(true)", "1")],
        "tostring": [.init("tostring(62) + ' km/h'", #""62 km/h""#)], "toboolean": [.init("toboolean(0)", "false")],
        "tojson": [.init("tojson('[1, 2]')", "[1,2]")],
    ]

    private static let mathematics: [String: [FunctionExample]] = [
        "abs": [.init("abs(-5)", "5")],
        "round": [.init("round(2.5)", "3"), .init("round(1234.5678, 2)", "1234.57")],
        "floor": [.init("floor(-2.5)", "-3")], "ceil": [.init("ceil(2.1)", "3")], "trunc": [.init("trunc(-2.5)", "-2")],
        "sign": [.init("sign(-7)", "-1")], "sqrt": [.init("sqrt(9)", "3")], "pow": [.init("pow(2, 10)", "1024")],
        "exp": [.init("round(exp(1), 6)", "2.718282")], "log": [.init("log(1)", "0")],
        "log10": [.init("log10(1000)", "3")], "min": [.init("min(3, 1, 2)", "1")], "max": [.init("max(3, 1, 2)", "3")],
        "average": [.init("average(1, 2, 6)", "3")],
        "clamp": [.init("clamp(120, 0, 100)", "100"), .init("clamp(-5, 0, 100)", "0")],
        "mod": [.init("mod(370, 360)", "10"), .init("mod(-10, 360)", "350")],
        "interpolate": [
            .init("interpolate(volts, 0, 0, 2.5, 40, 5, 100)", over: #"{"volts":3.75}"#, "70"),
            .init("interpolate(9, 0, 0, 5, 100)", "100"),
        ],
        "sin": [.init("sin(pi() / 2)", "1")], "cos": [.init("cos(0)", "1")], "tan": [.init("tan(0)", "0")],
        "asin": [.init("round(degrees(asin(0.5)), 9)", "30")], "acos": [.init("acos(1)", "0")],
        "atan": [.init("round(degrees(atan(1)), 9)", "45")], "atan2": [.init("round(degrees(atan2(1, -1)), 9)", "135")],
        "hypot": [.init("hypot(3, 4)", "5")], "radians": [.init("round(radians(180), 6)", "3.141593")],
        "degrees": [.init("degrees(pi())", "180")], "pi": [.init("round(pi(), 4)", "3.1416")],
        "bit": [.init("bit(din, 3)", over: #"{"din":12}"#, "true"), .init("bit(5, 1)", "false")],
        "bits": [.init("bits(0xABCD, 4, 8)", "188")], "bitcount": [.init("bitcount(7)", "3")],
    ]

    private static let calendar: [String: [FunctionExample]] = [
        "year": [.init("year()", over: #"{"timestamp":1709210096.5}"#, "2024")],
        "month": [.init("month(1709210096)", "2")], "day": [.init("day(1709210096)", "29")],
        "hour": [.init("hour(1709210096)", "12")], "minute": [.init("minute(1709210096)", "34")],
        "second": [.init("second(1709210096)", "56")], "weekday": [.init("weekday(1709210096)", "4")],
        "dayofyear": [.init("dayofyear(1709210096)", "60")], "week": [.init("week(1709210096)", "9")],
        "strftime": [
            .init("strftime('%Y-%m-%d %H:%M', 1709210096)", #""2024-02-29 12:34""#),
            .init("strftime('%a')", over: #"{"timestamp":1709210096.5}"#, #""Thu""#),
        ],
        "daystart": [.init("daystart(1709210096)", "1709164800")],
        "weekstart": [.init("weekstart(1709210096)", "1708905600")],
        "monthstart": [.init("monthstart(1709210096)", "1706745600")],
        "yearstart": [.init("yearstart(1709210096)", "1704067200")],
        "timeofday": [.init("timeofday(1709210096.5)", "45296.5")],
        "mktime": [.init("mktime(2024, 2, 29, 12, 34, 56)", "1709210096")],
    ]

    private static let movement: [String: [FunctionExample]] = [
        "mileage": [
            .init(
                "round(mileage(), 3)",
                over: "[\(fix),{\"position.latitude\":52.51,\"position.longitude\":13.4}]", "1.112")
        ],
        "duration": [.init("duration()", over: #"[{"timestamp":1709210000},{"timestamp":1709210030}]"#, "30")],
        "distance": [.init("round(distance(52.5, 13.4, 52.51, 13.4))", "1112")],
        "distance_to": [.init("round(distance_to(52.51, 13.4))", over: fix, "1112")],
        "bearing": [.init("bearing(0, 0, 0, 1)", "90")],
        "geofence": [.init("geofence() == null", over: fix, "true")],
        "geofences": [.init("geofences('metadata.zone_type')", over: fix, "[]")],
    ]

    private static let texts: [String: [FunctionExample]] = [
        "length": [.init("length('truck')", "5"), .init("length(axles)", over: axles, "3")],
        "lower": [.init("lower('ABC')", #""abc""#)], "upper": [.init("upper('abc')", #""ABC""#)],
        "trim": [.init("trim('  a b ')", #""a b""#)],
        "substring": [.init("substring('truck-17', 6)", #""17""#), .init("substring('truck', 0, 2)", #""tr""#)],
        "contains": [.init("contains('truck-17', 'uck')", "true")],
        "replace": [.init("replace('a-b-c', '-', '')", #""abc""#)],
        "startswith": [.init("startswith('truck-17', 'truck')", "true")],
        "endswith": [.init("endswith('truck-17', '7')", "true")],
        "indexof": [.init("indexof('truck-17', '-')", "5"), .init("indexof('abc', 'x')", "-1")],
        "match": [.init("match('truck-17', 'truck-*')", "true"), .init("match('ab', 'a?c')", "false")],
        "concat": [.init("concat('P', 0, 3, 0, 0)", #""P0300""#)],
        "split": [.init("split('a,b,,c', ',')", #"["a","b","","c"]"#)],
        "join": [.init("join(axles, '/')", over: axles, #""7100/9300/8800""#)],
        "pad": [.init("pad(7, 3, '0')", #""007""#)],
        "format": [.init("format(12.3456, 1)", #""12.3""#), .init("format(5)", #""5.00""#)],
        "tohex": [.init("tohex(48879)", #""beef""#)], "fromhex": [.init("fromhex('BEEF')", "48879")],
    ]

    private static let json: [String: [FunctionExample]] = [
        "json_array_contains": [.init("json_array_contains(axles, 9300)", over: axles, "true")],
        "json": [.init("json('axles', 1)", over: axles, "9300")],
        "metadata": [.init("metadata('speed_limit')", "null")],
        "json_get": [
            .init("json_get(axles, '/0')", over: axles, "7100"), .init("json_get(axles, 9)", over: axles, "null"),
        ],
        "json_array": [.init("json_array(1, 'a', null)", #"[1,"a",null]"#)],
        "json_object": [
            .init("json_object('speed', 62, 'axles', axles)", over: #"{"axles":[1]}"#, #"{"speed":62,"axles":[1]}"#)
        ],
        "json_array_length": [.init("json_array_length(axles)", over: axles, "3")],
        "json_array_sum": [.init("json_array_sum(axles)", over: axles, "25200")],
        "json_array_min": [.init("json_array_min(axles)", over: axles, "7100")],
        "json_array_max": [.init("json_array_max(axles)", over: axles, "9300")],
        "json_keys": [.init("json_keys(tojson('{\"a\":1,\"b\":2}'))", #"["a","b"]"#)],
        "json_values": [.init("json_values(tojson('{\"a\":1,\"b\":2}'))", "[1,2]")],
    ]
}
