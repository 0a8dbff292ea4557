import CalcProcess
import PrimaryStore
import Telemetry

/// What is wrong with the data, as far as it is known.
struct HealthReport: Sendable {
    /// What the scrub of the archive and of the counts has found, in words.
    var findings: [HealthFinding] = []
    var damagedChunks: [DamagedChunk] = []
    var heldJobs: [JobRecord] = []

    var isDegraded: Bool { !findings.isEmpty || !damagedChunks.isEmpty || !heldJobs.isEmpty }

    private var status: JSONValue.Member { .init("status", .string(isDegraded ? "degraded" : "ok")) }

    /// What everybody may know: counts, no names.
    var summary: JSONValue {
        let counts = [
            ("findings", findings.count), ("chunks_damaged", damagedChunks.count), ("jobs_held", heldJobs.count),
        ]
        return .object([status] + counts.filter { $0.1 > 0 }.map { .init($0.0, JSONValue($0.1)) })
    }

    /// The list, each part of it up to a length.
    func details(itemsMax: Int) -> JSONValue {
        .object([
            status, .init("findings", .array(findings.suffix(itemsMax).map(\.json))),
            .init("chunks_damaged", .array(damagedChunks.prefix(itemsMax).map(\.json))),
            .init("jobs_held", .array(heldJobs.prefix(itemsMax).map(\.json))),
        ])
    }
}

extension HealthFinding {
    fileprivate var json: JSONValue {
        .object([.init("timestamp", JSONValue(moment)), .init("text", .string(text))])
    }
}

extension DamagedChunk {
    fileprivate var json: JSONValue {
        .object([
            .init("device_id", JSONValue(device.rawValue)), .init("from", JSONValue(first)),
            .init("to", JSONValue(last)), .init("messages", JSONValue(count)), .init("reason", .string(reason)),
            .init("since", JSONValue(since)),
        ])
    }

    /// What a reader of its messages is told.
    var notice: ErrorItem {
        var item = ErrorItem(
            .damaged,
            "messages of device \(device) from \(JSONValue(first).text) to \(JSONValue(last).text) are damaged "
                + "and are not in this answer: \(reason)",
            hint: "restore them from a backup, or send them again", id: device.rawValue)
        item.count = count
        return item
    }
}
