import CalcProcess
import PrimaryStore
import Telemetry
import Testing

@Suite("Held jobs")
struct HeldJobTests {
    static let key = AssignmentKey(calculator: CalculatorID(1), device: DeviceID(1))
    static let path = "/gw/calcs/1/devices/1/jobs"

    /// An assignment whose job would have deleted 30 intervals; gives the job's id.
    private func held(_ house: TestHouse) async throws -> Int64 {
        _ = try await house.device("a")
        _ = try await house.calculator()
        _ = try await house.send("POST", "/gw/calcs/1/devices/1")
        let slot = Slot(device: Self.key.device)
        let epoch = try house.store.slotLeases().first { $0.slot == slot }?.epoch ?? 0
        let job = JobRecord(
            key: Self.key, cause: "messages", rangeAsked: .all, rangeRun: .all, messageCount: 9, createdCount: 1,
            updatedCount: 2, deletedCount: 30, started: house.clock.now, milliseconds: 1.5, outcome: .held)
        let id = try house.store.hold(job, slot: slot, epoch: epoch)
        house.calculation.set(
            Self.key,
            AssignmentStatus(
                sync: .synced, appliedPosition: 4, heldJob: id, horizon: Timestamp(seconds: 1_600_000_000)))
        return id
    }

    @Test("A held job tells what it would do, and its assignment tells of it")
    func shown() async throws {
        try await TestHouse.open { house in
            let id = try await held(house)
            let job = try #require(try await house.send("GET", Self.path).result.first)
            #expect(job["id"] == .number(Double(id)) && job["outcome"] == .string("held"), "\(job.text)")
            #expect(job["would"]?.text == "{\"created\":1,\"updated\":2,\"deleted\":30}", "\(job.text)")
            #expect(job["deleted"] == .number(0), "nothing was done: \(job.text)")
            let assignment = try await house.send("GET", "/gw/calcs/1/devices/1?fields=held_job,horizon")
            #expect(assignment.body == "{\"result\":[{\"held_job\":\(id),\"horizon\":1600000000}]}")
            let intervals = try await house.send("GET", "/gw/calcs/1/devices/1/intervals/all")
            #expect(intervals.headers["x-odograph-held-job"] == "\(id)")
            #expect(intervals.headers["x-odograph-horizon"] == "1600000000")
            let health = try await house.client.send("GET", "/health", body: nil, headers: [:])
            #expect(health.body == "{\"status\":\"degraded\",\"jobs_held\":1}")
        }
    }

    @Test("It is released or discarded once", arguments: [("release", "released"), ("discard", "discarded")])
    func decided(action: String, outcome: String) async throws {
        try await TestHouse.open { house in
            let id = try await held(house)
            let answer = try await house.send("POST", Self.path + "/\(id)", "{\"action\":\"\(action)\"}")
            #expect(answer.result.first?["outcome"] == .string(outcome), "\(answer)")
            #expect(try await house.send("GET", Self.path).result.first?["outcome"] == .string(outcome))
            let again = try await house.send("POST", Self.path + "/\(id)", "{\"action\":\"release\"}")
            #expect(again.status == 409 && again.reasons.contains("it is \(outcome)"), "\(again)")
        }
    }

    @Test(
        "A wrong decision is refused and changes nothing",
        arguments: [
            ("/77", "{\"action\":\"release\"}", 404, "there is no job 77"),
            ("/x", "{\"action\":\"release\"}", 400, "no id"),
            ("/ID", "{\"action\":\"undo\"}", 400, "must be release or discard"),
            ("/ID", "{}", 400, "action is missing"),
            ("/ID", "{\"actio\":\"release\"}", 400, "did you mean \"action\"?"), ("/ID", "", 400, "the body is empty"),
        ])
    func mistakes(rest: String, body: String, status: Int, reason: String) async throws {
        try await TestHouse.open { house in
            let id = try await held(house)
            let path = Self.path + rest.replacing("ID", with: "\(id)")
            let answer = try await house.send("POST", path, body)
            #expect(answer.status == status && answer.reasons.contains(reason), "\(answer)")
            #expect(try house.store.heldJobs().map(\.id) == [id])
            let other = try await house.send("POST", "/gw/calcs/1/devices/9/jobs/\(id)", "{\"action\":\"release\"}")
            #expect(other.status == 404, "\(other)")
        }
    }

    @Test("A job of another assignment is not found under this one")
    func other() async throws {
        try await TestHouse.open { house in
            let id = try await held(house)
            _ = try await house.device("b")
            _ = try await house.send("POST", "/gw/calcs/1/devices/2")
            let answer = try await house.send("POST", "/gw/calcs/1/devices/2/jobs/\(id)", "{\"action\":\"release\"}")
            #expect(answer.status == 404, "\(answer)")
            #expect(try house.store.heldJobs().count == 1)
            let all = try await house.send("POST", "/gw/calcs/all/devices/all/jobs/\(id)", "{\"action\":\"discard\"}")
            #expect(all.status == 200, "\(all)")
        }
    }
}
