import Expressions
import PrimaryStore
import Publishing
import Telemetry

extension API {
    func listFunctions(_ call: Call) async throws(APIFailure) -> Answer {
        Answer(
            result: Function.all.map { function in
                .object([
                    .init("name", .string(function.name)), .init("usage", .string(function.usage)),
                    .init("description", .string(function.summary)),
                    .init(
                        "arguments",
                        .object([
                            .init("min", JSONValue(function.arguments.lowerBound)),
                            .init("max", JSONValue(function.arguments.upperBound)),
                        ])), .init("examples", .array(function.examples.map(\.json))),
                ])
            })
    }

    func openAPI(_ call: Call) async throws(APIFailure) -> Answer {
        Answer(text: OpenAPI.document(Route.table).text, contentType: "application/json")
    }

    func metricsText(_ call: Call) async throws(APIFailure) -> Answer {
        let revisions = try await stored { store throws(StoreError) in try store.slotRevisions() }
        let contents = catalog.present
        var text = MetricsText()
        text.add(metrics.present)
        text.gauge("odograph_kept_answers", "reports kept in memory", Double(keptAnswers.count))
        text.gauge("odograph_kept_answer_bytes", "what they take", Double(keptAnswers.byteCount))
        text.add(bodies.present, limits)
        text.add(calculation.metrics)
        text.gauge("odograph_devices", "devices in the registry", Double(contents.devices.count))
        text.gauge("odograph_calculators", "calculators in the registry", Double(contents.calculators.count))
        text.gauge("odograph_assignments", "assignments in the registry", Double(contents.assignments.count))
        text.gauge("odograph_log_position", "the last durable position of the message log", Double(store.lastPosition))
        text.gauge(
            "odograph_log_rows_waiting", "batches of the log that wait to be calculated",
            Double(calculation.logRowsWaiting))
        text.gauge("odograph_log_rows_waiting_max", "the most that may wait", Double(limits.logRowsWaitingMax))
        text.family("odograph_feed_revision", "gauge", "the last revision of each slot's change feed")
        for (slot, revision) in revisions.enumerated() where revision > 0 {
            text.sample("odograph_feed_revision", ["slot": String(slot)], Double(revision))
        }
        if let delivery { text.add(delivery.status, at: now()) }
        if let bytes = ProcessMemory.residentBytes() {
            text.gauge("process_resident_memory_bytes", "memory in use", Double(bytes))
        }
        return Answer(text: text.text, contentType: "text/plain; version=0.0.4; charset=utf-8")
    }
}

extension FunctionExample {
    /// As a test of an expression takes it and answers it.
    fileprivate var json: JSONValue {
        func parsed(_ text: String) -> JSONValue { (try? JSONValue(parsing: text)) ?? .string(text) }
        let message = input.map { [JSONValue.Member("input", parsed($0))] } ?? []
        return .object([.init("expression", .string(expression))] + message + [.init("result", parsed(result))])
    }
}
