import CalcProcess
import PrimaryStore
import Telemetry
import Testing

@Suite("Replays")
struct ReplayTests {
    @Test("The progress of calculators is told, of those with nothing to do too")
    func progress() async throws {
        try await TestHouse.open { house in
            _ = try await house.calculator()
            _ = try await house.calculator()
            house.calculation.set([
                ReplayProgress(
                    calculator: CalculatorID(2), total: 40, done: 10, running: 2, messages: 9_000,
                    messagesPerSecond: 1_234.5, secondsLeft: 61.26, since: Timestamp(seconds: 1_699_999_000), ended: nil
                )
            ])
            let second = """
                {"calc_id":2,"total":40,"done":10,"running":2,"messages":9000,"messages_per_second":1235,\
                "seconds_left":61.3,"since":1699999000,"ended":null}
                """
            let all = try await house.send("GET", "/gw/replays")
            #expect(all.body == "{\"result\":[{\"paused\":false,\"share\":1,\"progress\":[\(second)]}]}", "\(all)")
            let each = try await house.send("GET", "/gw/calcs/all/replay")
            #expect(
                each.result.map(\.text) == [
                    """
                    {"calc_id":1,"total":0,"done":0,"running":0,"messages":0,"messages_per_second":0,\
                    "seconds_left":null,"since":null,"ended":null}
                    """, second,
                ], "\(each)")
            #expect(try await house.send("GET", "/gw/calcs/9/replay").status == 404)
        }
    }

    @Test("They are paused, resumed and given a share, each alone or together")
    func control() async throws {
        try await TestHouse.open { house in
            let paused = try await house.send("PUT", "/gw/replays", "{\"paused\":true}")
            #expect(paused.body == "{\"result\":[{\"paused\":true,\"share\":1,\"progress\":[]}]}", "\(paused)")
            let share = try await house.send("PUT", "/gw/replays", "{\"share\":0.05}")
            #expect(share.result.first?["paused"] == .boolean(true) && share.result.first?["share"] == .number(0.05))
            let both = try await house.send("PUT", "/gw/replays", "{\"paused\":false,\"share\":1}")
            #expect(both.result.first?.text == "{\"paused\":false,\"share\":1,\"progress\":[]}")
        }
    }

    @Test(
        "A wrong control is refused",
        arguments: [
            ("{}", "paused or share must be given"), ("{\"share\":0.01}", "must be from 0.05 to 1"),
            ("{\"share\":2}", "must be from 0.05 to 1"), ("{\"paused\":\"yes\"}", "must be true or false"),
            ("{\"pause\":true}", "did you mean \"paused\"?"), ("[]", "must be an object"),
        ])
    func mistakes(body: String, reason: String) async throws {
        try await TestHouse.open { house in
            let answer = try await house.send("PUT", "/gw/replays", body)
            #expect(answer.status == 400 && answer.reasons.contains(reason), "\(answer)")
            #expect(house.calculation.replays() == ReplayStatus(isPaused: false, share: 1, progress: []))
        }
    }
}
