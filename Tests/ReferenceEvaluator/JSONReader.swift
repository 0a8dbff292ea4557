/// A recursive reader of JSON text.
struct JSONReader {
    private let scalars: [Unicode.Scalar]
    private var index = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    mutating func expectEnd() throws(ReferenceError) {
        skipSpace()
        if index < scalars.count { throw ReferenceError("JSON: unexpected text at \(index)") }
    }

    mutating func value() throws(ReferenceError) -> JSONTree {
        skipSpace()
        guard index < scalars.count else { throw ReferenceError("JSON: unexpected end") }
        switch scalars[index] {
        case "{": return try object()
        case "[": return try array()
        case "\"": return .string(try string())
        case "t": return try word("true", .boolean(true))
        case "f": return try word("false", .boolean(false))
        case "n": return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object() throws(ReferenceError) -> JSONTree {
        index += 1
        var members: [JSONTree.Member] = []
        if take("}") { return .object([]) }
        repeat {
            skipSpace()
            let key = try string()
            guard take(":") else { throw ReferenceError("JSON: expected ':' at \(index)") }
            members.append(JSONTree.Member(key: key, value: try value()))
        } while take(",")
        guard take("}") else { throw ReferenceError("JSON: expected '}' at \(index)") }
        return .object(members)
    }

    private mutating func array() throws(ReferenceError) -> JSONTree {
        index += 1
        var items: [JSONTree] = []
        if take("]") { return .array([]) }
        repeat { items.append(try value()) } while take(",")
        guard take("]") else { throw ReferenceError("JSON: expected ']' at \(index)") }
        return .array(items)
    }

    private mutating func string() throws(ReferenceError) -> String {
        guard index < scalars.count, scalars[index] == "\"" else { throw ReferenceError("JSON: expected a string") }
        index += 1
        var units: [UInt16] = []
        while index < scalars.count, scalars[index] != "\"" {
            if scalars[index] == "\\" {
                units.append(try escape())
            } else {
                units.append(contentsOf: String(scalars[index]).utf16)
                index += 1
            }
        }
        guard index < scalars.count else { throw ReferenceError("JSON: the string does not end") }
        index += 1
        return String(decoding: units, as: UTF16.self)
    }

    private mutating func escape() throws(ReferenceError) -> UInt16 {
        guard index + 1 < scalars.count else { throw ReferenceError("JSON: the string does not end") }
        let letter = scalars[index + 1]
        index += 2
        switch letter {
        case "n": return 10
        case "t": return 9
        case "r": return 13
        case "b": return 8
        case "f": return 12
        case "u":
            guard index + 4 <= scalars.count,
                let unit = UInt16(String(String.UnicodeScalarView(scalars[index..<index + 4])), radix: 16)
            else { throw ReferenceError("JSON: malformed escape") }
            index += 4
            return unit
        default: return UInt16(truncatingIfNeeded: letter.value)
        }
    }

    private mutating func word(_ word: String, _ tree: JSONTree) throws(ReferenceError) -> JSONTree {
        let end = index + word.unicodeScalars.count
        guard end <= scalars.count, Array(word.unicodeScalars) == Array(scalars[index..<end]) else {
            throw ReferenceError("JSON: unexpected text at \(index)")
        }
        index = end
        return tree
    }

    private mutating func number() throws(ReferenceError) -> JSONTree {
        let start = index
        while index < scalars.count, "+-.0123456789eE".unicodeScalars.contains(scalars[index]) { index += 1 }
        let text = String(String.UnicodeScalarView(scalars[start..<index]))
        guard let number = Double(text) else { throw ReferenceError("JSON: unexpected text at \(start)") }
        return .number(number)
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        skipSpace()
        guard index < scalars.count, scalars[index] == scalar else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while index < scalars.count, " \n\r\t".unicodeScalars.contains(scalars[index]) { index += 1 }
    }
}
