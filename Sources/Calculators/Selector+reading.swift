import Expressions
import Telemetry

extension Selector {
    static let types = ["expression", "geofence", "datetime", "calc", "inactive"]

    /// The fields that selectors of one type alone have.
    private static let owners = [
        "expression": "the type expression", "split": "the type datetime", "geofences": "the type geofence",
        "crossing": "the type geofence", "delay_threshold": "the type inactive", "calc_id": "the type calc",
        "validate_interval": "the type calc", "counters": "the calculator",
    ]

    /// Reads a selector; nil where it is wrong, with the reasons in `problems`.
    init?(_ value: JSONValue, path: String, layout: inout ColumnLayout, problems: inout [CalculatorProblem]) {
        var fields = FieldReader(value, path: path)
        defer { problems += fields.problems }
        name = fields.string("name") ?? ""
        guard let type = fields.choice("type", Self.types + ["calculator"]) else {
            if value.members != nil, fields.isMissing("type") {
                fields.fail("type", "is missing: \(Self.types.joined(separator: ", "))")
            }
            return nil
        }
        options = Options(&fields, of: type)
        validateMessage =
            ["expression", "geofence", "datetime"].contains(type)
            ? fields.program("validate_message", layout: &layout) : nil
        let kind = Self.kind(type, &fields, &layout)
        fields.refuseUnknown("a selector of type \(type)", elsewhere: Self.owners)
        guard let kind, fields.problems.isEmpty else { return nil }
        self.kind = kind
    }

    private static func kind(_ type: String, _ fields: inout FieldReader, _ layout: inout ColumnLayout) -> Kind? {
        switch type {
        case "expression": expression(&fields, &layout)
        case "geofence": geofence(&fields, &layout).map { .geofence($0) }
        case "datetime": datetime(&fields)
        case "inactive": inactive(&fields, &layout)
        default: SourceReference(&fields).map { .source($0) }
        }
    }

    private static func expression(_ fields: inout FieldReader, _ layout: inout ColumnLayout) -> Kind? {
        let method = fields.choice("method", ["boolean", "change"]) ?? "boolean"
        let given = fields.value("expression")
        guard let program = fields.program("expression", layout: &layout) else {
            if fields.isMissing("expression") || given == .string("") {
                fields.fail("expression", "is missing: say which messages count, such as \"position.speed > 0\"")
            }
            return nil
        }
        return method == "change" ? .change(program) : .boolean(program)
    }

    private static func datetime(_ fields: inout FieldReader) -> Kind {
        .datetime(fields.choice("split", CalendarUnit.allCases.map(\.rawValue)).flatMap(CalendarUnit.init))
    }

    private static func inactive(_ fields: inout FieldReader, _ layout: inout ColumnLayout) -> Kind? {
        guard let seconds = fields.number("delay_threshold") else {
            if fields.isMissing("delay_threshold") {
                fields.fail("delay_threshold", "is missing: the seconds of silence that count, such as 3600")
            }
            return nil
        }
        guard seconds > 0 else {
            fields.fail("delay_threshold", "must be more than 0: the seconds of silence that count")
            return nil
        }
        return .inactive(threshold: Int64((seconds * 1e6).rounded()), acceptance: layout.slot("server.timestamp"))
    }

    private static func geofence(_ fields: inout FieldReader, _ layout: inout ColumnLayout) -> GeofenceSelector? {
        let before = fields.problems.count
        let items = fields.items("geofences") ?? []
        if items.count > GeofenceSelector.inlineMax {
            fields.fail(
                "geofences",
                "must have at most \(GeofenceSelector.inlineMax) items, not \(items.count): make them geofences of their own and assign them to the calculator"
            )
        }
        let geofences = items.prefix(GeofenceSelector.inlineMax).compactMap { geofence($0.value, $0.path, &fields) }
        let detectsCrossing = fields.boolean("crossing")
        guard fields.problems.count == before else { return nil }
        return GeofenceSelector(
            position: RouteColumns(&layout), inline: items.isEmpty ? nil : GeofenceSet(geofences),
            detectsCrossing: detectsCrossing)
    }

    private static func geofence(_ value: JSONValue, _ path: String, _ fields: inout FieldReader) -> Geofence? {
        if value.members == nil {
            let mend = "those with an id are assigned to the calculator"
            let reason = "must be a geofence, an object, not \(value.typeName); \(mend)"
            fields.problems.append(CalculatorProblem(path: path, reason: reason))
            return nil
        }
        do throws(GeofenceError) {
            return try Geofence(value)
        } catch {
            let place = error.path.isEmpty ? path : "\(path).\(error.path)"
            fields.problems.append(CalculatorProblem(path: place, reason: error.reason))
            return nil
        }
    }
}

extension SourceReference {
    /// Reads `calc_id` and `validate_interval`; nil where they are wrong.
    init?(_ fields: inout FieldReader) {
        let calculator = fields.source()
        var layout = ColumnLayout()
        validateInterval = fields.program("validate_interval", scope: .source, layout: &layout)
        self.layout = layout
        guard let calculator else { return nil }
        self.calculator = calculator
    }
}

extension Selector.Options {
    /// The options that a selector of the type has; the others stay unknown and are refused.
    fileprivate init(_ fields: inout FieldReader, of type: String) {
        func microseconds(_ seconds: Double?) -> Int64 { Int64(((seconds ?? 0) * 1e6).rounded()) }
        guard type != "inactive" else { return }
        maxMessagesTimeDiff = microseconds(fields.number("max_messages_time_diff"))
        if type != "calc", type != "calculator" {
            mergesBefore = fields.boolean("merge_message_before")
            mergesAfter = fields.boolean("merge_message_after")
        }
        guard type != "datetime" else { return }
        invert = fields.boolean("invert")
        maxInactive = microseconds(fields.number("max_inactive"))
        minActive = fields.number("min_active").map(microseconds)
        maxActive = microseconds(fields.number("max_active"))
        minDuration = microseconds(fields.number("min_duration"))
        if type == "expression" || type == "geofence" { mergesUnknown = fields.boolean("merge_unknown") }
    }
}
