import Telemetry

extension Function {
    private static let degree = Double.pi / 180

    static let angles: [Function] = [
        Function("sin(x)", "the sine of an angle in radians", isPartial: true, numeric: Elementary.sin),
        Function("cos(x)", "the cosine of an angle in radians", isPartial: true, numeric: Elementary.cos),
        Function("tan(x)", "the tangent of an angle in radians", isPartial: true, numeric: Elementary.tan),
        Function("asin(x)", "the angle with that sine; an error beyond ±1", isPartial: true, numeric: Elementary.asin),
        Function(
            "acos(x)", "the angle with that cosine; an error beyond ±1", isPartial: true, numeric: Elementary.acos),
        Function("atan(x)", "the angle with that tangent", isPartial: true, numeric: Elementary.atan),
        Function("atan2(y, x)", "the angle of the point (x, y), from -π to π", 2...2) {
            finite(binary($0, Elementary.atan2))
        },
        Function("hypot(x, y)", "the length of the diagonal: √(x² + y²)", 2...2) {
            finite(binary($0) { x, y in (x * x + y * y).squareRoot() })
        },
        Function("radians(x)", "degrees as radians", isPartial: true, numeric: { $0 * degree }),
        Function("degrees(x)", "radians as degrees", isPartial: true, numeric: { $0 / degree }),
        Function("pi()", "the number π", 0...0) { _ in .number(.pi) },
    ]

    static let bits: [Function] = [
        Function("bit(x, n)", "whether bit n of x is set; the lowest is bit 0", 2...2) { arguments in
            guard let bits = Conversion.integer(arguments.values[0]), let place = place(arguments, 1) else {
                return nil
            }
            return .boolean(bits >> Int64(place) & 1 == 1)
        },
        Function("bits(x, first, count)", "a run of bits of x as a number, the lowest first", 3...3) { arguments in
            guard let bits = Conversion.integer(arguments.values[0]), let first = place(arguments, 1),
                let length = Conversion.integer(arguments.values[2]), (1...64).contains(length),
                first + Int(length) <= 64
            else { return nil }
            let mask = UInt64.max >> UInt64(64 - length)
            return .number(Double(UInt64(bitPattern: bits) >> UInt64(first) & mask))
        },
        Function("bitcount(x)", "how many bits of x are set", 1...1) {
            Conversion.integer($0.values[0]).map { .number(Double($0.nonzeroBitCount)) }
        },
    ]

    /// The number of a bit, 0 to 63.
    private static func place(_ arguments: Arguments, _ index: Int) -> Int? {
        guard let number = Conversion.integer(arguments.values[index]), (0..<64).contains(number) else { return nil }
        return Int(number)
    }
}
