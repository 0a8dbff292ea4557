import Expressions
import Telemetry

/// A calculator: which stretches count (selectors) and what is computed over each (counters), validated and compiled.
public struct Calculator: Sendable {
    /// The most selectors a calculator may have.
    public static let selectorsMax = 3
    /// The most counters a calculator may have.
    public static let countersMax = 256

    public var name: String
    public var selectors: [Selector]
    public var counters: [Counter]
    /// Messages that fail it are invisible to selectors and counters.
    public var validateMessage: Program?
    /// Intervals that fail it are not kept.
    public var validateInterval: Program?
    /// The IANA name of the time zone of `datetime` selectors, counters and calendar functions.
    public var timeZoneName: String
    /// Seconds from the first pending change to its recalculation (`update_interval`, also spelled `update_delay`).
    public var updateInterval: Double
    /// How many seconds late a message may be accepted and still count; 0 = no limit.
    public var updatePeriod: Double
    /// Whether a change of the calculator or of device metadata recalculates history at once.
    public var updatesOnChange: Bool
    /// Seconds for which intervals are kept after their end; 0 = no limit.
    public var intervalsTTL: Double
    /// Bytes of intervals to keep for each device; 0 = no limit.
    public var intervalsRotate: Double
    /// A position that would need more km/h from the one before is an outlier to `mileage()`; 0 = off.
    public var mileageOutlierSpeed: Double

    /// The message parameters that the programs read.
    public var layout: ColumnLayout
    /// The interval fields that the programs read.
    public var intervalLayout: ColumnLayout

    /// Reads a definition; every problem in it is reported, not the first alone.
    ///
    /// `id`, `cid`, `deleted` and `version`, which the API puts on a calculator, are passed over.
    public init(_ definition: JSONValue, requiresName: Bool = false) throws(InvalidCalculator) {
        var fields = FieldReader(definition, path: "")
        var layout = ColumnLayout()
        var intervalLayout = ColumnLayout()
        for key in ["id", "cid", "deleted", "version", "revision"] { _ = fields.value(key) }
        name = fields.string("name") ?? ""
        if requiresName, name.isEmpty { fields.fail("name", "is missing") }
        timeZoneName = fields.string("timezone") ?? "UTC"
        let interval = fields.number("update_interval")
        let delay = fields.number("update_delay")
        updateInterval = interval ?? delay ?? Self.updateIntervalDefault
        updatePeriod = fields.number("update_period") ?? 0
        updatesOnChange = fields.boolean("update_onchange", default: true)
        intervalsTTL = fields.number("intervals_ttl") ?? 0
        intervalsRotate = fields.number("intervals_rotate", max: 9e15) ?? 0
        mileageOutlierSpeed = fields.number("mileage_outlier_speed", max: 100_000) ?? 0
        if let metadata = fields.value("metadata"), metadata.members == nil, metadata != .null {
            fields.fail("metadata", "must be an object, not \(metadata.typeName)")
        }
        Self.readSource(&fields)
        validateMessage = fields.program("validate_message", layout: &layout)
        validateInterval = fields.program("validate_interval", scope: .interval, layout: &intervalLayout)
        selectors = Self.readSelectors(&fields, &layout)
        counters = Self.readCounters(&fields, &layout, &intervalLayout)
        fields.refuseUnknown("a calculator")
        self.layout = layout
        self.intervalLayout = intervalLayout
        guard fields.problems.isEmpty else { throw InvalidCalculator(problems: fields.problems) }
    }

    /// Seconds between a change and its recalculation, where a calculator does not say.
    public static let updateIntervalDefault = 10.0

    /// All programs over messages.
    public var messagePrograms: [Program] {
        var programs = [validateMessage].compactMap { $0 }
        for selector in selectors {
            programs += [selector.validateMessage].compactMap { $0 }
            switch selector.kind {
            case .boolean(let program), .change(let program): programs.append(program)
            case .datetime: break
            }
        }
        for counter in counters {
            programs += [counter.validateMessage].compactMap { $0 }
            switch counter.kind {
            case .values(let program, _): programs.append(program)
            case .message(let message):
                programs += message.fields.map(\.program) + [message.extremum?.program].compactMap { $0 }
            default: break
            }
        }
        return programs
    }

    /// All programs over the fields of an interval.
    public var intervalPrograms: [Program] {
        counters.compactMap { if case .interval(let program) = $0.kind { program } else { nil } }
            + [validateInterval].compactMap { $0 }
    }

    /// Whether device metadata is read.
    public var readsMetadata: Bool { (messagePrograms + intervalPrograms).contains { $0.readsMetadata } }

    /// Whether the result lists messages, which saved states leave out.
    public var listsMessages: Bool { counters.contains { $0.listsMessages } }
}

extension Calculator {
    private static func readSource(_ fields: inout FieldReader) {
        guard let source = fields.value("messages_source"), source != .null else { return }
        var inner = FieldReader(source, path: "messages_source")
        defer { fields.problems += inner.problems }
        let word = inner.choice("source", ["device", "calc", "calculator"])
        if word == "calc" || word == "calculator" {
            inner.fail("source", "this version calculates from a device's messages only: \"device\"")
        }
        for key in ["calc_id", "calculator_id"] { _ = inner.value(key) }
        inner.refuseUnknown("messages_source")
    }

    private static func readSelectors(_ fields: inout FieldReader, _ layout: inout ColumnLayout) -> [Selector] {
        guard let items = fields.items("selectors") else {
            if fields.isMissing("selectors") {
                fields.fail("selectors", "is missing: an array of 1 to \(selectorsMax)")
            }
            return []
        }
        if items.isEmpty || items.count > selectorsMax {
            fields.fail("selectors", "must have 1 to \(selectorsMax) items, not \(items.count)")
        }
        return items.compactMap { Selector($0.value, path: $0.path, layout: &layout, problems: &fields.problems) }
    }

    private static func readCounters(
        _ fields: inout FieldReader, _ layout: inout ColumnLayout, _ intervalLayout: inout ColumnLayout
    ) -> [Counter] {
        let items = fields.items("counters") ?? []
        if items.count > countersMax { fields.fail("counters", "must have at most \(countersMax) items") }
        var names: Set<String> = []
        return items.prefix(countersMax).compactMap { path, value in
            let counter = Counter(
                value, path: path, layout: &layout, intervalLayout: &intervalLayout, problems: &fields.problems)
            if let name = counter?.name, !names.insert(name).inserted {
                fields.problems.append(.init(path: path + ".name", reason: "a counter before has the name \"\(name)\""))
            }
            return counter
        }
    }
}
