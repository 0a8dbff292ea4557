import PrimaryStore
import Telemetry

extension API {
    private static let revisionFields = ["calc_id", "revision", "name", "definition"]

    /// Every definition that calculators have had, the first one first.
    func readRevisions(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try calculators(call.segment("selector"))
        var query = try CollectionQuery(call, known: Self.revisionFields, noun: "revision", limits: limits)
        let ids = selection.items.map(\.id)
        let records = try await stored { store throws(StoreError) in
            var records: [CalculatorRecord] = []
            for id in ids { records += try store.calculatorHistory(id) }
            return records
        }
        return Answer(
            result: query.page(of: records).map { $0.revisionJSON.cut(to: query.fields) }, errors: selection.errors,
            page: query.shown)
    }
}

extension CalculatorRecord {
    fileprivate var revisionJSON: JSONValue {
        .object([
            .init("calc_id", JSONValue(id.rawValue)), .init("revision", JSONValue(revision)),
            .init("name", .string(name)), .init("definition", (try? JSONValue(parsing: json)) ?? .null),
        ])
    }
}
