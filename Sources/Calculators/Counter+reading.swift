import Expressions
import Telemetry

/// What counters read while they are compiled: one after the other, since later ones may name earlier ones.
struct CounterScope {
    /// The message parameters that programs read.
    var layout: ColumnLayout
    /// The interval fields that programs read.
    var intervalLayout = ColumnLayout()
    /// The names of the counters read so far.
    var names: [String] = []
    /// Those of type `variable` among them.
    var variables: Set<String> = []
}

extension Counter {
    static let types = [
        "expression", "parameter", "interval", "active", "datetime", "geofence", "route", "message", "dataset",
        "variable", "calc", "accumulator", "specified",
    ]

    /// The fields that counters of one type, or of few, have.
    private static let owners = [
        "expression": "the types expression, interval and variable", "parameter": "the type parameter",
        "value": "the type specified", "format": "the type datetime", "extremum": "the type message",
        "fields": "the types message, dataset and calc", "calc_id": "the type calc", "counter": "the type accumulator",
        "reset_interval": "the type accumulator", "reset_expression": "the type accumulator",
    ]

    /// Names that an interval has by itself.
    static let reservedNames = ["begin", "end", "duration", "id", "timestamp"]

    /// Reads a counter; nil where it is wrong, with the reasons in `problems`.
    init?(_ value: JSONValue, path: String, scope: inout CounterScope, problems: inout [CalculatorProblem]) {
        var fields = FieldReader(value, path: path)
        defer { problems += fields.problems }
        name = fields.string("name") ?? ""
        if name.isEmpty, value.members != nil { fields.fail("name", "is missing: the result needs a name") }
        if Self.reservedNames.contains(name) {
            fields.fail("name", "\"\(name)\" is a field that every interval has; choose another name")
        }
        guard let type = fields.choice("type", Self.types + ["calculator"]) else {
            if value.members != nil, fields.isMissing("type") {
                fields.fail("type", "is missing: \(Self.types.joined(separator: ", "))")
            }
            return nil
        }
        let kind = Self.kind(type, name, &fields, &scope)
        if kind?.readsMessages ?? true {
            validateMessage = fields.program("validate_message", variables: scope.variables, layout: &scope.layout)
        }
        if case .datetime? = kind { _ = fields.string("validate_message") }
        fields.refuseUnknown("a counter of type \(type)", elsewhere: Self.owners)
        guard let kind, fields.problems.isEmpty else { return nil }
        self.kind = kind
    }

    private static func kind(
        _ type: String, _ name: String, _ fields: inout FieldReader, _ scope: inout CounterScope
    ) -> Kind? {
        switch type {
        case "expression":
            let program = fields.required(
                "expression", variables: scope.variables, layout: &scope.layout)
            guard let method = method(&fields), let program else { return nil }
            return .values(program, method)
        case "parameter":
            let parameter = fields.string("parameter") ?? name
            let program = Program(parameter: parameter, variables: scope.variables, layout: &scope.layout)
            return method(&fields).map { .values(program, $0) }
        case "interval":
            return fields.required("expression", scope: .interval, layout: &scope.intervalLayout).map { .interval($0) }
        case "active": return .active
        case "datetime":
            let format = fields.string("format") ?? "%c"
            let border = fields.choice("interval", Border.allCases.map(\.rawValue)).flatMap(Border.init) ?? .begin
            return .datetime(TimeFormat(format), border)
        case "geofence": return .geofence(RouteColumns(&scope.layout))
        case "route": return .route(RouteColumns(&scope.layout))
        case "message": return MessageCounter(message: &fields, &scope).map { .message($0) }
        case "dataset": return MessageCounter(dataset: &fields, &scope).map { .message($0) }
        case "variable": return VariableCounter(name, &fields, &scope).map { .variable($0) }
        case "calc", "calculator": return SourceCounter(&fields).map { .source($0) }
        case "accumulator": return AccumulatorCounter(&fields, &scope).map { .accumulator($0) }
        default: return specified(&fields)
        }
    }

    private static func method(_ fields: inout FieldReader) -> Method? {
        let before = fields.problems.count
        if fields.value("method")?.stringValue == "count" {
            let mend = "to count messages, sum up the expression \"1\" with \"summary\""
            fields.fail("method", "there is no method \"count\"; \(mend)")
            return nil
        }
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
}

extension FieldReader {
    /// A compiled expression that must be there.
    mutating func required(
        _ key: String, scope: ExpressionScope = .messages, variables: Set<String> = [], layout: inout ColumnLayout
    ) -> Program? {
        let before = problems.count
        let program = program(key, scope: scope, variables: variables, layout: &layout)
        if program == nil, problems.count == before {
            let messages = "over messages, such as \"position.speed\""
            let example = scope == .messages ? messages : "over an interval, such as \"duration / 60\""
            fail(key, "is missing: an expression \(example)")
        }
        return program
    }
}
