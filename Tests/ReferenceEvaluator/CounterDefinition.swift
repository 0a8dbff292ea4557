/// A counter as the calculator's JSON gives it.
struct CounterDefinition {
    enum Kind: Equatable {
        case values(Expression, Method)
        case interval(Expression)
        case active
        case geofence
        case datetime(format: String, ofEnd: Bool)
        case route
        case message(Projection)
        case specified(RefValue)
        case variable(Expression)
        case dataset([Field], allowsUnknown: Bool)
        case calc(Source)
        case accumulator(counter: String, resetInterval: String?, resetExpression: Expression?)
    }

    enum Method: String {
        case first, last, minimum, maximum, average, summary, difference, duration, distinct
    }

    /// A named value of a message, or of an interval, with the method that makes one of many.
    struct Field: Equatable {
        var name: String
        var expression: Expression
        /// nil where none is given.
        var aggregate: Method?
    }

    /// What a message counter shows of which messages.
    struct Projection: Equatable {
        enum Choice: Equatable {
            case first, last, each, aggregateByField
            case minimum(Expression)
            case maximum(Expression)
        }

        var choice: Choice
        var fields: [Field]
    }

    /// What a calc counter shows of the intervals of another calculator.
    struct Source: Equatable {
        enum Choice: String {
            case each, aggregate, first, last
            case aggregateByField = "aggregate_by_field"
        }

        var id: Int
        var choice: Choice
        /// nil for begin, end, duration and all counters.
        var fields: [Field]?
        var allowsStartBefore: Bool
        var allowsFinishAfter: Bool
        var validateInterval: Expression?
    }

    var name: String
    var kind: Kind
    var validateMessage: Expression?

    init(_ json: JSONTree) throws(ReferenceError) {
        guard let name = json.string("name") else { throw ReferenceError("a counter has no name") }
        self.name = name
        validateMessage = try json.expression("validate_message")
        kind = try Self.kind(json, name)
    }

    private static func kind(_ json: JSONTree, _ name: String) throws(ReferenceError) -> Kind {
        switch json.string("type") {
        case "parameter":
            return .values(.name(json.string("parameter") ?? name, isOptional: false), try method(json))
        case "expression": return .values(try json.requiredExpression("expression"), try method(json))
        case "interval": return .interval(try json.requiredExpression("expression").checkedOverIntervals())
        case "active": return .active
        case "geofence": return .geofence
        case "datetime":
            return .datetime(format: json.string("format") ?? "%c", ofEnd: json.string("interval") == "end")
        case "route": return .route
        case "message": return .message(try projection(json))
        case "specified": return .specified((json["value"] ?? .null).value)
        case "variable": return .variable(try json.requiredExpression("expression"))
        case "dataset":
            let fields = try fields(json, expressionKey: "value")
            guard (1...64).contains(fields.count) else { throw ReferenceError("a dataset has 1 to 64 fields") }
            return .dataset(fields, allowsUnknown: json.flag("allow_unknown"))
        case "calc", "calculator": return .calc(try source(json))
        case "accumulator": return try accumulator(json)
        default: throw ReferenceError("unsupported counter \(json.string("type") ?? "")")
        }
    }

    private static func method(_ json: JSONTree) throws(ReferenceError) -> Method {
        try method(named: json.string("method") ?? "")
    }

    private static func method(named name: String) throws(ReferenceError) -> Method {
        let full = ["min": "minimum", "max": "maximum"][name] ?? name
        guard let method = Method(rawValue: full) else { throw ReferenceError("unknown method \(name)") }
        return method
    }

    /// The items of `fields`: names, or objects with a name, an expression and perhaps an aggregate.
    private static func fields(
        _ json: JSONTree, expressionKey: String = "expression"
    ) throws(ReferenceError) -> [Field] {
        var fields: [Field] = []
        for item in json.items("fields") {
            if case .string(let name) = item {
                fields.append(Field(name: name, expression: .name(name, isOptional: false)))
            } else if let name = item.string("name") {
                var field = Field(name: name, expression: try item.requiredExpression(expressionKey))
                if let word = item.string("aggregate") { field.aggregate = try method(named: word) }
                if field.aggregate == .duration { throw ReferenceError("duration is no aggregate") }
                fields.append(field)
            } else {
                throw ReferenceError("a field has no name")
            }
        }
        return fields
    }

    private static func projection(_ json: JSONTree) throws(ReferenceError) -> Projection {
        let fields = try fields(json)
        if fields.isEmpty { throw ReferenceError("a message counter without fields is unsupported") }
        return Projection(choice: try choice(json), fields: fields)
    }

    private static func choice(_ json: JSONTree) throws(ReferenceError) -> Projection.Choice {
        if let extremum = json["extremum"] {
            let expression = try extremum.requiredExpression("expression")
            return extremum.string("type")?.hasPrefix("max") == true ? .maximum(expression) : .minimum(expression)
        }
        switch json.string("method") {
        case "first": return .first
        case "last": return .last
        case "each": return .each
        case "aggregate_by_field": return .aggregateByField
        default: throw ReferenceError("unsupported method of a message counter")
        }
    }

    private static func source(_ json: JSONTree) throws(ReferenceError) -> Source {
        guard let choice = Source.Choice(rawValue: json.string("method") ?? "") else {
            throw ReferenceError("unsupported method of a calc counter")
        }
        let fields = try fields(json)
        for field in fields { _ = try field.expression.checkedOverSourceIntervals() }
        if choice == .aggregateByField, fields.isEmpty { throw ReferenceError("aggregate_by_field needs fields") }
        return Source(
            id: try json.sourceID(), choice: choice, fields: fields.isEmpty ? nil : fields,
            allowsStartBefore: json.flag("allow_start_before"), allowsFinishAfter: json.flag("allow_finish_after"),
            validateInterval: try json.expression("validate_interval")?.checkedOverSourceIntervals())
    }

    private static func accumulator(_ json: JSONTree) throws(ReferenceError) -> Kind {
        guard let counter = json.string("counter") else { throw ReferenceError("an accumulator has no counter") }
        let interval = json.string("reset_interval")
        if let interval, !LocalTime.buckets.contains(interval) {
            throw ReferenceError("unknown reset_interval \(interval)")
        }
        return .accumulator(
            counter: counter, resetInterval: interval,
            resetExpression: try json.expression("reset_expression")?.checkedOverIntervals())
    }
}
