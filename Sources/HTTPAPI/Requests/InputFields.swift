import Expressions
import Telemetry

/// Reads the fields of one JSON object that a request brought, and notes what is wrong with them.
///
/// Values from a query string are texts: where `isText` is set, a text that spells a number or a boolean is one.
struct InputFields {
    private let members: [JSONValue.Member]
    private let path: String
    private let isText: Bool
    private var known: [String] = []
    private(set) var problems: [ErrorItem] = []
    private(set) var schemaHint: SchemaHint?

    init(_ members: [JSONValue.Member], path: String = "", isText: Bool = false) {
        self.members = members
        self.path = path
        self.isText = isText
    }

    /// The fields of a value that must be an object.
    init(_ value: JSONValue, path: String = "") {
        self.init(value.members ?? [], path: path)
        if value.members == nil {
            problems.append(
                ErrorItem(.badRequest, "must be an object, not \(value.typeName)", path: path.isEmpty ? nil : path))
        }
    }

    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    mutating func fail(_ key: String, _ reason: String, hint: String? = nil) {
        problems.append(ErrorItem(.badRequest, "\(key) \(reason)", hint: hint, path: path(of: key)))
    }

    /// The value of a key, which becomes a known one; nil where it is missing or null.
    mutating func value(_ key: String) -> JSONValue? {
        if !known.contains(key) { known.append(key) }
        let value = members.first { $0.key == key }?.value
        return value == .null ? nil : value
    }

    mutating func string(_ key: String) -> String? {
        guard let value = value(key) else { return nil }
        if let text = value.stringValue { return text }
        fail(key, "must be a string, not \(value.typeName)")
        return nil
    }

    mutating func boolean(_ key: String) -> Bool? {
        guard let value = value(key) else { return nil }
        if let flag = value.booleanValue { return flag }
        switch value.stringValue {
        case "true" where isText, "1" where isText, "" where isText: return true
        case "false" where isText, "0" where isText: return false
        default: fail(key, "must be true or false, not \(shown(value))")
        }
        return nil
    }

    mutating func number(_ key: String) -> Double? {
        guard let value = value(key) else { return nil }
        if let number = value.numberValue { return number }
        if isText, let number = value.stringValue.flatMap({ try? JSONValue(parsing: $0) })?.numberValue {
            return number
        }
        fail(key, "must be a number, not \(shown(value))")
        return nil
    }

    mutating func integer(_ key: String, _ range: ClosedRange<Int64>) -> Int64? {
        let before = problems.count
        guard let number = number(key) else { return nil }
        guard let integer = Int64(exactly: number), range.contains(integer) else {
            if problems.count == before {
                fail(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return nil
        }
        return integer
    }

    /// A moment in seconds, with a hint where it looks like another unit.
    mutating func moment(_ key: String) -> Timestamp? {
        guard let seconds = number(key) else { return nil }
        guard seconds >= 0, seconds <= Self.secondsMax else {
            let isMilliseconds = seconds > Self.secondsMax && seconds / 1e3 <= Self.secondsMax
            fail(
                key, "must be seconds since 1970, up to the year 2100",
                hint: isMilliseconds ? "it looks like milliseconds; divide by 1000" : nil)
            return nil
        }
        return Timestamp(seconds: seconds)
    }

    static let secondsMax = 4_102_444_800.0

    /// Notes every key that nobody asked for.
    mutating func refuseUnknown(_ what: String, readOnly: [String] = []) {
        for member in members where !known.contains(member.key) && !readOnly.contains(member.key) {
            let meant = nearestName(to: member.key, among: known)
            problems.append(
                ErrorItem(
                    .badRequest, "\(what) has no field \"\(member.key)\"",
                    hint: meant.map { "did you mean \"\($0)\"?" },
                    path: path(of: member.key)))
            schemaHint = SchemaHint(fields: known, suggestion: schemaHint?.suggestion ?? meant)
        }
    }

    /// Throws if a new entity brings an id of its own.
    static func refuseID(of value: JSONValue, path: String) throws(APIFailure) {
        guard value["id"] != nil else { return }
        let place = path.isEmpty ? "id" : path + ".id"
        throw APIFailure(.badRequest, "id is given by the server", hint: "leave it out", path: place)
    }

    /// Throws what was noted.
    func check() throws(APIFailure) {
        if !problems.isEmpty { throw APIFailure(problems, schemaHint: schemaHint) }
    }

    private func shown(_ value: JSONValue) -> String {
        value.stringValue.map { "\"\($0.prefix(40))\"" } ?? value.typeName
    }
}
