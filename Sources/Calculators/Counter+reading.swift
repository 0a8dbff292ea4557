import Expressions
import Telemetry

extension Counter {
    static let types = ["expression", "parameter", "interval", "active", "datetime", "route", "message", "specified"]

    /// Types of the language that this version does not calculate.
    static let typesToCome = ["geofence", "variable", "dataset", "calc", "calculator", "accumulator"]

    /// Names that an interval has by itself.
    static let reservedNames = ["begin", "end", "duration", "id", "timestamp"]

    /// Reads a counter; nil where it is wrong, with the reasons in `problems`.
    init?(
        _ value: JSONValue, path: String, layout: inout ColumnLayout, intervalLayout: inout ColumnLayout,
        problems: inout [CalculatorProblem]
    ) {
        var fields = FieldReader(value, path: path)
        defer { problems += fields.problems }
        name = fields.string("name") ?? ""
        if name.isEmpty, value.members != nil { fields.fail("name", "is missing: the result needs a name") }
        if Self.reservedNames.contains(name) {
            fields.fail("name", "\"\(name)\" is a field that every interval has; choose another name")
        }
        if let type = value["type"]?.stringValue, Self.typesToCome.contains(type) {
            fields.fail("type", "this version has no counter \"\(type)\"; it has \(Self.types.joined(separator: ", "))")
            return nil
        }
        guard let type = fields.choice("type", Self.types) else {
            if value.members != nil, fields.isMissing("type") {
                fields.fail("type", "is missing: \(Self.types.joined(separator: ", "))")
            }
            return nil
        }
        let kind = Self.kind(type, name, &fields, &layout, &intervalLayout)
        if kind?.readsMessages ?? true { validateMessage = fields.program("validate_message", layout: &layout) }
        if case .datetime? = kind { _ = fields.string("validate_message") }
        fields.refuseUnknown("a counter of type \(type)")
        guard let kind, fields.problems.isEmpty else { return nil }
        self.kind = kind
    }

    private static func kind(
        _ type: String, _ name: String, _ fields: inout FieldReader, _ layout: inout ColumnLayout,
        _ intervalLayout: inout ColumnLayout
    ) -> Kind? {
        switch type {
        case "expression":
            let program = required("expression", &fields, .messages, &layout)
            guard let method = method(&fields), let program else { return nil }
            return .values(program, method)
        case "parameter":
            let program = Program(parameter: fields.string("parameter") ?? name, layout: &layout)
            return method(&fields).map { .values(program, $0) }
        case "interval": return required("expression", &fields, .interval, &intervalLayout).map { .interval($0) }
        case "active": return .active
        case "datetime":
            let format = fields.string("format") ?? "%c"
            let border = fields.choice("interval", Border.allCases.map(\.rawValue)).flatMap(Border.init) ?? .begin
            return .datetime(TimeFormat(format), border)
        case "route": return .route(RouteColumns(&layout))
        case "message": return message(&fields, &layout).map { .message($0) }
        default: return specified(&fields)
        }
    }

    private static func required(
        _ key: String, _ fields: inout FieldReader, _ scope: ExpressionScope, _ layout: inout ColumnLayout
    ) -> Program? {
        let before = fields.problems.count
        let program = fields.program(key, scope: scope, layout: &layout)
        if program == nil, fields.problems.count == before { fields.fail(key, "is missing") }
        return program
    }

    private static func method(_ fields: inout FieldReader) -> Method? {
        let before = fields.problems.count
        let word = fields.choice("method", Method.words)
        if word == nil, fields.problems.count == before {
            fields.fail("method", "is missing: one of \(Method.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word.flatMap(Method.init(word:))
    }

    private static func specified(_ fields: inout FieldReader) -> Kind? {
        guard let value = fields.value("value") else {
            fields.fail("value", "is missing: a string, number or boolean")
            return nil
        }
        switch value {
        case .string, .number, .boolean: return .specified(value.value)
        default:
            fields.fail("value", "must be a string, number or boolean, not \(value.typeName)")
            return nil
        }
    }

    private static func message(_ fields: inout FieldReader, _ layout: inout ColumnLayout) -> MessageCounter? {
        let word = fields.choice("method", MessageCounter.Method.allCases.map(\.rawValue))
        let extremum = self.extremum(&fields, &layout)
        let method = word.flatMap(MessageCounter.Method.init) ?? .first
        if word == nil, extremum == nil, fields.problems.isEmpty {
            fields.fail("method", "is missing: first, last, each or aggregate_by_field")
        }
        let parts = self.fields(&fields, &layout)
        if method == .aggregateByField, parts.isEmpty {
            fields.fail("fields", "is missing: its first entry names what the messages are grouped by")
        }
        guard fields.problems.isEmpty else { return nil }
        return MessageCounter(
            method: method, fields: parts, extremum: extremum,
            wholeMessage: parts.isEmpty ? layout.slot(MessageCounter.wholeMessageName) : nil)
    }

    private static func extremum(_ fields: inout FieldReader, _ layout: inout ColumnLayout) -> MessageCounter.Extremum?
    {
        guard let value = fields.value("extremum"), value != .null else { return nil }
        var inner = FieldReader(value, path: fields.path(of: "extremum"))
        defer { fields.problems += inner.problems }
        let type = inner.choice("type", ["minimum", "maximum", "min", "max"])
        let program = required("expression", &inner, .messages, &layout)
        inner.refuseUnknown("extremum")
        guard let program else { return nil }
        return MessageCounter.Extremum(isMaximum: type?.hasPrefix("max") ?? true, program: program)
    }

    private static func fields(_ fields: inout FieldReader, _ layout: inout ColumnLayout) -> [MessageCounter.Field] {
        (fields.items("fields") ?? []).compactMap { path, value in
            if let name = value.stringValue {
                return MessageCounter.Field(
                    name: name, program: Program(parameter: name, layout: &layout), aggregate: .first)
            }
            var inner = FieldReader(value, path: path)
            defer { fields.problems += inner.problems }
            let name = inner.string("name") ?? ""
            let program = required("expression", &inner, .messages, &layout)
            let aggregate = inner.choice("aggregate", Method.words).flatMap(Method.init(word:)) ?? .first
            inner.refuseUnknown("a field")
            return program.map { MessageCounter.Field(name: name, program: $0, aggregate: aggregate) }
        }
    }
}

extension Counter.Kind {
    fileprivate var readsMessages: Bool {
        switch self {
        case .values, .route, .message: true
        case .interval, .active, .datetime, .specified: false
        }
    }
}
