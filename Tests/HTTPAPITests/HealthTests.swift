import CalcProcess
import HTTPTypes
import PrimaryStore
import Telemetry
import Testing

@testable import HTTPAPI

@Suite("Health")
struct HealthTests {
    @Test("Without a token only counts are told, with one the findings themselves")
    func findings() async throws {
        try await TestHouse.open { house in
            let fine = try await house.send("GET", "/gw/health")
            #expect(
                fine.body
                    == "{\"result\":[{\"status\":\"ok\",\"findings\":[],\"chunks_damaged\":[],\"jobs_held\":[]}]}",
                "\(fine)")
            #expect(try await house.client.send("GET", "/gw/health", body: nil, headers: [:]).status == 401)
            house.calculation.add(
                HealthFinding(moment: house.clock.now, text: "slot 5: a row of device 7 has vanished"))
            let cached = try await house.client.send("GET", "/health", body: nil, headers: [:])
            #expect(cached.body == "{\"status\":\"ok\"}", "it is looked at once in a while")
            house.clock.advance(seconds: 2)
            let open = try await house.client.send("GET", "/health", body: nil, headers: [:])
            #expect(open.status == 200 && open.body == "{\"status\":\"degraded\",\"findings\":1}", "\(open)")
            let told = try #require(try await house.send("GET", "/gw/health").result.first)
            #expect(
                told["findings"]?.text
                    == "[{\"timestamp\":1700000000,\"text\":\"slot 5: a row of device 7 has vanished\"}]",
                "\(told.text)")
        }
    }

    @Test(
        "What the store cannot do has a status of its own, a hint, and a time to come again",
        arguments: [
            (StoreError.diskFull, 507, 11, "make room", true), (.failed("fsync"), 503, 9, "started anew", true),
            (.notWritable("closed"), 503, 9, "", true), (.corrupt("chunk"), 500, 12, "", false),
            (.database("?"), 500, 1, "may succeed later", false), (.notFound("x"), 404, 4, "", false),
        ])
    func storeErrors(error: StoreError, status: Int, code: Int, hint: String, comesAgain: Bool) throws {
        let failure = APIFailure(error)
        let answer = Answer(failure)
        #expect(answer.status.code == status)
        #expect(failure.items.first?.code.rawValue == code)
        #expect(failure.items.first?.hint?.contains(hint) ?? hint.isEmpty)
        #expect((answer.headers[.retryAfter] != nil) == comesAgain)
        #expect((failure.logged != nil) == (code != 4 && error != .notWritable("closed")))
    }

    @Test("With a store that takes nothing, messages are not acknowledged and reading goes on")
    func closedStore() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/1/messages", "[{\"timestamp\":1699990000}]")
            house.store.close()
            for body in ["[{\"timestamp\":1699990060}]", "[{\"timestamp\":5}]"] {
                let refused = try await house.send("POST", "/gw/devices/1/messages", body)
                #expect(refused.status == 503 && refused.headers["retry-after"] != nil, "\(refused)")
            }
            #expect(try await house.send("GET", "/gw/devices/1/messages").result.count == 1)
            #expect(try await house.send("GET", "/health").status == 200)
        }
    }
}
