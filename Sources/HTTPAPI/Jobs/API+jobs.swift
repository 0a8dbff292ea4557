import CalcProcess
import PrimaryStore
import Telemetry

/// The ledger of recalculation jobs, and what becomes of those that are held.
extension API {
    func readJobs(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try assignments(call)
        var query = call.queryFields
        let count = query.integer("count", 1...Int64(limits.jobsMax)).map(Int.init) ?? limits.jobsDefault
        try query.check()
        let keys = selection.items.map(\.key)
        let jobs = try await stored { store throws(StoreError) in
            var jobs: [JobRecord] = []
            for key in keys { jobs += try store.jobs(key, countMax: count) }
            return jobs
        }
        return Answer(
            result: jobs.sorted { $0.id > $1.id }.prefix(count).map(\.json), errors: selection.errors)
    }

    /// Releases a held job, so that its differences are applied, or discards it, so that the intervals stay.
    func decideJob(_ call: Call) async throws(APIFailure) -> Answer {
        guard let id = Int64(call.segment("id")), id > 0 else {
            throw APIFailure(.badRequest, "\"\(call.segment("id").prefix(40))\" is no id of a job")
        }
        let isReleased = try isReleased(call)
        let selection = try assignments(call)
        guard !selection.items.isEmpty || selection.errors.isEmpty else { throw APIFailure(selection.errors) }
        let job = try await heldJob(id, of: Set(selection.items.map(\.key)))
        do throws(StoreError) {
            return Answer(result: [try await calculation.decide(job: job.id, isReleased: isReleased).json])
        } catch {
            // Somebody else has decided meanwhile.
            switch error {
            case .invalid, .notFound:
                throw APIFailure(.conflict, "\(error)", hint: "GET …/jobs tells what became of it")
            default: throw APIFailure(error)
            }
        }
    }

    private func isReleased(_ call: Call) throws(APIFailure) -> Bool {
        var fields = InputFields(try call.json())
        let action = fields.string("action")
        fields.refuseUnknown("a decision on a job")
        if fields.problems.isEmpty, action != "release", action != "discard" {
            fields.fail(
                "action", action.map { "must be release or discard, not \"\($0.prefix(40))\"" } ?? "is missing",
                hint: "{\"action\":\"release\"} applies the differences, {\"action\":\"discard\"} drops them")
        }
        try fields.check()
        return action == "release"
    }

    /// The held job with an id, which must be of one of these assignments.
    private func heldJob(_ id: Int64, of keys: Set<AssignmentKey>) async throws(APIFailure) -> JobRecord {
        let countMax = limits.jobsMax
        let (held, other) = try await stored { store throws(StoreError) -> (JobRecord?, JobRecord?) in
            if let job = try store.heldJobs().first(where: { $0.id == id && keys.contains($0.key) }) {
                return (job, nil)
            }
            for key in keys {
                let job = try store.jobs(key, countMax: countMax).first { $0.id == id }
                if let job { return (nil, job) }
            }
            return (nil, nil)
        }
        if let held { return held }
        if let other {
            throw APIFailure(
                .conflict, "job \(id) is not held: it is \(other.outcome.rawValue)",
                hint: "an assignment tells its held_job")
        }
        throw APIFailure(
            .notFound, "there is no job \(id) of these assignments", hint: "GET …/jobs lists the jobs there are")
    }
}

extension JobRecord {
    /// Of a job that was held, what it would change stands by itself: it has changed nothing.
    var json: JSONValue {
        let isDone = outcome == .done
        let counts = [("created", createdCount), ("updated", updatedCount), ("deleted", deletedCount)]
        var members: [JSONValue.Member] = [.init("id", JSONValue(id))] + key.members
        members += [
            .init("cause", .string(cause)), .init("outcome", .string(outcome.rawValue)),
            .init("from", JSONValue(rangeAsked.first)), .init("to", JSONValue(rangeAsked.last)),
            .init("run_from", JSONValue(rangeRun.first)), .init("run_to", JSONValue(rangeRun.last)),
            .init("messages", JSONValue(messageCount)),
        ]
        members += counts.map { .init($0.0, JSONValue(isDone ? $0.1 : 0)) }
        if !isDone { members.append(.init("would", .object(counts.map { .init($0.0, JSONValue($0.1)) }))) }
        members += [.init("started", .number(started.seconds)), .init("milliseconds", .number(milliseconds))]
        return .object(members)
    }
}

extension OpenAPI {
    static let jobAction: Document = [
        "type": "object", "required": ["action"],
        "properties": ["action": ["type": "string", "enum": ["release", "discard"]]],
    ]
}
