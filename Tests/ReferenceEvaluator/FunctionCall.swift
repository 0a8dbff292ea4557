import Foundation

/// A call of a function in an expression.
struct FunctionCall {
    var name: String
    var arguments: [Expression]

    /// Every function with the least and the greatest number of its arguments.
    static let arities: [String: ClosedRange<Int>] = [
        "if": 3...3, "not": 1...1, "exists": 1...1, "isnull": 1...1, "isnumber": 1...1, "isstring": 1...1,
        "isboolean": 1...1, "isjson": 1...1, "tonumber": 1...1, "tostring": 1...1, "toboolean": 1...1, "tojson": 1...1,
        "error": 0...1, "abs": 1...1, "round": 1...1, "floor": 1...1, "ceil": 1...1, "min": 1...99, "max": 1...99,
        "sqrt": 1...1, "pow": 2...2, "exp": 1...1, "log": 1...1, "log10": 1...1, "sign": 1...1, "month": 0...1,
        "day": 0...1, "hour": 0...1, "minute": 0...1, "second": 0...1, "year": 0...1, "weekday": 0...1,
        "mileage": 0...0, "duration": 0...0, "distance": 4...4, "distance_to": 2...2, "json_array_contains": 2...2,
        "json": 2...2, "metadata": 1...1, "length": 1...1, "lower": 1...1, "upper": 1...1, "substring": 2...3,
        "contains": 2...2, "replace": 3...3, "trim": 1...1, "previous": 1...1, "geofence": 0...1, "geofences": 0...1,
    ]

    func value(in scope: some Scope) throws(ExpressionFailure) -> RefValue {
        switch name {
        case "if": return try arguments[arguments[0].isTrue(in: scope) ? 1 : 2].value(in: scope)
        case "not": return .boolean(!arguments[0].isTrue(in: scope))
        case "mileage": return .number(try scope.mileage())
        case "duration": return .number(try scope.secondsSincePrevious())
        case "month", "day", "hour", "minute", "second", "year", "weekday": return .number(try calendarField(in: scope))
        default: break
        }
        var values: [RefValue] = []
        for argument in arguments { values.append(try argument.value(in: scope)) }
        return try value(of: values, in: scope)
    }

    private func value(of values: [RefValue], in scope: some Scope) throws(ExpressionFailure) -> RefValue {
        switch name {
        case "exists": return .boolean(scope.value(of: try values[0].string()) != nil)
        case "previous": return try scope.previousValue(of: try values[0].string())
        case "metadata": return metadata(try values[0].string(), scope.surroundings.metadata)
        case "geofence": return try geofences(values, in: scope).first ?? .null
        case "geofences": return JSONTree.array(try geofences(values, in: scope).map { JSONTree($0) }).value
        case "json": return try element(of: scope.value(of: try values[0].string()), values[1])
        case "json_array_contains": return .boolean(try isContained(values[1], in: values[0]))
        case "distance":
            let (start, end) = (try position(values[0], values[1]), try position(values[2], values[3]))
            return .number(start.metres(to: end, by: scope.surroundings.mileageFormula))
        case "distance_to":
            let target = try position(values[0], values[1])
            return .number(try scope.position().metres(to: target, by: scope.surroundings.mileageFormula))
        case "isnull": return .boolean(values[0] == .null)
        case "isnumber": if case .number = values[0] { return .boolean(true) } else { return .boolean(false) }
        case "isstring": if case .string = values[0] { return .boolean(true) } else { return .boolean(false) }
        case "isboolean": if case .boolean = values[0] { return .boolean(true) } else { return .boolean(false) }
        case "isjson": if case .json = values[0] { return .boolean(true) } else { return .boolean(false) }
        case "tonumber": return .number(try values[0].arithmeticNumber())
        case "tostring": return .string(values[0].text)
        case "toboolean": return .boolean(values[0].isTrue)
        case "tojson": return try json(values[0])
        case "length", "lower", "upper", "substring", "contains", "replace", "trim": return try text(values)
        default: return .number(try number(try numbers(values)))
        }
    }

    /// The name, or another field, of each assigned geofence around the message.
    private func geofences(_ values: [RefValue], in scope: some Scope) throws(ExpressionFailure) -> [RefValue] {
        let path = try values.first?.string() ?? "name"
        let position = try scope.position()
        return Geofence.containing(position, in: scope.surroundings.geofences).map { $0.field(path) }
    }

    private func position(_ latitude: RefValue, _ longitude: RefValue) throws(ExpressionFailure) -> Position {
        Position(latitude: try latitude.arithmeticNumber(), longitude: try longitude.arithmeticNumber())
    }

    private func numbers(_ values: [RefValue]) throws(ExpressionFailure) -> [Double] {
        var numbers: [Double] = []
        for value in values { numbers.append(try value.arithmeticNumber()) }
        return numbers
    }

    private func number(_ numbers: [Double]) throws(ExpressionFailure) -> Double {
        guard let first = numbers.first else { throw ExpressionFailure() }
        switch name {
        case "abs": return abs(first)
        case "round": return first.rounded(.toNearestOrAwayFromZero)
        case "floor": return first.rounded(.down)
        case "ceil": return first.rounded(.up)
        case "min": return numbers.reduce(first) { $1 < $0 ? $1 : $0 }
        case "max": return numbers.reduce(first) { $1 > $0 ? $1 : $0 }
        case "sqrt": return first.squareRoot()
        case "pow": return pow(first, numbers[1])
        case "exp": return exp(first)
        case "log": return log(first)
        case "log10": return log10(first)
        case "sign": return first > 0 ? 1 : first < 0 ? -1 : 0
        default: throw ExpressionFailure()
        }
    }

    private func text(_ values: [RefValue]) throws(ExpressionFailure) -> RefValue {
        let text = try values[0].string()
        switch name {
        case "length": return .number(Double(text.unicodeScalars.count))
        case "lower": return .string(text.lowercased())
        case "upper": return .string(text.uppercased())
        case "contains":
            let part = try values[1].string()
            return .boolean(part.isEmpty || text.contains(part))
        case "replace": return .string(replaced(text, try values[1].string(), try values[2].string()))
        case "trim": return .string(text.trimmingCharacters(in: .whitespacesAndNewlines))
        default: return .string(try substring(text, values))
        }
    }

    private func replaced(_ text: String, _ part: String, _ other: String) -> String {
        part.isEmpty ? text : text.replacingOccurrences(of: part, with: other)
    }

    private func substring(_ text: String, _ values: [RefValue]) throws(ExpressionFailure) -> String {
        let scalars = Array(text.unicodeScalars)
        let start = max(0, min(Int(try values[1].bits()), scalars.count))
        let count = values.count > 2 ? max(0, Int(try values[2].bits())) : scalars.count
        return String(String.UnicodeScalarView(scalars[start..<min(scalars.count, start + min(count, scalars.count))]))
    }

    private func calendarField(in scope: some Scope) throws(ExpressionFailure) -> Double {
        let seconds = try arguments.isEmpty ? scope.moment() : arguments[0].value(in: scope).arithmeticNumber()
        guard abs(seconds) < 1e11 else { throw ExpressionFailure() }
        let local = LocalTime(seconds: Int(seconds.rounded(.down)), in: scope.surroundings.timeZone)
        switch name {
        case "month": return Double(local.month)
        case "day": return Double(local.day)
        case "hour": return Double(local.hour)
        case "minute": return Double(local.minute)
        case "second": return Double(local.second)
        case "year": return Double(local.year)
        default: return Double(local.weekday)
        }
    }

    private func metadata(_ path: String, _ tree: JSONTree) -> RefValue {
        let element = path.hasPrefix("/") ? tree.element(at: path) : tree[path]
        return element?.value ?? .null
    }

    private func element(of field: RefValue?, _ key: RefValue) throws(ExpressionFailure) -> RefValue {
        guard case .json(let text)? = field, let tree = try? JSONTree(text),
            let element = tree.element(named: key.text)
        else { throw ExpressionFailure() }
        return element.value
    }

    private func isContained(_ value: RefValue, in array: RefValue) throws(ExpressionFailure) -> Bool {
        guard case .json(let text) = array, case .array(let items)? = try? JSONTree(text) else {
            throw ExpressionFailure()
        }
        return items.contains { $0.value == value }
    }

    private func json(_ value: RefValue) throws(ExpressionFailure) -> RefValue {
        guard case .string(let text) = value else { return value }
        guard let tree = try? JSONTree(text) else { throw ExpressionFailure() }
        return tree.value
    }
}
