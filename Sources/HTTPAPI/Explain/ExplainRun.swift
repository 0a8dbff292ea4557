import Evaluation
import PrimaryStore
import Telemetry

/// The explanation of one assignment, as an answer shows it: what is stored beside what the messages give.
struct ExplainRun: Sendable {
    let calculation: ExplainCalculation
    let request: ExplainRequest
    /// What each item says of its origin.
    let tags: [JSONValue.Member]
    let limits: ExplainLimits

    /// The items in the order of time; `isCut` says that there are more. Blocks.
    func items(
        from store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(APIFailure) -> (items: [JSONValue], isCut: Bool, errors: [ErrorItem]) {
        let stored: [StoredInterval]
        let (explanation, errors): (Explanation, [ErrorItem])
        do throws(StoreError) {
            stored = try store.intervals(calculation.key, request.query)
            guard let range = request.range ?? Self.span(of: stored) else { return ([], false, []) }
            (explanation, errors) = try self.explanation(of: range, stored, from: store, &budget)
        } catch { throw APIFailure(error) }
        try budget.check()
        let (items, isCut) = items(explanation, stored)
        return (items, isCut, errors)
    }

    /// The explanation of a range; where messages are damaged, of the others, with errors that tell which are missing.
    private func explanation(
        of range: TimeRange, _ stored: [StoredInterval], from store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(StoreError) -> (Explanation, [ErrorItem]) {
        let start = budget
        let (found, errors) = try DamageTolerance.read(calculation.device.id, .all, from: store) {
            passesOver throws(StoreError) in
            var calculation = calculation
            var left = start
            calculation.passesOver = passesOver
            let explanation = try calculation.explanation(
                of: range, wanted: request.range == nil ? Set(stored.map(\.firstOn)) : nil,
                from: min(range.lower, stored.map(\.begin).min() ?? range.lower), store, &left)
            return (explanation, left)
        }
        budget = found.1
        return (found.0, errors)
    }

    private static func span(of intervals: [StoredInterval]) -> TimeRange? {
        guard let first = intervals.map(\.begin).min(), let last = intervals.map(\.end).max() else { return nil }
        return TimeRange(inclusive: first, last)
    }

    private func items(
        _ explanation: Explanation, _ stored: [StoredInterval]
    ) -> (items: [JSONValue], isCut: Bool) {
        let explained = Dictionary(explanation.intervals.map { ($0.interval.firstOn, $0) }) { first, _ in first }
        let known = Set(stored.map(\.firstOn))
        var items = stored.map { (moment: $0.begin, json: json($0, explained[$0.firstOn])) }
        items += explanation.intervals.filter { !known.contains($0.interval.firstOn) }.map {
            ($0.interval.begin, unstored($0))
        }
        var refused: [(moment: Timestamp, json: JSONValue)] = []
        if request.wantsRefused { refused = explanation.refused.map { ($0.first, item("refused", $0.json)) } }
        let isCut = explanation.isCut || max(items.count, refused.count) > limits.itemsMax
        let shown = items.sorted { $0.moment < $1.moment }.prefix(limits.itemsMax) + refused.prefix(limits.itemsMax)
        var ordered = shown.sorted { $0.moment < $1.moment }.map(\.json)
        if request.wantsRefused, explanation.hidden.count > 0 {
            ordered.append(item("hidden", explanation.hidden.json))
        }
        return (ordered, isCut)
    }

    private func item(_ key: String, _ value: JSONValue, _ more: [JSONValue.Member] = []) -> JSONValue {
        .object(tags + [.init(key, value)] + more)
    }

    /// A stored interval with the reasons of what the messages give in its place, if they still do.
    private func json(_ stored: StoredInterval, _ explained: ExplainedInterval?) -> JSONValue {
        let interval = (try? JSONValue(parsing: stored.json)) ?? .null
        var members: [JSONValue.Member] = [
            .init("revision", JSONValue(stored.calculatorRevision)), .init("is_stored", .boolean(true)),
        ]
        guard let explained else {
            members += [
                .init("is_current", .boolean(false)),
                .init(
                    "text",
                    .string(
                        "the messages as they are now give no such interval: a calculation is pending, or they are gone"
                    )),
            ]
            return item("interval", interval, members)
        }
        let calculated = explained.interval
        let isCurrent = calculated.begin == stored.begin && calculated.end == stored.end
        members.append(.init("is_current", .boolean(isCurrent)))
        if !isCurrent { members.append(.init("calculated", .object(calculated.borders))) }
        return item("interval", interval, members + explained.members)
    }

    /// An interval that the messages give and that is not stored yet.
    private func unstored(_ explained: ExplainedInterval) -> JSONValue {
        let text = explained.interval.head + explained.interval.tail
        return item(
            "interval", (try? JSONValue(parsing: text)) ?? .null,
            [.init("is_stored", .boolean(false)), .init("is_current", .boolean(true))] + explained.members)
    }
}

extension Interval {
    fileprivate var borders: [JSONValue.Member] {
        [.init("begin", JSONValue(begin)), .init("end", JSONValue(end)), .init("duration", .number(duration))]
    }
}
