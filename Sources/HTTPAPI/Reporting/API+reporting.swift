import PrimaryStore
import Publishing
import Telemetry

/// What is published to PostgreSQL: how far it is, and doing it anew.
extension API {
    func readReporting(_ call: Call) async throws(APIFailure) -> Answer {
        Answer(result: [try publishing().status.json(at: now())])
    }

    func rebuildReporting(_ call: Call) async throws(APIFailure) -> Answer {
        let delivery = try publishing()
        delivery.rebuild()
        return Answer(result: [delivery.status.json(at: now())])
    }

    private func publishing() throws(APIFailure) -> Delivery {
        guard let delivery else {
            throw APIFailure(
                .notFound, "nothing is published: no database is set", hint: "set postgres and start the server again")
        }
        return delivery
    }
}

extension DeliveryStatus {
    func json(at now: Timestamp) -> JSONValue {
        .object([.init("feed", feed.json(at: now)), .init("messages", messages.json(at: now))])
    }
}

extension LoopStatus {
    fileprivate func json(at now: Timestamp) -> JSONValue {
        .object(
            [.init("state", .string(state.word))] + state.details
                + [
                    .init("since", JSONValue(since)), .init("lag", JSONValue(Int(lagCount))),
                    .init("lag_seconds", .number(lagSeconds(at: now))), .init("written", JSONValue(writtenCount)),
                    .init("deleted", JSONValue(deletedCount)), .init("passed_over", JSONValue(passedOverCount)),
                    .init("batches", JSONValue(batchCount)), .init("retries", JSONValue(retryCount)),
                    .init("damaged", JSONValue(damagedCount)),
                    .init("last_error", lastError.map { .string($0) } ?? .null),
                    .init("last_delivery", lastDelivery.map { JSONValue($0) } ?? .null),
                ])
    }
}

extension LoopStatus.State {
    /// One word for it.
    var word: String {
        switch self {
        case .connecting: "connecting"
        case .idle: "idle"
        case .busy: "busy"
        case .rebuilding: "rebuilding"
        case .waiting: "waiting"
        case .failing: "failing"
        case .refused: "refused"
        }
    }

    fileprivate var details: [JSONValue.Member] {
        switch self {
        case .rebuilding(let done, let total): [.init("done", JSONValue(done)), .init("total", JSONValue(total))]
        case .waiting(let reason), .failing(let reason), .refused(let reason): [.init("reason", .string(reason))]
        default: []
        }
    }
}

extension MetricsText {
    mutating func add(_ status: DeliveryStatus, at now: Timestamp) {
        let loops = [("feed", status.feed), ("messages", status.messages)]
        func each(_ name: String, _ type: String, _ help: String, _ value: (LoopStatus) -> Double) {
            family(name, type, help)
            for (loop, status) in loops { sample(name, ["reader": loop], value(status)) }
        }
        each("odograph_reporting_lag", "gauge", "rows of the feed or positions of the log to be published") {
            Double($0.lagCount)
        }
        each("odograph_reporting_lag_seconds", "gauge", "since when not everything is published") {
            $0.lagSeconds(at: now)
        }
        each("odograph_reporting_failing", "gauge", "1 while PostgreSQL takes nothing") { $0.isFailing ? 1 : 0 }
        each("odograph_reporting_rows_written_total", "counter", "rows written to PostgreSQL") {
            Double($0.writtenCount)
        }
        each("odograph_reporting_retries_total", "counter", "deliveries that were tried again") {
            Double($0.retryCount)
        }
    }
}
