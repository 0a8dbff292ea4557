import HTTPTypes
import Logging
import PrimaryStore
import Synchronization
import Telemetry

/// Holds the last report of the health for a moment, so that whoever asks often costs nothing, without a token too.
final class HealthWatch: Sendable {
    private let last = Mutex<(report: HealthReport, moment: Timestamp)?>(nil)

    func report(at moment: Timestamp, within seconds: Double) -> HealthReport? {
        last.withLock { last in
            guard let last, moment >= last.moment, moment < last.moment.advanced(bySeconds: seconds) else { return nil }
            return last.report
        }
    }

    func note(_ report: HealthReport, at moment: Timestamp) { last.withLock { $0 = (report, moment) } }
}

extension API {
    /// Whether the service is up and its data whole; for everybody, so it names nothing.
    func health(_ call: Call) async throws(APIFailure) -> Answer {
        let report: HealthReport
        do throws(APIFailure) {
            report = try await healthReport()
        } catch {
            // Why is in the log, and for those with a token.
            logger.error("the health could not be told", metadata: ["cause": "\(error.items.map(\.reason))"])
            var answer = Answer(text: "{\"status\":\"failing\"}", contentType: "application/json")
            answer.status = .serviceUnavailable
            return answer
        }
        return Answer(text: report.summary.text, contentType: "application/json")
    }

    func readHealth(_ call: Call) async throws(APIFailure) -> Answer {
        Answer(result: [try await healthReport().details(itemsMax: limits.healthItemsMax)])
    }

    private func healthReport() async throws(APIFailure) -> HealthReport {
        let moment = now()
        if let report = health.report(at: moment, within: limits.healthCacheSeconds) { return report }
        let findings = calculation.findings
        let report = try await stored { store throws(StoreError) in
            HealthReport(
                findings: findings, damagedChunks: try store.damagedChunks(device: nil),
                heldJobs: try store.heldJobs())
        }
        health.note(report, at: moment)
        return report
    }
}

extension Route {
    static let health: [Route] = [
        Route(
            .get, "/health", "Whether the service is up, and its data whole: ok or degraded, with counts",
            access: .open, handler: API.health),
        Route(
            .get, "/gw/health", "What is wrong with the data: findings, damaged chunks, held jobs", result: "Health",
            handler: API.readHealth),
    ]
}

extension OpenAPI {
    static var health: Document {
        let chunk: Document = [
            "type": "object",
            "properties": [
                "device_id": whole, "from": seconds, "to": seconds, "messages": whole, "reason": text, "since": seconds,
            ],
        ]
        return [
            "type": "object",
            "properties": [
                "status": ["type": "string", "enum": ["ok", "degraded"]],
                "findings": [
                    "type": "array", "items": ["type": "object", "properties": ["timestamp": seconds, "text": text]],
                ], "chunks_damaged": ["type": "array", "items": chunk],
                "jobs_held": ["type": "array", "items": reference("Job")],
            ],
        ]
    }
}
