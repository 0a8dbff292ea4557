/// A JSON value that keeps the order of its keys: configurations come back as they were given.
///
/// For configurations and small documents; messages go from bytes to columns without it.
public enum JSONValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// One key of an object with its value.
    public struct Member: Hashable, Sendable {
        public var key: String
        public var value: JSONValue

        public init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// Parses a whole text.
    public init(parsing text: some Collection<UInt8>) throws(JSONError) {
        let copy = Array(text)
        let result = copy.withUnsafeBufferPointer { buffer -> Result<JSONValue, JSONError> in
            var scanner = JSONScanner(buffer)
            do throws(JSONError) {
                let value = try JSONValue(&scanner)
                guard scanner.isAtEnd else { return .failure(scanner.unexpected("expected the end of the text")) }
                return .success(value)
            } catch { return .failure(error) }
        }
        self = try result.get()
    }

    public init(parsing text: String) throws(JSONError) { try self.init(parsing: text.utf8) }

    /// Reads the next value of a scanner. A repeated key keeps its last value.
    public init(_ scanner: inout JSONScanner) throws(JSONError) { try self.init(&scanner, depth: 0) }

    private init(_ scanner: inout JSONScanner, depth: Int) throws(JSONError) {
        guard depth < JSONScanner.depthMax else { throw scanner.failure("nested deeper than \(JSONScanner.depthMax)") }
        switch scanner.peek() {
        case UInt8(ascii: "{"): self = try Self.object(&scanner, depth: depth)
        case UInt8(ascii: "["): self = try Self.array(&scanner, depth: depth)
        case UInt8(ascii: "\""): self = .string(try scanner.string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"):
            if case .boolean(let flag) = try scanner.literal() { self = .boolean(flag) } else { self = .null }
        default: self = .number(try scanner.number())
        }
    }

    private static func object(_ scanner: inout JSONScanner, depth: Int) throws(JSONError) -> JSONValue {
        try scanner.expect(UInt8(ascii: "{"))
        var members: [Member] = []
        var places: [ByteName: Int] = [:]
        if scanner.take(UInt8(ascii: "}")) { return .object([]) }
        repeat {
            let key = try scanner.string()
            try scanner.expect(UInt8(ascii: ":"))
            let value = try JSONValue(&scanner, depth: depth + 1)
            if let place = places[ByteName(key)] {
                members[place].value = value
            } else {
                places[ByteName(key)] = members.count
                members.append(Member(key, value))
            }
        } while scanner.take(UInt8(ascii: ","))
        guard scanner.take(UInt8(ascii: "}")) else { throw scanner.unexpected("expected ',' or '}'") }
        return .object(members)
    }

    private static func array(_ scanner: inout JSONScanner, depth: Int) throws(JSONError) -> JSONValue {
        try scanner.expect(UInt8(ascii: "["))
        var items: [JSONValue] = []
        if scanner.take(UInt8(ascii: "]")) { return .array([]) }
        repeat { items.append(try JSONValue(&scanner, depth: depth + 1)) } while scanner.take(UInt8(ascii: ","))
        guard scanner.take(UInt8(ascii: "]")) else { throw scanner.unexpected("expected ',' or ']'") }
        return .array(items)
    }
}

extension JSONValue {
    /// The value of a key of an object; nil where there is none.
    public subscript(key: String) -> JSONValue? {
        get {
            guard case .object(let members) = self else { return nil }
            return members.first { $0.key == key }?.value
        }
        set {
            guard case .object(var members) = self else { return }
            let place = members.firstIndex { $0.key == key }
            switch (place, newValue) {
            case (let place?, let value?): members[place].value = value
            case (let place?, nil): members.remove(at: place)
            case (nil, let value?): members.append(Member(key, value))
            case (nil, nil): break
            }
            self = .object(members)
        }
    }

    public var stringValue: String? { if case .string(let text) = self { text } else { nil } }
    public var numberValue: Double? { if case .number(let number) = self { number } else { nil } }
    public var booleanValue: Bool? { if case .boolean(let flag) = self { flag } else { nil } }
    public var arrayValue: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
    public var members: [Member]? { if case .object(let members) = self { members } else { nil } }
    /// A number that is a whole one.
    public var integerValue: Int64? { numberValue.flatMap { Int64(exactly: $0) } }

    /// What it is, in the words of an error.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// Minimal JSON text.
    public var text: String {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.text
    }

    public func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.write(literal: "null")
        case .boolean(let flag): flag ? writer.write(literal: "true") : writer.write(literal: "false")
        case .number(let number): writer.write(number: number)
        case .string(let text): writer.write(string: text)
        case .array(let items):
            writer.write(literal: "[")
            for item in items {
                writer.separate()
                item.write(to: &writer)
            }
            writer.write(literal: "]")
        case .object(let members):
            writer.write(literal: "{")
            for member in members {
                writer.write(key: member.key)
                member.value.write(to: &writer)
            }
            writer.write(literal: "}")
        }
    }

    /// The value as a parameter holds it: objects and arrays as text.
    public var value: Value {
        switch self {
        case .null: .null
        case .boolean(let flag): .boolean(flag)
        case .number(let number): .number(number == 0 ? 0 : number)
        case .string(let text): .string(text)
        case .array, .object: .json(text)
        }
    }

    /// A parameter's value as JSON; malformed JSON text becomes a string.
    public init(_ value: Value) {
        switch value {
        case .null: self = .null
        case .boolean(let flag): self = .boolean(flag)
        case .number(let number): self = .number(number)
        case .string(let text): self = .string(text)
        case .json(let text): self = (try? JSONValue(parsing: text)) ?? .string(text)
        }
    }
}
