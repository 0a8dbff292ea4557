import Calculators
import Expressions
import Foundation
import Telemetry
import Testing
import TimeZones

@testable import Evaluation

/// A calculator over messages, with what it is explained to be.
struct ExplainCase {
    let calculator: Calculator
    let environment: ExpressionEnvironment
    let block: MessageBlock
    let now: Timestamp
    var sources: [CalculatorID: [Interval]] = [:]

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    static let scenarios = root + "/Scenarios"

    init(_ subject: Subject) {
        (calculator, environment) = (subject.calculator, subject.environment)
        (block, now, sources) = (subject.block, subject.now, subject.sources)
    }

    /// Messages by their seconds.
    init(
        definition: String, messages: [(seconds: Double, values: [String: Double?])], now: Double? = nil,
        acceptances: [Double: Double] = [:]
    ) throws {
        calculator = try Calculator(JSONValue(parsing: definition))
        environment = ExpressionEnvironment(timeZone: try TimeZoneDatabase().table(calculator.timeZoneName))
        let objects = messages.map { message in
            (message.seconds, message.values.mapValues { $0.map { JSONValue.number($0) } ?? .null })
        }
        block = Self.block(objects, calculator.layout, acceptances: acceptances)
        self.now = Timestamp(seconds: now ?? messages.last?.seconds ?? 0)
    }

    /// A folder of Tests/Scenarios, its messages all in one go.
    init(scenario name: String) throws {
        let folder = Self.scenarios + "/" + name
        let named = try? String(contentsOfFile: folder + "/calculator", encoding: .utf8)
        let geofences = try Self.geofences(folder)
        let metadata = (try? Self.json(folder + "/metadata.json")) ?? .object([])
        func environment(_ calculator: Calculator) throws -> ExpressionEnvironment {
            ExpressionEnvironment(
                timeZone: try TimeZoneDatabase().table(calculator.timeZoneName), metadata: metadata,
                mileageOutlierSpeed: calculator.mileageOutlierSpeed, mileageFormula: calculator.mileageFormula,
                geofences: geofences)
        }
        let file = named.map { Self.shipped($0) } ?? folder + "/calculator.json"
        calculator = try Calculator(try Self.json(file))
        self.environment = try environment(calculator)
        let (lines, acceptances, now) = try Self.messages(folder)
        self.now = now
        var rest = try Self.sources(folder)
        while !rest.isEmpty {
            let known = Set(sources.keys)
            let place = try #require(rest.firstIndex { $0.calculator.sources.isSubset(of: known) })
            let next = rest.remove(at: place)
            var evaluator = Evaluator(next.calculator, environment: try environment(next.calculator))
            evaluator.sources = sources
            let block = Self.block(of: next.calculator, lines, acceptances, sources)
            sources[next.id] = (evaluator.consume(block) + evaluator.pendingIntervals(now: now)).map(\.interval)
        }
        block = Self.block(of: calculator, lines, acceptances, sources)
    }

    func explanation(
        cuts: [Int] = [], range: TimeRange = .all, recordingFrom: Timestamp = .distantPast
    ) -> Explanation {
        var explainer = Explainer(
            calculator, environment: environment, range: range, recordingFrom: recordingFrom)
        explainer.sources = sources
        var start = 0
        for end in cuts + [block.count] where end > start {
            explainer.consume(block.rows(start..<end))
            start = end
        }
        return explainer.explanation(now: now)
    }

    /// What is wrong with the explanation, and with one over other blocks; nil if nothing is.
    func problem(cuts: [Int] = []) throws -> String? {
        var evaluator = Evaluator(calculator, environment: environment)
        evaluator.sources = sources
        let expected = (evaluator.consume(block) + evaluator.pendingIntervals(now: now)).map(\.interval)
        let found = explanation()
        guard found.intervals.map(\.interval) == expected.sorted(by: { $0.firstOn < $1.firstOn }) else {
            return "the intervals differ: \(found.intervals.map(\.interval)) instead of \(expected)"
        }
        let other = explanation(cuts: cuts)
        for (one, two) in zip(found.items, other.items) where one != two {
            return "cuts \(cuts) matter: \(one.text)\n\(two.text)"
        }
        if other != found { return "cuts \(cuts) matter" }
        _ = try JSONValue(parsing: found.json.text)
        return ExplanationCheck(self, found).problem
    }
}

extension ExplainCase {
    /// What is wrong with an explanation of the later half that looks at no message before; nil if nothing is.
    func lateProblem(cuts: [Int]) -> String? {
        guard block.count > 1 else { return nil }
        let middle = Timestamp(microseconds: block.content.timestamps[block.count / 2])
        let range = TimeRange(lower: middle, upper: .distantFuture)
        let whole = explanation(cuts: cuts, range: range)
        let late = explanation(cuts: cuts, range: range, recordingFrom: middle)
        if late.intervals.map(\.interval) != whole.intervals.map(\.interval) { return "the late intervals differ" }
        if late.hidden != whole.hidden { return "the late hidden messages differ" }
        func key(_ candidate: RefusedCandidate) -> String {
            "\(candidate.first.microseconds) \(candidate.last.microseconds) \(candidate.reasons.map(\.code))"
        }
        let known = Set(whole.refused.map(key))
        return late.refused.map(key).first { !known.contains($0) }.map { "refused by the late one alone: \($0)" }
    }
}

// MARK: Scenario folders

extension ExplainCase {
    private static func json(_ file: String) throws -> JSONValue {
        try JSONValue(parsing: try String(contentsOfFile: file, encoding: .utf8))
    }

    private static func shipped(_ name: String) -> String {
        "\(root)/../calculators/\(name.trimmingCharacters(in: .whitespacesAndNewlines)).json"
    }

    private static func geofences(_ folder: String) throws -> GeofenceSet {
        let items = (try? json(folder + "/geofences.json"))?.arrayValue ?? []
        return GeofenceSet(try items.map { try Geofence($0, id: $0["id"]?.integerValue ?? 0) })
    }

    private static func sources(_ folder: String) throws -> [(id: CalculatorID, calculator: Calculator)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/sources")) ?? []
        return try names.sorted().map { name in
            let place = "\(folder)/sources/\(name)"
            let file = name.hasSuffix(".json") ? place : shipped(try String(contentsOfFile: place, encoding: .utf8))
            let id = CalculatorID(Int64(name.prefix { $0 != "." }) ?? 0)
            return (id, try Calculator(try json(file)))
        }
    }

    private static func messages(
        _ folder: String
    ) throws -> (lines: [(Double, [String: JSONValue])], acceptances: [Double: Double], now: Timestamp) {
        let text = try String(contentsOfFile: folder + "/messages.jsonl", encoding: .utf8)
        let objects = try text.split(separator: "\n").map { line in
            let members = try JSONValue(parsing: String(line)).members ?? []
            return Dictionary(members.map { ($0.key, $0.value) }) { _, last in last }
        }
        var acceptances: [Double: Double] = [:]
        var now: Double?
        for step in (try? json(folder + "/steps.json"))?.arrayValue ?? [] {
            now = step["now"]?.numberValue ?? now
            guard let post = step["post"]?.arrayValue, let accepted = step["accepted"]?.numberValue else { continue }
            for line in Int(post[0].numberValue ?? 0) - 1..<Int(post[1].numberValue ?? 0) {
                let seconds = objects[line]["timestamp"]?.numberValue ?? 0
                acceptances[seconds] = min(accepted, acceptances[seconds] ?? .infinity)
            }
        }
        let lines = objects.map { ($0["timestamp"]?.numberValue ?? 0, $0) }
        let last = lines.map(\.0).max() ?? 0
        return (lines, acceptances, Timestamp(seconds: now ?? last))
    }

    private static func block(
        of calculator: Calculator, _ lines: [(Double, [String: JSONValue])], _ acceptances: [Double: Double],
        _ sources: [CalculatorID: [Interval]]
    ) -> MessageBlock {
        guard let source = calculator.messagesSource else {
            return block(lines, calculator.layout, acceptances: acceptances)
        }
        let ident = lines.first?.1["ident"]?.stringValue ?? ""
        let facts = DeviceFacts(id: DeviceID(1), ident: ident, name: ident)
        return SourceMessages(calculator.layout, facts: facts).block(sources[source] ?? [])
    }

    /// Messages of one timestamp are merged.
    private static func block(
        _ lines: [(Double, [String: JSONValue])], _ layout: ColumnLayout, acceptances: [Double: Double]
    ) -> MessageBlock {
        var merged: [Double: [String: JSONValue]] = [:]
        for (seconds, values) in lines { merged[seconds, default: [:]].merge(values) { _, last in last } }
        let moments = merged.keys.sorted()
        let columns = layout.names.map { name in
            var column = ValueColumn()
            for moment in moments {
                switch name {
                case "timestamp": column.append(.number(moment))
                case "server.timestamp": column.append(.number(acceptances[moment] ?? moment))
                default: column.append(merged[moment]?[name]?.value)
                }
            }
            return column
        }
        return MessageBlock(
            timestamps: moments.map { Timestamp(seconds: $0).microseconds },
            acceptances: moments.map { Timestamp(seconds: acceptances[$0] ?? $0).microseconds }, columns: columns)
    }
}

// MARK: Whether reasons hold

extension Explanation {
    fileprivate var items: [JSONValue] { intervals.map(\.json) + refused.map(\.json) + [hidden.json] }

    var borders: [ExplainedBorder] {
        intervals.flatMap { [$0.began, $0.ended] } + refused.flatMap { [$0.began, $0.ended] }
    }

    var allCauses: [ExplainedCause] { borders.flatMap { $0.causes + $0.others } + refused.flatMap(\.reasons) }
}

/// Compares an explanation with the messages that it is about.
private struct ExplanationCheck {
    let given: ExplainCase
    let explanation: Explanation

    init(_ given: ExplainCase, _ explanation: Explanation) {
        (self.given, self.explanation) = (given, explanation)
    }

    var problem: String? {
        if explanation.isCut { return "it is cut" }
        for interval in explanation.intervals {
            if let problem = problem(interval) { return "\(problem) in \(interval.json.text)" }
        }
        let kept = Set(explanation.intervals.map(\.interval.firstOn))
        for candidate in explanation.refused {
            if let problem = problem(candidate, kept) { return "\(problem) in \(candidate.json.text)" }
        }
        for border in explanation.borders {
            if border.causes.isEmpty { return "a border without a cause: \(border.json.text)" }
            for cause in border.causes + border.others {
                if let problem = problem(cause) { return "\(problem) in \(cause.json.text)" }
            }
        }
        return nil
    }

    private func problem(_ explained: ExplainedInterval) -> String? {
        let (interval, began, ended) = (explained.interval, explained.began, explained.ended)
        if began.moment != interval.firstOn { return "it began elsewhere" }
        if (began.merging?.code == .merged) != (interval.begin < began.moment) { return "merging before" }
        if (ended.merging?.code == .merged) != (interval.end > ended.moment) { return "merging after" }
        if began.merging?.moment ?? interval.begin != interval.begin, began.merging?.code == .merged { return "begin" }
        if ended.moment > interval.end || ended.moment < began.moment { return "it ended elsewhere" }
        let messages = explained.messages
        let merged = (interval.begin < began.moment ? 1 : 0) + (interval.end > ended.moment ? 1 : 0)
        if messages.on + messages.off + messages.unknown + messages.unseen + merged != messages.count {
            return "the messages do not add up"
        }
        let between = given.block.content.timestamps.filter {
            $0 >= interval.begin.microseconds && $0 <= interval.end.microseconds
        }
        if messages.count + messages.hidden.count != between.count { return "not all messages are counted" }
        // What lay before the begin became known is counted and not shown.
        let isKnownLate = merged > 0 || began.causes.contains { $0.code == .silence }
        let absorbed = messages.off + messages.unknown
        if absorbed > 0, messages.absorbed.isEmpty, !isKnownLate { return "no message that was absorbed is shown" }
        if messages.hidden.count > 0, messages.hidden.samples.isEmpty, !isKnownLate { return "no hidden message" }
        return nil
    }

    private func problem(_ candidate: RefusedCandidate, _ kept: Set<Timestamp>) -> String? {
        if candidate.reasons.isEmpty { return "no reason" }
        let isLonely = given.calculator.selectors.count > 1 && candidate.reasons.map(\.code) == [.noIntersection]
        if !isLonely, kept.contains(candidate.first) { return "it was kept" }
        for reason in candidate.reasons {
            switch reason.code {
            case .minActive, .minDuration:
                guard let (seconds, limit) = compared(reason), seconds < limit else { return "not under the limit" }
            case .validateInterval:
                let whole = reason.message?.whole
                if whole?.value?.isTrue == true { return "validate_interval is true" }
            case .singleMessage, .noIntersection: break
            default: return "\(reason.code) refuses nothing"
            }
        }
        return nil
    }

    private func compared(_ cause: ExplainedCause) -> (seconds: Double, limit: Double)? {
        func detail(_ key: String) -> Double? { cause.details.first { $0.key == key }?.value.numberValue }
        guard let seconds = detail("seconds"), let limit = detail("limit") else { return nil }
        return (seconds, limit)
    }

    private func problem(_ cause: ExplainedCause) -> String? {
        if let message = cause.message, let problem = problem(message) { return problem }
        let selector = cause.selector.map { given.calculator.selectors[$0.index] }
        switch cause.code {
        case .gap, .afterGap, .maxInactive, .maxActive, .splitMaxActive, .silence, .late:
            guard let (seconds, limit) = compared(cause), seconds > limit else { return "not over the limit" }
        case .on, .off:
            guard case .boolean? = selector?.kind, let whole = cause.message?.whole else { return nil }
            let isOn = whole.value.map { $0.isTrue != (selector?.options.invert ?? false) && $0 != .null } ?? false
            if isOn != (cause.code == .on) { return "the expression says otherwise" }
        case .onNew:
            guard case .change? = selector?.kind else { return nil }
            let values = Dictionary(cause.details.map { ($0.key, $0.value) }) { first, _ in first }
            if values["new"] == nil || values["new"] == values["old"] { return "nothing changed" }
        case .earlier: return "it was looked at"
        default: break
        }
        return nil
    }

    /// The parameters of a message are those that it has.
    private func problem(_ message: TracedMessage) -> String? {
        guard let moment = message.moment else { return nil }
        guard let row = given.block.content.timestamps.firstIndex(of: moment.microseconds) else {
            return "there is no message at \(moment)"
        }
        for parameter in message.parameters {
            let slot = given.calculator.layout.names.firstIndex(of: parameter.key)
            guard let slot, let value = given.block.content.columns[slot][row] else {
                return "\(parameter.key) is not there"
            }
            if value.finiteJSON != parameter.value { return "\(parameter.key) is another" }
        }
        return nil
    }
}

extension Value {
    fileprivate var isTrue: Bool {
        switch self {
        case .null: false
        case .boolean(let flag): flag
        case .number(let number): number != 0
        case .string, .json: true
        }
    }
}
