import HTTPTypes
import PrimaryStore
import Telemetry

extension API {
    /// Says why intervals begin and end where they do, and what became none.
    func explainIntervals(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try assignments(call)
        let moment = now()
        let request = try ExplainRequest(call, now: moment, limits: limits)
        guard selection.items.count <= limits.explain.assignmentsMax else {
            throw APIFailure(
                .tooLarge, "an explanation takes at most \(limits.explain.assignmentsMax) assignments",
                hint: "select fewer calculators or devices")
        }
        let keys = selection.items.map(\.key)
        // The state is read before the intervals, so that it never claims more than they hold.
        let freshness = Freshness(calculation.statuses(of: keys))
        let runs = try await explainRuns(keys, request, now: moment)
        var budget = OnDemandBudget(limits.onDemand)
        var (pages, isCut, errors) = ([[UInt8]](), false, selection.errors)
        for run in runs {
            let (page, left, isLeftOut, damage) = try await pool.run { [store, budget] () throws(APIFailure) in
                var budget = budget
                let (items, isCut, damage) = try run.items(from: store, &budget)
                let page = Self.page(items)
                budget.take(bytes: page.count)
                try budget.check()
                return (page, budget, isCut, damage)
            }
            (budget, isCut) = (left, isCut || isLeftOut)
            errors += damage
            pages.append(page)
        }
        var answer =
            runs.isEmpty && !selection.errors.isEmpty
            ? Answer(result: [], errors: errors)
            : Answer(resultBytes: pages, errors: errors, isTruncated: isCut)
        answer.headers.append(contentsOf: freshness.fields)
        return answer
    }

    private func explainRuns(
        _ keys: [AssignmentKey], _ request: ExplainRequest, now: Timestamp
    ) async throws(APIFailure) -> [ExplainRun] {
        let contents = catalog.present
        var definitions: [CalculatorID: OnDemandDefinition] = [:]
        for calculator in Set(keys.map(\.calculator)).sorted() {
            guard let stored = contents.calculators[calculator] else { continue }
            definitions[calculator] = try definition(stored, changedBy: [])
        }
        return keys.compactMap { key in
            guard let device = contents.devices[key.device], let definition = definitions[key.calculator] else {
                return nil
            }
            let calculation = ExplainCalculation(key: key, device: device, definition: definition, now: now)
            return ExplainRun(
                calculation: calculation, request: request, tags: keys.count > 1 ? key.members : [],
                limits: limits.explain)
        }
    }

    /// The items as text, with commas between them.
    private static func page(_ items: [JSONValue]) -> [UInt8] {
        var writer = JSONWriter(capacity: items.count * 1_024)
        for item in items {
            writer.separate()
            item.write(to: &writer)
        }
        return writer.bytes
    }
}
