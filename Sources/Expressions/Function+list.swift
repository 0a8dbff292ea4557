import Telemetry

extension Function {
    static let logic: [Function] = [
        Function(
            "if(condition, a[, b])", "a where the condition is true, else b (null if left out)", 2...3, role: .condition
        ),
        Function("not(x)", "true where x is 0, false, null or an error", 1...1, role: .negation),
        Function("exists('name')", "whether the message has the parameter, null included", 1...1, role: .presence),
        Function(
            "previous('name')", "the value in the previous message, or of the previous interval", 1...1, role: .previous
        ),
        Function("coalesce(a, b, …)", "the first that is neither null nor an error, null if there is none", 1...99) {
            $0.values.lazy.compactMap { $0 }.first { $0 != .null } ?? .null
        },
        Function("in(x, a, b, …)", "whether x is equal to one of the others, wildcards included", 2...99) { arguments in
            guard let x = arguments.values[0] else { return nil }
            let others = arguments.values.dropFirst().compactMap { $0 }
            guard others.count == arguments.values.count - 1 else { return nil }
            return .boolean(others.contains { Conversion.areEqual(x, $0) })
        },
        Function("error()", "an error: the message is unknown to a selector and passed over by a counter", 0...0),
    ]

    static let tests: [Function] = [
        Function("isnull(x)", "whether x is null", 1...1) { $0.values[0].map { .boolean($0.kind == .null) } },
        Function("isnumber(x)", "whether x is a number", 1...1) { $0.values[0].map { .boolean($0.kind == .number) } },
        Function("isstring(x)", "whether x is a string", 1...1) { $0.values[0].map { .boolean($0.kind == .string) } },
        Function("isboolean(x)", "whether x is a boolean", 1...1) {
            $0.values[0].map { .boolean($0.kind == .boolean) }
        },
        Function("isjson(x)", "whether x is an object or an array", 1...1) {
            $0.values[0].map { .boolean($0.kind == .json) }
        },
        Function("iserror(x)", "whether x is an error", 1...1) { .boolean($0.values[0] == nil) },
        Function("type(x)", "number, string, boolean, null or json", 1...1) { arguments in
            switch arguments.values[0]?.kind {
            case .number: .string("number")
            case .string: .string("string")
            case .boolean: .string("boolean")
            case .null: .string("null")
            case .json: .string("json")
            default: nil
            }
        },
    ]

    static let conversions: [Function] = [
        Function("tonumber(x)", "x as a number; an error if it is none", 1...1) { $0.number(0).map { .number($0) } },
        Function("tostring(x)", "x as text", 1...1) { $0.values[0].map { .string(Conversion.text($0)) } },
        Function("toboolean(x)", "false for 0, false and null, else true", 1...1) {
            $0.values[0].map { .boolean(Conversion.boolean($0)) }
        },
        Function("tojson(x)", "the object or array that a text spells", 1...1) { arguments in
            switch arguments.values[0] {
            case .string(let text): (try? JSONValue(parsing: text))?.value
            case let other: other
            }
        },
    ]

    static let mathematics: [Function] = [
        Function("abs(x)", "the magnitude", numeric: { abs($0) }),
        Function(
            "round(x[, digits])", "the nearest whole number, or with that many decimals; halves away from 0", 1...2
        ) {
            arguments in
            guard let x = arguments.number(0) else { return nil }
            guard arguments.values.count > 1 else { return .number(x.rounded()) }
            guard let digits = arguments.number(1), digits >= 0, digits <= 15 else { return nil }
            let scale = (0..<Int(digits)).reduce(1.0) { power, _ in power * 10 }
            let scaled = x * scale
            // A number that large has no decimals to round.
            return .number(scaled.isFinite ? scaled.rounded() / scale : x)
        },
        Function("floor(x)", "the next whole number below", numeric: { $0.rounded(.down) }),
        Function("ceil(x)", "the next whole number above", numeric: { $0.rounded(.up) }),
        Function("sign(x)", "-1, 0 or 1", numeric: { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }),
        Function("trunc(x)", "the whole number towards 0", numeric: { $0.rounded(.towardZero) }),
        Function("sqrt(x)", "the square root; an error below 0", isPartial: true, numeric: { $0.squareRoot() }),
        Function("pow(x, y)", "x to the power of y", 2...2) { finite(binary($0, Elementary.pow)) },
        Function("exp(x)", "e to the power of x", isPartial: true, numeric: Elementary.exp),
        Function("log(x)", "the natural logarithm; an error at 0 and below", isPartial: true, numeric: Elementary.log),
        Function(
            "log10(x)", "the decimal logarithm; an error at 0 and below", isPartial: true, numeric: Elementary.log10),
        Function("min(a, b, …)", "the least", 1...99) { fold($0) { Swift.min($0, $1) } },
        Function("max(a, b, …)", "the greatest", 1...99) { fold($0) { Swift.max($0, $1) } },
        Function("average(a, b, …)", "the sum divided by the number of arguments", 1...99) { arguments in
            guard case .number(let sum)? = fold(arguments, +) else { return nil }
            return finite(sum / Double(arguments.values.count))
        },
        Function("clamp(x, least, greatest)", "x, but not below the one nor above the other", 3...3) { arguments in
            guard let x = arguments.number(0), let least = arguments.number(1), let greatest = arguments.number(2),
                least <= greatest
            else { return nil }
            return .number(Swift.min(Swift.max(x, least), greatest))
        },
        Function("mod(x, y)", "what is left of x after whole steps of y, with the sign of y", 2...2) { arguments in
            guard let x = arguments.number(0), let y = arguments.number(1), y != 0 else { return nil }
            let rest = x.truncatingRemainder(dividingBy: y)
            return finite(rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest)
        },
        Function(
            "interpolate(x, x1, y1, x2, y2, …)",
            "the value at x of straight lines through points in ascending x, such as a tank's table; level beyond both ends",
            5...99, row: interpolated),
    ]

    static let calendar: [Function] = [
        component("year", "the year, in the calculator's time zone") { $0.year },
        component("month", "the month, 1 to 12") { $0.month },
        component("day", "the day of the month, 1 to 31") { $0.day },
        component("hour", "the hour, 0 to 23") { $0.hour },
        component("minute", "the minute, 0 to 59") { $0.minute },
        component("second", "the second, 0 to 59") { $0.second },
        component("weekday", "1 for Monday to 7 for Sunday") { $0.weekday == 0 ? 7 : $0.weekday },
    ]

    static let movement: [Function] = [
        Function("mileage()", "kilometres from the previous valid position, 0 at the first", 0...0, role: .mileage),
        Function("duration()", "seconds from the previous message, 0 at the first", 0...0, role: .duration),
        Function("distance(lat1, lon1, lat2, lon2)", "metres between two positions", 4...4) { arguments in
            let numbers = arguments.values.indices.compactMap { arguments.number($0) }
            guard numbers.count == 4 else { return nil }
            let formula = arguments.environment.mileageFormula
            let kilometres = Geodesy.distance(numbers[0], numbers[1], numbers[2], numbers[3], by: formula)
            return finite(kilometres * 1000)
        },
        Function("bearing(lat1, lon1, lat2, lon2)", "the direction to set out in, 0 to 360 degrees from north", 4...4) {
            arguments in
            let numbers = arguments.values.indices.compactMap { arguments.number($0) }
            guard numbers.count == 4 else { return nil }
            return finite(Geodesy.bearing(numbers[0], numbers[1], numbers[2], numbers[3]))
        },
        Function("distance_to(lat, lon)", "metres from the message's position", 2...2, role: .distanceTo),
        Function(
            "geofence(['field'])", "the name (or a field) of the geofence of highest priority around, else null", 0...1,
            role: .geofence),
        Function(
            "geofences(['field'])", "the name (or a field) of every geofence around, as an array", 0...1,
            role: .geofences),
    ]

    static func component(
        _ name: String, _ summary: String, _ part: @escaping @Sendable (CivilTime) -> Int
    ) -> Function {
        Function("\(name)([t])", summary, 0...1, role: .moment) { arguments in
            guard let seconds = arguments.number(0), abs(seconds) < 1e11 else { return nil }
            return .number(
                Double(part(CivilTime(Timestamp(seconds: seconds), in: arguments.environment.timeZone))))
        }
    }

    static func finite(_ number: Double?) -> Value? {
        number.flatMap { $0.isFinite ? .number($0) : nil }
    }

    static func fold(_ arguments: Arguments, _ choose: (Double, Double) -> Double) -> Value? {
        var result: Double?
        for index in arguments.values.indices {
            guard let number = arguments.number(index) else { return nil }
            result = result.map { choose($0, number) } ?? number
        }
        return result.map { .number($0) }
    }

    static func binary(_ arguments: Arguments, _ combine: (Double, Double) -> Double) -> Double? {
        guard let first = arguments.number(0), let second = arguments.number(1) else { return nil }
        return combine(first, second)
    }

    private static func interpolated(_ arguments: Arguments) -> Value? {
        let numbers = arguments.values.indices.compactMap { arguments.number($0) }
        guard numbers.count == arguments.values.count, numbers.count % 2 == 1, let x = numbers.first else { return nil }
        let points = stride(from: 1, to: numbers.count, by: 2).map { (x: numbers[$0], y: numbers[$0 + 1]) }
        guard zip(points, points.dropFirst()).allSatisfy({ $0.x < $1.x }), let last = points.last else { return nil }
        guard let next = points.firstIndex(where: { x < $0.x }) else { return .number(last.y) }
        guard next > 0 else { return .number(points[0].y) }
        let (start, end) = (points[next - 1], points[next])
        return finite(start.y + (x - start.x) / (end.x - start.x) * (end.y - start.y))
    }
}
