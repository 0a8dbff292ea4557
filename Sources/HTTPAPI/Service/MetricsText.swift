import CalcProcess
import Telemetry

/// Writes Prometheus's text format.
struct MetricsText {
    private(set) var text = ""

    mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ name: String, _ labels: KeyValuePairs<String, String>, _ value: Double) {
        let pairs = labels.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: ",")
        text += "\(name)\(pairs.isEmpty ? "" : "{\(pairs)}") \(JSONValue.number(value).text)\n"
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        family(name, "gauge", help)
        sample(name, [:], value)
    }

    mutating func counter(_ name: String, _ help: String, _ value: Int64) {
        family(name, "counter", help)
        sample(name, [:], Double(value))
    }

    mutating func add(_ counts: RequestMetrics.Counts) {
        counter("odograph_messages_accepted_total", "messages stored by this API", counts.messagesAccepted)
        counter("odograph_messages_refused_total", "messages refused by this API", counts.messagesRefused)
        counter("odograph_messages_apart_total", "messages kept apart by this API", counts.messagesApart)
        gauge("odograph_requests_in_work", "requests being answered", Double(counts.inFlight))
        counter(
            "odograph_requests_at_once_total", "requests answered from memory, before the router", counts.answeredAtOnce
        )
        counter(
            "odograph_requests_stored_at_once_total", "requests with messages taken in front of the router",
            counts.storedAtOnce)
        counter("odograph_reports_read_total", "reports read from the store", counts.reportsRead)
        let requests = counts.requests.sorted {
            ($0.key.route, $0.key.method, $0.key.status) < ($1.key.route, $1.key.method, $1.key.status)
        }
        family("odograph_requests_total", "counter", "requests by route and status")
        for (key, tally) in requests { sample("odograph_requests_total", Self.labels(key), Double(tally.count)) }
        family("odograph_request_seconds_total", "counter", "time spent on requests by route and status")
        for (key, tally) in requests { sample("odograph_request_seconds_total", Self.labels(key), tally.seconds) }
    }

    mutating func add(_ bodies: BodyBudget.Counts, _ limits: APILimits) {
        gauge("odograph_bodies_bytes", "bytes of bodies in work", Double(bodies.byteCount))
        gauge("odograph_bodies_bytes_most", "the most they were since the start", Double(bodies.byteCountMost))
        gauge("odograph_bodies_bytes_max", "the most they may be", Double(limits.bodiesBytesMax))
        family("odograph_overloaded_total", "counter", "requests told to come again, by what there was too much of")
        sample("odograph_overloaded_total", ["cause": "bodies"], Double(bodies.refusedForMemory))
        sample("odograph_overloaded_total", ["cause": "log"], Double(bodies.refusedForLog))
    }

    mutating func add(_ metrics: CalcMetrics) {
        counter("odograph_calc_messages_taken_total", "messages taken into the caches", metrics.messagesTaken)
        counter("odograph_calc_messages_evaluated_total", "messages evaluated by jobs", metrics.messagesEvaluated)
        counter("odograph_calc_jobs_total", "recalculation jobs run", metrics.jobsRun)
        counter("odograph_calc_intervals_created_total", "intervals created", metrics.intervalsCreated)
        counter("odograph_calc_intervals_updated_total", "intervals updated", metrics.intervalsUpdated)
        counter("odograph_calc_intervals_deleted_total", "intervals deleted", metrics.intervalsDeleted)
        counter("odograph_calc_chunks_sealed_total", "archive chunks written", metrics.chunksSealed)
        counter("odograph_calc_chunks_cooled_total", "chunks stored for the long run", metrics.chunksCooled)
        counter("odograph_calc_messages_expired_total", "messages older than their horizon", metrics.messagesExpired)
        counter("odograph_calc_intervals_expired_total", "intervals let go by intervals_ttl", metrics.intervalsExpired)
        counter("odograph_calc_jobs_held_total", "jobs held because too much would vanish", metrics.jobsHeld)
        counter("odograph_calc_chunks_damaged_total", "archive chunks found damaged", metrics.chunksDamaged)
        counter("odograph_calc_chunks_repaired_total", "archive chunks repaired from a cache", metrics.chunksRepaired)
        counter("odograph_calc_log_batches_damaged_total", "log batches passed over", metrics.logBatchesDamaged)
        counter("odograph_calc_pushes_fenced_total", "pushes refused to a former owner", metrics.fencedPushes)
        counter("odograph_calc_replays_done_total", "whole histories calculated", metrics.replaysDone)
        counter("odograph_calc_messages_replayed_total", "messages evaluated by them", metrics.messagesReplayed)
        gauge("odograph_calc_replays_pending", "whole histories that wait or run", Double(metrics.replaysPending))
        gauge("odograph_calc_devices_synced", "devices whose messages are in a cache", Double(metrics.devicesSynced))
        gauge("odograph_calc_jobs_pending", "jobs that wait", Double(metrics.pendingJobs))
    }

    private static func labels(_ key: RequestMetrics.Key) -> KeyValuePairs<String, String> {
        ["method": key.method, "route": key.route, "status": String(key.status)]
    }
}
