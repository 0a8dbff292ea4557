/// A selector as the calculator's JSON gives it; times in microseconds.
struct SelectorDefinition {
    enum Kind: Equatable {
        case boolean(Expression)
        case change(Expression)
        /// A calendar bucket; nil is one bucket for all time.
        case datetime(split: String?)
        case inactive(delayMicroseconds: Int64)
        /// Inline geofences; none means those assigned to the calculator.
        case geofence([Geofence], crossing: Bool)
        /// The intervals of another calculator that pass a validation.
        case calc(id: Int, validateInterval: Expression?)
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
            let expression = try json.requiredExpression("expression")
            return json.string("method") == "change" ? .change(expression) : .boolean(expression)
        case "datetime":
            let split = json.string("split")
            if let split, !LocalTime.buckets.contains(split) { throw ReferenceError("unknown split \(split)") }
            return .datetime(split: split)
        case "inactive":
            guard let delay = json.microseconds("delay_threshold"), delay > 0 else {
                throw ReferenceError("an inactive selector needs a delay_threshold")
            }
            return .inactive(delayMicroseconds: delay)
        case "geofence":
            return .geofence(try Geofence.list(json["geofences"] ?? .array([])), crossing: json.flag("crossing"))
        case "calc", "calculator":
            let validation = try json.expression("validate_interval")?.checkedOverSourceIntervals()
            return .calc(id: try json.sourceID(), validateInterval: validation)
        default: throw ReferenceError("unsupported selector \(json.string("type") ?? "")")
        }
    }
}
