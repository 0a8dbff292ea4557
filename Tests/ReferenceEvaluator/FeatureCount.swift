import Foundation

/// What of the language random cases use: in how many of them each part stands.
public struct FeatureCount: Sendable {
    public private(set) var caseCount = 0
    public private(set) var counts: [String: Int] = [:]

    public init() {}

    public mutating func add(_ given: GeneratedCase) {
        caseCount += 1
        for feature in Self.features(of: given) { counts[feature, default: 0] += 1 }
    }

    /// A line a feature: how often and what.
    public var table: String {
        (["\(caseCount) cases"]
            + counts.sorted { $0.key < $1.key }.map { name, count in
                String(repeating: " ", count: max(0, 7 - "\(count)".count)) + "\(count)  \(name)"
            }).joined(separator: "\n")
    }

    /// The parts of the language in a case, such as `selector geofence`, `option crossing` or `function round`.
    public static func features(of given: GeneratedCase) -> Set<String> {
        var features = FeatureWalk()
        for calculator in given.calculators {
            guard let tree = try? JSONTree(calculator.json) else { continue }
            features.calculator(tree)
            if calculator.geofencesJSON != "[]" { features.found.insert("geofences assigned") }
            if let assigned = try? JSONTree(calculator.geofencesJSON) { features.geofences(assigned) }
        }
        features.found.insert("nested depth \(depth(of: given.calculatorID, in: given.calculators))")
        features.stream(given)
        return features.found
    }

    /// How many calculators lie below one, at most.
    private static func depth(of id: Int, in calculators: [GeneratedCalculator]) -> Int {
        guard let calculator = calculators.first(where: { $0.id == id }),
            let definition = try? CalculatorDefinition(calculator.json)
        else { return 0 }
        return definition.sources.map { depth(of: $0, in: calculators) + 1 }.max() ?? 0
    }

    /// What every sample of `Generator.wholeCase` has to show, whatever the seeds: a kind and its words.
    public static var wanted: [String] {
        var wanted: [String] = []
        for (kind, words) in wantedWords { wanted += words.map { "\(kind) \($0)" } }
        return wanted
    }

    private static var wantedWords: [(kind: String, words: [String])] {
        let aggregates = [
            "first", "last", "minimum", "maximum", "average", "summary", "difference", "distinct", "min", "max",
        ]
        let lists = ["each", "first", "last", "aggregate_by_field"]
        return [
            ("function", FunctionCall.arities.keys.sorted()),
            ("split", LocalTime.buckets), ("reset_interval", LocalTime.buckets),
            ("method", aggregates + ["duration"]), ("aggregate", aggregates), ("message", lists),
            ("calc", lists + ["aggregate"]), ("nested depth", ["0", "1", "2", "3"]),
        ] + fixedWords
    }

    private static let fixedWords: [(kind: String, words: [String])] = [
        ("selector", ["boolean", "change", "datetime", "geofence", "inactive", "calc"]),
        (
            "option",
            [
                "name", "invert", "max_messages_time_diff", "max_inactive", "min_active", "max_active", "min_duration",
                "merge_message_before", "merge_message_after", "merge_unknown", "validate_message",
                "validate_interval", "geofences", "crossing", "split", "delay_threshold", "calc_id", "calculator_id",
                "update_period", "mileage_formula", "mileage_outlier_speed", "timezone", "allow_unknown",
                "allow_start_before", "allow_finish_after", "reset_interval", "reset_expression", "extremum",
                "aggregate", "format", "interval", "parameter", "fields", "calculator", "messages_source",
                "update_delay", "update_interval",
            ]
        ),
        (
            "counter",
            [
                "parameter", "expression", "interval", "active", "geofence", "datetime", "route", "message",
                "specified", "variable", "dataset", "calc", "accumulator",
            ]
        ),
        (
            "operator",
            [
                "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "&", "|", "^", "~", "<<", ">>",
                "?:", "unary -", "unary !", "unary ~", "[]",
            ]
        ),
        ("name", ["$", "#"]), ("extremum", ["minimum", "maximum"]), ("messages_source", ["calc"]),
        ("shape", ["circle", "polygon", "corridor"]), ("geofences", ["assigned", "inline", "priority"]),
        (
            "stream",
            [
                "gap", "late message", "null parameter", "missing parameter", "equal timestamps", "duplicate",
                "daylight saving", "jump", "western zone", "fractional stamps", "invalid position",
            ]
        ),
    ]
}

/// Collects the features of one case.
private struct FeatureWalk {
    var found: Set<String> = []

    mutating func calculator(_ tree: JSONTree) {
        options(tree, leaving: ["name", "selectors", "counters", "messages_source", "timezone"])
        if let zone = tree.string("timezone"), zone != "UTC" { found.insert("option timezone") }
        if let source = tree["messages_source"]?.string("source"), source != "device" {
            found.formUnion(["messages_source calc", "option messages_source"])
        }
        for selector in tree.items("selectors") { self.selector(selector) }
        for counter in tree.items("counters") { self.counter(counter) }
    }

    private mutating func selector(_ tree: JSONTree) {
        let type = canonical(tree.string("type"))
        found.insert("selector " + (type == "expression" ? tree.string("method") ?? "boolean" : type))
        options(tree, leaving: ["type", "method"])
        if let split = tree.string("split") { found.insert("split \(split)") }
        if let inline = tree["geofences"], inline != .array([]) {
            found.insert("geofences inline")
            geofences(inline)
        }
    }

    private mutating func counter(_ tree: JSONTree) {
        let type = canonical(tree.string("type"))
        found.insert("counter \(type)")
        options(tree, leaving: ["type", "name", "method", type == "interval" ? "interval" : ""])
        if let method = tree.string("method") {
            let choosing = ["message", "calc"].contains(type)
            found.insert(choosing ? "\(type) \(method)" : "method \(method)")
        }
        if let extremum = tree["extremum"] {
            found.insert("extremum \(extremum.string("type") ?? "")")
            options(extremum, leaving: ["type"])
        }
        if let interval = tree.string("reset_interval") { found.insert("reset_interval \(interval)") }
        for field in tree.items("fields") {
            options(field, leaving: ["name"])
            if let word = field.string("aggregate") { found.insert("aggregate \(word)") }
        }
    }

    /// Both spellings are one; the longer is a feature of its own.
    private mutating func canonical(_ type: String?) -> String {
        guard type == "calculator" else { return type ?? "" }
        found.insert("option calculator")
        return "calc"
    }

    /// Options that say something else than their absence, and the expressions among them.
    private mutating func options(_ tree: JSONTree, leaving skipped: [String]) {
        guard case .object(let members) = tree else { return }
        for member in members where !skipped.contains(member.key) {
            let isDefault =
                switch member.value {
                case .boolean(let flag): !flag
                case .number(let number): number == 0 && member.key != "min_active"
                case .string(let text): ["", "haversine"].contains(text)
                case .array(let items): items.isEmpty
                default: false
                }
            if !isDefault { found.insert("option \(member.key)") }
            let isExpression =
                ["expression", "value", "reset_expression"].contains(member.key)
                || member.key.hasPrefix("validate_")
            if isExpression, case .string(let text) = member.value, let tree = try? Expression(text) {
                expression(tree)
            }
        }
    }

    mutating func geofences(_ tree: JSONTree) {
        guard case .array(let items) = tree else { return }
        for item in items {
            if let type = (item["geometry"] ?? item).string("type") { found.insert("shape \(type)") }
            if item["priority"] != nil { found.insert("geofences priority") }
        }
    }

    private mutating func expression(_ tree: Expression) {
        switch tree {
        case .constant: break
        case .name(_, let isOptional): if isOptional { found.insert("name $") }
        case .previous: found.insert("name #")
        case .pointer(let operand, _):
            found.insert("operator []")
            expression(operand)
        case .unary(let symbol, let operand):
            found.insert("operator unary \(symbol)")
            expression(operand)
        case .binary(let symbol, let left, let right):
            found.insert("operator \(symbol)")
            expression(left)
            expression(right)
        case .conditional(let condition, let yes, let no):
            found.insert("operator ?:")
            for part in [condition, yes, no] { expression(part) }
        case .call(let function, let arguments):
            found.insert("function \(function)")
            for argument in arguments { expression(argument) }
        }
    }
}

extension FeatureWalk {
    mutating func stream(_ given: GeneratedCase) {
        let messages = given.messages
        if messages.count >= 200 { found.insert("stream of 200 messages") }
        let steps = zip(messages, messages.dropFirst()).map { $1.timestampMicroseconds - $0.timestampMicroseconds }
        let usual = steps.sorted().dropFirst(steps.count / 2).first ?? 0
        if steps.contains(where: { $0 > usual * 4 }) { found.insert("stream gap") }
        for message in messages { self.message(message, usual) }
        let names = Set(messages.flatMap(\.values.keys))
        if messages.contains(where: { $0.values.count < names.count }) { found.insert("stream missing parameter") }
        let times = given.rawMessages.map(\.timestampMicroseconds)
        if Set(times).count < times.count { found.insert("stream equal timestamps") }
        let parts = Set(given.rawMessages.map { "\($0.timestampMicroseconds) \($0.withoutStamps)" })
        if parts.count < times.count { found.insert("stream duplicate") }
        for calculator in given.calculators { zone(calculator.timeZoneIdentifier, messages) }
        let positions = messages.compactMap { Position($0) }
        let legs = zip(positions, positions.dropFirst()).map { $0.kilometres(to: $1) }.filter { $0 > 0 }.sorted()
        if let last = legs.last, last > 20 * legs[legs.count / 2] { found.insert("stream jump") }
    }

    private mutating func message(_ message: RefMessage, _ usual: Int64) {
        if message.values.values.contains(.null) { found.insert("stream null parameter") }
        if message.acceptanceMicroseconds - message.timestampMicroseconds > usual * 5 {
            found.insert("stream late message")
        }
        if message.timestampMicroseconds % 1_000_000 != 0 { found.insert("stream fractional stamps") }
        if message.values["position.valid"] == .boolean(false) { found.insert("stream invalid position") }
    }

    private mutating func zone(_ identifier: String, _ messages: [RefMessage]) {
        guard let zone = TimeZone(identifier: identifier), let first = messages.first, let last = messages.last else {
            return
        }
        let offsets = [first, last].map { message in
            zone.secondsFromGMT(
                for: Date(timeIntervalSince1970: Double(message.timestampMicroseconds) / 1e6))
        }
        if offsets[0] != offsets[1] { found.insert("stream daylight saving") }
        if offsets[0] < 0 { found.insert("stream western zone") }
    }
}

extension RefMessage {
    fileprivate var withoutStamps: String {
        values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.text)" }.joined(separator: ",")
    }
}
