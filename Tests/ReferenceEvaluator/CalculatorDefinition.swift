/// A selector as the calculator's JSON gives it; times in microseconds.
struct SelectorDefinition {
    enum Kind: Equatable {
        case boolean(Expression)
        case change(Expression)
        /// A calendar bucket; nil is one bucket for all time.
        case datetime(split: String?)
        case inactive(delayMicroseconds: Int64)
        /// Inline geofences; none means those assigned to the calculator.
        case geofence([Geofence])
    }

    var kind: Kind
    var validateMessage: Expression?
    var invert: Bool
    var gapMicrosecondsMax: Int64
    var inactiveMicrosecondsMax: Int64
    /// nil where the field is absent, which is not the same as 0 (rule 13).
    var activeMicrosecondsMin: Int64?
    var activeMicrosecondsMax: Int64
    var durationMicrosecondsMin: Int64
    var mergesMessageBefore: Bool
    var mergesMessageAfter: Bool
    var mergesUnknown: Bool

    init(_ json: JSONTree) throws(ReferenceError) {
        kind = try Self.kind(json)
        validateMessage = try json.expression("validate_message")
        invert = json.flag("invert")
        gapMicrosecondsMax = json.microseconds("max_messages_time_diff") ?? 0
        inactiveMicrosecondsMax = json.microseconds("max_inactive") ?? 0
        activeMicrosecondsMin = json.microseconds("min_active")
        activeMicrosecondsMax = json.microseconds("max_active") ?? 0
        durationMicrosecondsMin = json.microseconds("min_duration") ?? 0
        mergesMessageBefore = json.flag("merge_message_before")
        mergesMessageAfter = json.flag("merge_message_after")
        mergesUnknown = json.flag("merge_unknown")
    }

    private static func kind(_ json: JSONTree) throws(ReferenceError) -> Kind {
        switch json.string("type") {
        case "expression":
            guard let expression = try json.expression("expression") else {
                throw ReferenceError("a selector has no expression")
            }
            return json.string("method") == "change" ? .change(expression) : .boolean(expression)
        case "datetime":
            let split = json.string("split")
            if let split, !["hour", "day", "week", "month", "year"].contains(split) {
                throw ReferenceError("unknown split \(split)")
            }
            return .datetime(split: split)
        case "inactive": return .inactive(delayMicroseconds: json.microseconds("delay_threshold") ?? 0)
        case "geofence": return .geofence(try Geofence.list(json["geofences"] ?? .array([])))
        default: throw ReferenceError("unsupported selector \(json.string("type") ?? "")")
        }
    }
}

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
    }

    enum Method: String {
        case first, last, minimum, maximum, average, summary, difference, duration, distinct
    }

    /// What a message counter shows of which messages.
    struct Projection: Equatable {
        enum Choice: Equatable {
            case first, last, each, minimum(Expression), maximum(Expression)
        }

        struct Field: Equatable {
            var name: String
            var expression: Expression
        }

        var choice: Choice
        var fields: [Field]
    }

    var name: String
    var kind: Kind
    var validateMessage: Expression?

    init(_ json: JSONTree) throws(ReferenceError) {
        guard let name = json.string("name") else { throw ReferenceError("a counter has no name") }
        self.name = name
        validateMessage = try json.expression("validate_message")
        switch json.string("type") {
        case "parameter":
            let parameter = json.string("parameter") ?? name
            kind = .values(.name(parameter, isOptional: false), try Self.method(json))
        case "expression": kind = .values(try Self.requiredExpression(json), try Self.method(json))
        case "interval": kind = .interval(try Self.requiredExpression(json).checkedOverIntervals())
        case "active": kind = .active
        case "geofence": kind = .geofence
        case "datetime":
            kind = .datetime(format: json.string("format") ?? "%c", ofEnd: json.string("interval") == "end")
        case "route": kind = .route
        case "message": kind = .message(try Self.projection(json))
        case "specified": kind = .specified((json["value"] ?? .null).value)
        default: throw ReferenceError("unsupported counter \(json.string("type") ?? "")")
        }
    }

    private static func requiredExpression(_ json: JSONTree) throws(ReferenceError) -> Expression {
        guard let expression = try json.expression("expression") else {
            throw ReferenceError("a counter has no expression")
        }
        return expression
    }

    private static func method(_ json: JSONTree) throws(ReferenceError) -> Method {
        let name = json.string("method") ?? ""
        let full = ["min": "minimum", "max": "maximum"][name] ?? name
        guard let method = Method(rawValue: full) else { throw ReferenceError("unknown method \(name)") }
        return method
    }

    private static func projection(_ json: JSONTree) throws(ReferenceError) -> Projection {
        var fields: [Projection.Field] = []
        for item in json.items("fields") {
            if case .string(let name) = item {
                fields.append(Projection.Field(name: name, expression: .name(name, isOptional: false)))
            } else if let name = item.string("name") {
                fields.append(Projection.Field(name: name, expression: try requiredExpression(item)))
            }
        }
        if fields.isEmpty { throw ReferenceError("a message counter without fields is unsupported") }
        return Projection(choice: try choice(json), fields: fields)
    }

    private static func choice(_ json: JSONTree) throws(ReferenceError) -> Projection.Choice {
        if let extremum = json["extremum"] {
            let expression = try requiredExpression(extremum)
            return extremum.string("type")?.hasPrefix("max") == true ? .maximum(expression) : .minimum(expression)
        }
        switch json.string("method") {
        case "first": return .first
        case "last": return .last
        case "each": return .each
        default: throw ReferenceError("unsupported method of a message counter")
        }
    }
}

/// A calculator as its JSON gives it.
struct CalculatorDefinition {
    var selectors: [SelectorDefinition]
    var counters: [CounterDefinition]
    var validateMessage: Expression?
    var validateInterval: Expression?
    var updatePeriodMicroseconds: Int64
    var mileageOutlierSpeed: Double

    init(_ text: String) throws(ReferenceError) {
        let json = try JSONTree(text)
        selectors = []
        for item in json.items("selectors") { selectors.append(try SelectorDefinition(item)) }
        counters = []
        for item in json.items("counters") { counters.append(try CounterDefinition(item)) }
        validateMessage = try json.expression("validate_message")
        validateInterval = try json.expression("validate_interval")?.checkedOverIntervals()
        updatePeriodMicroseconds = json.microseconds("update_period") ?? 0
        if case .number(let speed)? = json["mileage_outlier_speed"] {
            mileageOutlierSpeed = speed
        } else {
            mileageOutlierSpeed = 0
        }
        if selectors.isEmpty { throw ReferenceError("a calculator needs a selector") }
    }
}

extension Expression {
    /// Refuses `id` and `timestamp`, which expressions over intervals cannot read (rule 19).
    func checkedOverIntervals() throws(ReferenceError) -> Expression {
        for name in names where name == "id" || name == "timestamp" {
            throw ReferenceError("\(name) cannot be read in an expression over intervals")
        }
        return self
    }
}

extension JSONTree {
    fileprivate func string(_ key: String) -> String? {
        if case .string(let text)? = self[key] { text } else { nil }
    }

    fileprivate func flag(_ key: String) -> Bool { self[key] == .boolean(true) }

    func items(_ key: String) -> [JSONTree] {
        if case .array(let items)? = self[key] { items } else { [] }
    }

    fileprivate func microseconds(_ key: String) -> Int64? {
        if case .number(let seconds)? = self[key] { Int64((seconds * 1e6).rounded()) } else { nil }
    }

    /// An expression; an absent or empty text is none.
    fileprivate func expression(_ key: String) throws(ReferenceError) -> Expression? {
        guard let text = string(key), !text.isEmpty else { return nil }
        return try Expression(text)
    }
}
