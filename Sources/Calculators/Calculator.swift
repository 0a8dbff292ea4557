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
    /// How distances between positions are computed.
    public var mileageFormula: MileageFormula
    /// The calculator whose intervals stand for messages; nil: the device's messages.
    public var messagesSource: CalculatorID?

    /// Whether expressions over intervals read counters that list messages: saved states hold those lists then.
    public private(set) var readsLists = false

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
        for key in ["id", "cid", "deleted", "version", "revision"] { _ = fields.value(key) }
        name = fields.string("name") ?? ""
        if requiresName, name.isEmpty, fields.problems.isEmpty {
            fields.fail("name", "is missing: what the calculator is called")
        }
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
        mileageFormula = Self.readFormula(&fields)
        messagesSource = Self.readSource(&fields)
        validateMessage = fields.program("validate_message", layout: &layout)
        selectors = Self.readSelectors(&fields, &layout)
        var scope = CounterScope(layout: layout)
        validateInterval = fields.program("validate_interval", scope: .interval, layout: &scope.intervalLayout)
        counters = Self.readCounters(&fields, &scope)
        fields.refuseUnknown("a calculator")
        self.layout = scope.layout
        intervalLayout = scope.intervalLayout
        guard fields.problems.isEmpty else { throw InvalidCalculator(problems: fields.problems) }
        let lists = Set(counters.filter(\.listsMessages).map(\.name))
        readsLists = !lists.isDisjoint(with: intervalNames)
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
            case .datetime, .geofence, .inactive, .source: break
            }
        }
        return programs + counters.flatMap(\.messagePrograms)
    }

    /// All programs over the fields of an interval.
    public var intervalPrograms: [Program] {
        counters.compactMap { counter in
            switch counter.kind {
            case .interval(let program): program
            case .accumulator(let accumulator): accumulator.reset
            default: nil
            }
        } + [validateInterval].compactMap { $0 }
    }

    /// The fields that are read over intervals: by expressions, of this interval or the one before, and by sums.
    private var intervalNames: [String] {
        intervalPrograms.flatMap { $0.names + $0.previousNames }
            + counters.compactMap { if case .accumulator(let sum) = $0.kind { sum.counter } else { nil } }
    }

    /// Whether expressions read fields of the interval before.
    public var readsPreviousInterval: Bool { intervalPrograms.contains { !$0.previousNames.isEmpty } }

    /// What it reads of other calculators, by selectors and counters.
    public var sourceReferences: [SourceReference] {
        selectors.compactMap { if case .source(let source) = $0.kind { source } else { nil } }
            + counters.compactMap { if case .source(let counter) = $0.kind { counter.source } else { nil } }
    }

    /// The calculators whose intervals it reads.
    public var sources: Set<CalculatorID> {
        Set(sourceReferences.map(\.calculator) + [messagesSource].compactMap { $0 })
    }

    /// Whether counters read source intervals, which are looked up once an interval ends.
    public var hasSourceCounters: Bool {
        counters.contains { if case .source = $0.kind { true } else { false } }
    }

    /// Whether geofences that are assigned to it are read.
    public var readsGeofences: Bool {
        let selectors = selectors.compactMap { if case .geofence(let geofence) = $0.kind { geofence } else { nil } }
        let hasCounter = counters.contains { if case .geofence = $0.kind { true } else { false } }
        return selectors.contains { $0.inline == nil } || (selectors.isEmpty && hasCounter)
            || messagePrograms.contains { $0.readsGeofences }
    }

    /// Whether device metadata is read.
    public var readsMetadata: Bool { (messagePrograms + intervalPrograms).contains { $0.readsMetadata } }

    /// Whether the result lists messages, which saved states leave out.
    public var listsMessages: Bool { !readsLists && counters.contains { $0.listsMessages } }
}

extension Calculator {
    private static func readFormula(_ fields: inout FieldReader) -> MileageFormula {
        let word = fields.choice("mileage_formula", MileageFormula.allCases.map(\.rawValue))
        return word.flatMap(MileageFormula.init) ?? .haversine
    }

    private static func readSource(_ fields: inout FieldReader) -> CalculatorID? {
        guard let source = fields.value("messages_source"), source != .null else { return nil }
        var inner = FieldReader(source, path: "messages_source")
        defer { fields.problems += inner.problems }
        let word = inner.choice("source", ["device", "calc", "calculator"])
        let isDevice = word == nil || word == "device"
        let calculator = isDevice ? nil : inner.source()
        if isDevice { for key in ["calc_id", "calculator_id"] { _ = inner.value(key) } }
        inner.refuseUnknown("messages_source")
        return calculator
    }

    private static func readSelectors(_ fields: inout FieldReader, _ layout: inout ColumnLayout) -> [Selector] {
        guard let items = fields.items("selectors") else {
            if fields.isMissing("selectors") {
                fields.fail("selectors", "is missing: an array of 1 to \(selectorsMax) that say which messages count")
            }
            return []
        }
        if items.isEmpty || items.count > selectorsMax {
            fields.fail("selectors", "must have 1 to \(selectorsMax) items, not \(items.count)")
        }
        return items.compactMap { Selector($0.value, path: $0.path, layout: &layout, problems: &fields.problems) }
    }

    private static func readCounters(_ fields: inout FieldReader, _ scope: inout CounterScope) -> [Counter] {
        let items = fields.items("counters") ?? []
        if items.count > countersMax { fields.fail("counters", "must have at most \(countersMax) items") }
        return items.prefix(countersMax).compactMap { path, value in
            let counter = Counter(value, path: path, scope: &scope, problems: &fields.problems)
            guard let name = counter?.name else { return nil }
            if scope.names.contains(name) {
                fields.problems.append(.init(path: path + ".name", reason: "a counter before has the name \"\(name)\""))
            }
            scope.names.append(name)
            return counter
        }
    }
}
