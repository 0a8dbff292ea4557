import Telemetry

extension Function {
    static let texts: [Function] = [
        Function("length(x)", "the characters of a text, or the members of an array or object", 1...1) { arguments in
            switch arguments.values[0] {
            case .string(let text): .number(Double(text.unicodeScalars.count))
            case .json(let text):
                switch JSONValue(.json(text)) {
                case .array(let items): .number(Double(items.count))
                case .object(let members): .number(Double(members.count))
                default: nil
                }
            default: nil
            }
        },
        Function("lower(text)", "the text in lower case", 1...1) { $0.string(0).map { .string($0.lowercased()) } },
        Function("upper(text)", "the text in upper case", 1...1) { $0.string(0).map { .string($0.uppercased()) } },
        Function("trim(text)", "the text without white space at its ends", 1...1) {
            $0.string(0).map { text in
                let head = text.drop { $0.isWhitespace }
                let tail = head.reversed().drop { $0.isWhitespace }
                return .string(String(tail.reversed()))
            }
        },
        Function("substring(text, start[, count])", "a part of the text; start counts from 0", 2...3) { arguments in
            guard let text = arguments.string(0), let start = arguments.number(1), start >= 0, start < 1e9 else {
                return nil
            }
            let count = arguments.values.count > 2 ? arguments.number(2) : 1e9
            guard let count, count >= 0 else { return nil }
            let part = text.unicodeScalars.dropFirst(Int(start)).prefix(Int(Swift.min(count, 1e9)))
            return .string(String(String.UnicodeScalarView(part)))
        },
        Function("contains(text, part)", "whether the text has the part", 2...2) { arguments in
            guard let text = arguments.string(0), let part = arguments.string(1) else { return nil }
            return .boolean(part.isEmpty || text.unicodeScalars.contains(part.unicodeScalars))
        },
        Function("replace(text, part, other)", "the text with every part replaced", 3...3) { arguments in
            guard let text = arguments.string(0), let part = arguments.string(1), let other = arguments.string(2) else {
                return nil
            }
            if part.isEmpty { return .string(text) }
            return limited(parts(of: text, separatedBy: part).joined(separator: other))
        },
    ]

    static let json: [Function] = [
        Function(
            "json_array_contains(array, x)",
            "whether an array has the value x, of the same type; * and ? are plain characters", 2...2
        ) { arguments in
            guard let array = arguments.values[0], let wanted = arguments.values[1],
                case .array(let items) = JSONValue(array)
            else { return nil }
            return .boolean(items.contains { $0.value == wanted })
        },
        Function("json('name'[, index])", "a member of a parameter that holds an array or object", 1...2, role: .field)
        {
            arguments in
            guard let value = arguments.values[0], let step = arguments.values[1] else { return nil }
            return Conversion.follow(Conversion.text(step), in: value)
        },
        Function("metadata('path')", "a value of the device's metadata, null if there is none", 1...1, role: .metadata)
        {
            arguments in
            guard let path = arguments.string(0) else { return nil }
            let metadata = arguments.environment.metadata
            if let value = metadata[path] { return value.value }
            return Conversion.follow(path, in: metadata.value) ?? .null
        },
    ]

    /// The parts of a text between separators, compared by Unicode scalars as all functions of texts do.
    static func parts(of text: String, separatedBy separator: String) -> [String] {
        text.unicodeScalars.split(separator: separator.unicodeScalars, omittingEmptySubsequences: false)
            .map { String(String.UnicodeScalarView($0)) }
    }
}
