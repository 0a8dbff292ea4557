import Telemetry

extension Function {
    static let jsonMaking: [Function] = [
        Function("json_get(value, path)", "what a key or a path (/0/id) leads to; null where it leads nowhere", 2...2) {
            arguments in
            guard let value = arguments.values[0], let path = arguments.values[1] else { return nil }
            return Conversion.follow(Conversion.text(path), in: value) ?? .null
        },
        Function("json_array(a, b, …)", "an array of the values", 0...99) { arguments in
            let values = arguments.values.compactMap { $0 }
            guard values.count == arguments.values.count, values.allSatisfy(isWritable) else { return nil }
            return limitedJSON(.array(values.map { JSONValue($0) }))
        },
        Function("json_object(key, value, …)", "an object of keys, each with its value", 0...98) { arguments in
            guard arguments.values.count % 2 == 0 else { return nil }
            var object = JSONValue.object([])
            for index in stride(from: 0, to: arguments.values.count, by: 2) {
                guard let key = arguments.string(index), let value = arguments.values[index + 1],
                    isWritable(value)
                else { return nil }
                object[key] = JSONValue(value)
            }
            return limitedJSON(object)
        },
        Function("json_array_length(array)", "how many values an array has", 1...1) { arguments in
            items(arguments).map { .number(Double($0.count)) }
        },
        Function("json_array_sum(array)", "the sum of an array's numbers", 1...1) { arguments in
            numbers(arguments).flatMap { finite($0.reduce(0, +)) }
        },
        Function("json_array_min(array)", "the least of an array's numbers, null if it has none", 1...1) { arguments in
            numbers(arguments).map { $0.min().map { .number($0) } ?? .null }
        },
        Function("json_array_max(array)", "the greatest of an array's numbers, null if it has none", 1...1) {
            arguments in
            numbers(arguments).map { $0.max().map { .number($0) } ?? .null }
        },
        Function("json_keys(object)", "the keys of an object, as an array", 1...1) { arguments in
            members(arguments).map { JSONValue.array($0.map { .string($0.key) }).value }
        },
        Function("json_values(object)", "the values of an object, as an array", 1...1) { arguments in
            members(arguments).map { JSONValue.array($0.map(\.value)).value }
        },
    ]

    /// Whether JSON can hold a value: a number only if it is finite.
    private static func isWritable(_ value: Value) -> Bool {
        if case .number(let number) = value { number.isFinite } else { true }
    }

    private static func limitedJSON(_ json: JSONValue) -> Value? {
        let value = json.value
        guard case .json(let text) = value, text.utf8.count <= textBytesMax else { return nil }
        return value
    }

    private static func items(_ arguments: Arguments) -> [JSONValue]? {
        arguments.values[0].flatMap { JSONValue($0).arrayValue }
    }

    private static func members(_ arguments: Arguments) -> [JSONValue.Member]? {
        arguments.values[0].flatMap { JSONValue($0).members }
    }

    /// The numbers of an array; what is none of them is passed over.
    private static func numbers(_ arguments: Arguments) -> [Double]? {
        items(arguments)?.compactMap(\.numberValue)
    }
}
