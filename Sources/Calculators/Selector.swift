import Expressions
import Telemetry

/// Says which stretches of a device's messages count.
public struct Selector: Sendable {
    public enum Kind: Sendable {
        /// On where the expression is true.
        case boolean(Program)
        /// Every stretch of one value is a run of its own.
        case change(Program)
        /// Every hour, day, week, month or year of the calculator's time zone is a run; nil: all messages are one.
        case datetime(CalendarUnit?)
    }

    public var name: String
    public var kind: Kind
    /// Hides messages from this selector alone.
    public var validateMessage: Program?
    public var options: Options

    /// The timing and merging of a selector; seconds are kept as microseconds, 0 is off.
    public struct Options: Sendable, Equatable {
        public var invert = false
        public var maxMessagesTimeDiff: Int64 = 0
        public var maxInactive: Int64 = 0
        /// nil: runs of one message are dropped, where the selector's kind does that.
        public var minActive: Int64?
        public var maxActive: Int64 = 0
        public var minDuration: Int64 = 0
        public var mergesBefore = false
        public var mergesAfter = false
        public var mergesUnknown = false
    }

    /// Whether a run of one message is dropped when `min_active` is not given (rule 13 of the language).
    public var dropsSingleMessages: Bool {
        guard options.minActive == nil else { return false }
        if case .boolean = kind { return true }
        return false
    }
}

extension Selector {
    static let types = ["expression", "datetime"]

    /// Types of the language that this version does not calculate.
    static let typesToCome = ["geofence", "calc", "calculator", "inactive"]

    /// Reads a selector; nil where it is wrong, with the reasons in `problems`.
    init?(_ value: JSONValue, path: String, layout: inout ColumnLayout, problems: inout [CalculatorProblem]) {
        var fields = FieldReader(value, path: path)
        defer { problems += fields.problems }
        name = fields.string("name") ?? ""
        if let type = value["type"]?.stringValue, Self.typesToCome.contains(type) {
            fields.fail(
                "type", "this version has no selector \"\(type)\"; it has \(Self.types.joined(separator: ", "))")
            return nil
        }
        guard let type = fields.choice("type", Self.types) else {
            if value.members != nil, fields.isMissing("type") {
                fields.fail("type", "is missing: expression or datetime")
            }
            return nil
        }
        options = Options(&fields, of: type)
        validateMessage = fields.program("validate_message", layout: &layout)
        let kind = type == "expression" ? Self.expression(&fields, &layout) : Self.datetime(&fields)
        fields.refuseUnknown("a selector of type \(type)")
        guard let kind, fields.problems.isEmpty else { return nil }
        self.kind = kind
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
}

extension Selector.Options {
    fileprivate init(_ fields: inout FieldReader, of type: String) {
        func microseconds(_ seconds: Double?) -> Int64 { Int64(((seconds ?? 0) * 1e6).rounded()) }
        maxMessagesTimeDiff = microseconds(fields.number("max_messages_time_diff"))
        mergesBefore = fields.boolean("merge_message_before")
        mergesAfter = fields.boolean("merge_message_after")
        guard type != "datetime" else { return }
        invert = fields.boolean("invert")
        maxInactive = microseconds(fields.number("max_inactive"))
        minActive = fields.number("min_active").map(microseconds)
        maxActive = microseconds(fields.number("max_active"))
        minDuration = microseconds(fields.number("min_duration"))
        mergesUnknown = fields.boolean("merge_unknown")
    }
}
