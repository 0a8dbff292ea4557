/// A calculator as its JSON gives it.
struct CalculatorDefinition {
    var selectors: [SelectorDefinition]
    var counters: [CounterDefinition]
    var validateMessage: Expression?
    var validateInterval: Expression?
    var updatePeriodMicroseconds: Int64
    var mileageOutlierSpeed: Double
    var mileageFormula: MileageFormula
    /// The calculator whose intervals stand for messages; nil for the device's messages.
    var messagesSource: Int?

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
        guard let formula = MileageFormula(rawValue: json.string("mileage_formula") ?? "haversine") else {
            throw ReferenceError("unknown mileage_formula")
        }
        mileageFormula = formula
        messagesSource = try Self.messagesSource(json["messages_source"])
        if selectors.isEmpty { throw ReferenceError("a calculator needs a selector") }
        try checkAccumulators()
    }

    private static func messagesSource(_ json: JSONTree?) throws(ReferenceError) -> Int? {
        guard let json else { return nil }
        switch json.string("source") {
        case "device", nil: return nil
        case "calc", "calculator": return try json.sourceID()
        case let source?: throw ReferenceError("unknown messages_source \(source)")
        }
    }

    /// An accumulator adds up a counter that stands before it.
    private func checkAccumulators() throws(ReferenceError) {
        for (place, counter) in counters.enumerated() {
            guard case .accumulator(let name, _, _) = counter.kind else { continue }
            guard counters[..<place].contains(where: { $0.name == name }) else {
                throw ReferenceError("there is no counter \(name) before the accumulator \(counter.name)")
            }
        }
    }

    /// The calculators whose intervals this one reads.
    var sources: Set<Int> {
        var sources: Set<Int> = []
        if let messagesSource { sources.insert(messagesSource) }
        for selector in selectors { if case .calc(let id, _) = selector.kind { sources.insert(id) } }
        for counter in counters { if case .calc(let source) = counter.kind { sources.insert(source.id) } }
        return sources
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

    /// Refuses `previous()` too: the intervals of another calculator have no order of this one.
    func checkedOverSourceIntervals() throws(ReferenceError) -> Expression {
        if readsPrevious { throw ReferenceError("previous() cannot be read in an expression over source intervals") }
        return try checkedOverIntervals()
    }
}

extension JSONTree {
    func string(_ key: String) -> String? {
        if case .string(let text)? = self[key] { text } else { nil }
    }

    func flag(_ key: String) -> Bool { self[key] == .boolean(true) }

    func items(_ key: String) -> [JSONTree] {
        if case .array(let items)? = self[key] { items } else { [] }
    }

    func microseconds(_ key: String) -> Int64? {
        if case .number(let seconds)? = self[key] { Int64((seconds * 1e6).rounded()) } else { nil }
    }

    /// An expression; an absent or empty text is none.
    func expression(_ key: String) throws(ReferenceError) -> Expression? {
        guard let text = string(key), !text.isEmpty else { return nil }
        return try Expression(text)
    }

    func requiredExpression(_ key: String) throws(ReferenceError) -> Expression {
        guard let expression = try expression(key) else { throw ReferenceError("\(key) is missing") }
        return expression
    }

    /// The source calculator that `calc_id` or `calculator_id` names.
    func sourceID() throws(ReferenceError) -> Int {
        guard case .number(let id)? = self["calc_id"] ?? self["calculator_id"], let whole = Int(exactly: id) else {
            throw ReferenceError("calc_id is missing")
        }
        return whole
    }
}
