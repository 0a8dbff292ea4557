import Telemetry

extension Function {
    static let formats: [Function] = [
        Function("startswith(text, part)", "whether the text begins with the part", 2...2) {
            pair($0) { text, part in .boolean(text.utf8.starts(with: part.utf8)) }
        },
        Function("endswith(text, part)", "whether the text ends with the part", 2...2) {
            pair($0) { text, part in .boolean(text.utf8.reversed().starts(with: part.utf8.reversed())) }
        },
        Function("indexof(text, part)", "where the part begins, counted from 0; -1 where it is not there", 2...2) {
            pair($0) { text, part in .number(Double(index(of: part, in: text))) }
        },
        Function("match(text, pattern)", "whether the text is like a pattern with * and ?", 2...2) {
            pair($0) { text, pattern in .boolean(Wildcard.matches(text, pattern)) }
        },
        Function("concat(a, b, …)", "all values as one text", 1...99) { arguments in
            let values = arguments.values.compactMap { $0 }
            guard values.count == arguments.values.count else { return nil }
            return limited(values.map { Conversion.text($0) }.joined())
        },
        Function("split(text, separator)", "the parts of a text between separators, as an array", 2...2) {
            pair($0) { text, separator in
                guard !separator.isEmpty else { return nil }
                return JSONValue.array(parts(of: text, separatedBy: separator).map { .string($0) }).value
            }
        },
        Function("join(array, separator)", "the values of an array as one text", 2...2) { arguments in
            guard let array = arguments.values[0], let separator = arguments.string(1),
                case .array(let items) = JSONValue(array)
            else { return nil }
            return limited(items.map { Conversion.text($0.value) }.joined(separator: separator))
        },
        Function("pad(text, width[, filler])", "the text with fillers (a space) in front up to a width", 2...3) {
            arguments in
            let filler = arguments.values.count > 2 ? arguments.string(2) : " "
            guard let value = arguments.values[0], let width = arguments.number(1), (0...1024).contains(width),
                let filler, filler.unicodeScalars.count == 1
            else { return nil }
            let text = Conversion.text(value)
            let missing = Int(width) - text.unicodeScalars.count
            return .string(String(repeating: filler, count: Swift.max(0, missing)) + text)
        },
        Function("format(x[, digits])", "a number as text with that many decimals, else with 2", 1...2) { arguments in
            guard let x = arguments.number(0), x.isFinite, abs(x) < 1e15 else { return nil }
            let digits = arguments.values.count > 1 ? arguments.number(1) : 2
            guard let digits, (0...9).contains(digits) else { return nil }
            return .string(DecimalText.text(x, digits: Int(digits)))
        },
        Function("tohex(x)", "a whole number from 0 on as hexadecimal digits", 1...1) {
            Conversion.integer($0.values[0]).flatMap { $0 < 0 ? nil : .string(String($0, radix: 16)) }
        },
        Function("fromhex(text)", "the number that up to 16 hexadecimal digits spell", 1...1) { arguments in
            guard let text = arguments.string(0), text.utf8.count <= 16, text.utf8.allSatisfy({ $0 != 0x2b }) else {
                return nil
            }
            return UInt64(text, radix: 16).map { .number(Double($0)) }
        },
    ]

    /// The longest text that a function makes, in bytes.
    static let textBytesMax = 65_536

    static func limited(_ text: String) -> Value? { text.utf8.count <= textBytesMax ? .string(text) : nil }

    private static func pair(_ arguments: Arguments, _ result: (String, String) -> Value?) -> Value? {
        guard let first = arguments.string(0), let second = arguments.string(1) else { return nil }
        return result(first, second)
    }

    private static func index(of part: String, in text: String) -> Int {
        let (all, wanted) = (Array(text.unicodeScalars), Array(part.unicodeScalars))
        guard wanted.count <= all.count else { return -1 }
        return (0...(all.count - wanted.count)).first { all[$0...].starts(with: wanted) } ?? -1
    }
}

/// Numbers with a fixed count of decimals.
enum DecimalText {
    /// Rounded to the nearest, halves away from 0.
    static func text(_ number: Double, digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { power, _ in power * 10 }
        let scaled = (abs(number) * scale).rounded()
        let isNegative = number < 0 && scaled > 0
        guard scaled < 0x1p63 else { return "\(number)" }
        let all = String(UInt64(scaled))
        let padded = String(repeating: "0", count: max(0, digits + 1 - all.utf8.count)) + all
        let whole = (isNegative ? "-" : "") + padded.dropLast(digits)
        return digits == 0 ? whole : whole + "." + padded.suffix(digits)
    }
}
