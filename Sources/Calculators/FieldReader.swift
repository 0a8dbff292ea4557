import Expressions
import Telemetry

/// Reads the fields of one JSON object and notes what is wrong with them, by path.
struct FieldReader {
    let path: String
    private let members: [JSONValue.Member]
    private let isObject: Bool
    private var known: [String] = []
    var problems: [CalculatorProblem] = []

    /// The greatest number of seconds a field may hold: 2³² − 1.
    static let secondsMax = 4_294_967_295.0

    init(_ value: JSONValue, path: String) {
        self.path = path
        members = value.members ?? []
        isObject = value.members != nil
        if value.members == nil {
            problems.append(.init(path: path, reason: "must be an object, not \(value.typeName)"))
        }
    }

    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Notes a problem; what is no object at all has that one problem only.
    mutating func fail(_ key: String, _ reason: String, column: Int? = nil) {
        guard isObject else { return }
        problems.append(CalculatorProblem(path: path(of: key), column: column, reason: reason))
    }

    /// The value of a key, which becomes a known one.
    mutating func value(_ key: String) -> JSONValue? {
        if !known.contains(key) { known.append(key) }
        return members.first { $0.key == key }?.value
    }

    /// Whether a key is not there, or says null.
    mutating func isMissing(_ key: String) -> Bool {
        let value = value(key)
        return value == nil || value == .null
    }

    mutating func string(_ key: String) -> String? {
        guard let value = value(key), value != .null else { return nil }
        if let text = value.stringValue { return text }
        fail(key, "must be a string, not \(value.typeName)")
        return nil
    }

    mutating func boolean(_ key: String, default fallback: Bool = false) -> Bool {
        guard let value = value(key), value != .null else { return fallback }
        if let flag = value.booleanValue { return flag }
        let isQuoted = ["true", "false"].contains(value.stringValue ?? "")
        fail(key, "must be true or false, not \(value.typeName)\(isQuoted ? "; leave out the quotes" : "")")
        return fallback
    }

    /// A number from 0 to `limit`; nil where the key is missing.
    mutating func number(_ key: String, max limit: Double = secondsMax) -> Double? {
        guard let value = value(key), value != .null else { return nil }
        guard let number = value.numberValue else {
            let isQuoted = value.stringValue.flatMap(Double.init) != nil
            fail(key, "must be a number, not \(value.typeName)\(isQuoted ? "; leave out the quotes" : "")")
            return nil
        }
        guard number >= 0, number <= limit else {
            fail(key, "must be from 0 to \(JSONValue.number(limit).text), not \(value.text.prefix(40))")
            return nil
        }
        return number
    }

    /// One of a list of words; an unknown one is refused with the nearest.
    mutating func choice(_ key: String, _ choices: [String]) -> String? {
        guard let text = string(key) else { return nil }
        if choices.contains(text) { return text }
        let likely = Self.otherWords[text.lowercased()].flatMap { choices.contains($0) ? $0 : nil }
        let meant = (likely ?? nearestName(to: text, among: choices)).map { "; did you mean \"\($0)\"?" } ?? ""
        fail(key, "\"\(text)\" is none of \(choices.joined(separator: ", "))\(meant)")
        return nil
    }

    /// A compiled expression; nil where it is missing, empty or wrong.
    mutating func program(
        _ key: String, scope: ExpressionScope = .messages, variables: Set<String> = [], layout: inout ColumnLayout
    ) -> Program? {
        guard let source = string(key), !source.isEmpty else { return nil }
        do throws(ExpressionError) {
            return try Program(source, scope: scope, variables: variables, layout: &layout)
        } catch {
            fail(key, error.reason, column: error.column)
            return nil
        }
    }

    /// The calculator that `calc_id`, also spelled `calculator_id`, names; nil where it is wrong.
    mutating func source() -> CalculatorID? {
        let other = value("calculator_id")
        let isGiven = !isMissing("calc_id")
        let key = isGiven || other == nil ? "calc_id" : "calculator_id"
        guard let given = value(key), given != .null else {
            fail("calc_id", "is missing: the id of the calculator whose intervals are read")
            return nil
        }
        guard let id = given.integerValue, id > 0 else {
            fail(key, "must be the id of a calculator, a whole number from 1, not \(given.text.prefix(40))")
            return nil
        }
        return CalculatorID(id)
    }

    /// The objects of an array with a path each.
    mutating func items(_ key: String) -> [(path: String, value: JSONValue)]? {
        guard let value = value(key), value != .null else { return nil }
        guard let items = value.arrayValue else {
            let isSingle = value.members != nil
            fail(key, "must be an array, not \(value.typeName)\(isSingle ? "; put [ ] around it" : "")")
            return nil
        }
        return items.enumerated().map { ("\(path(of: key))[\($0.offset)]", $0.element) }
    }

    /// Notes every key that nobody asked for; `elsewhere` says to what a field belongs that is not known here.
    mutating func refuseUnknown(_ what: String, elsewhere: [String: String] = [:]) {
        for member in members where !known.contains(member.key) {
            let meant = nearestName(to: member.key, among: known).map { "did you mean \"\($0)\"?" }
            let owner = elsewhere[member.key].map { "it belongs to \($0)" }
            let hint = owner ?? meant ?? "known are \(known.joined(separator: ", "))"
            fail(member.key, "\(what) has no such field; \(hint)")
        }
    }

    /// Words of other tools, and what they are called here.
    private static let otherWords = [
        "sum": "summary", "total": "summary", "avg": "average", "mean": "average", "unique": "distinct",
        "hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year",
        "all": "each", "list": "each", "start": "begin", "finish": "end", "bool": "boolean",
    ]
}
