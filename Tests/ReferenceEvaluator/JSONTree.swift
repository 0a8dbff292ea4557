/// JSON as a tree, read and written by the plainest means.
indirect enum JSONTree: Equatable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([Member])

    struct Member: Equatable {
        var key: String
        var value: JSONTree
    }

    init(_ text: String) throws(ReferenceError) {
        var reader = JSONReader(text)
        self = try reader.value()
        try reader.expectEnd()
    }

    /// The tree of a value; JSON text that cannot be read is a string.
    init(_ value: RefValue) {
        switch value {
        case .null: self = .null
        case .boolean(let flag): self = .boolean(flag)
        case .number(let number): self = .number(number)
        case .string(let text): self = .string(text)
        case .json(let text): self = (try? JSONTree(text)) ?? .string(text)
        }
    }

    /// The value of a tree: arrays and objects as minimal text.
    var value: RefValue {
        switch self {
        case .null: .null
        case .boolean(let flag): .boolean(flag)
        case .number(let number): .number(number)
        case .string(let text): .string(text)
        case .array, .object: .json(text)
        }
    }

    var text: String {
        switch self {
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .number(let number): RefValue.text(of: number)
        case .string(let text): Self.quoted(text)
        case .array(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.key) + ":" + $0.value.text }.joined(separator: ",") + "}"
        }
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    subscript(key: String) -> JSONTree? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    /// The element that a JSON pointer such as `/0/id` names.
    func element(at pointer: String) -> JSONTree? {
        if pointer.isEmpty { return self }
        guard pointer.hasPrefix("/") else { return nil }
        var tree = self
        for part in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let next = tree.element(named: unescaped(String(part))) else { return nil }
            tree = next
        }
        return tree
    }

    /// The element of an array by its index, or of an object by its key.
    func element(named name: String) -> JSONTree? {
        guard case .array(let items) = self else { return self[name] }
        guard let index = Int(name), items.indices.contains(index), String(index) == name else { return nil }
        return items[index]
    }

    private func unescaped(_ part: String) -> String {
        part.split(separator: "~1", omittingEmptySubsequences: false).joined(separator: "/")
            .split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
    }
}
