import PrimaryStore
import Telemetry
import Testing

@Suite("Revisions")
struct RevisionTests {
    @Test("Every definition that a calculator had can be read")
    func history() async throws {
        try await TestHouse.open { house in
            let id = try await house.calculator()
            _ = try await house.send("PATCH", "/gw/calcs/\(id)", "{\"name\":\"journeys\",\"update_delay\":9}")
            let all = try await house.send("GET", "/gw/calcs/\(id)/revisions")
            #expect(all.result.compactMap { $0["revision"]?.integerValue } == [1, 2], "\(all)")
            #expect(all.result.first?["definition"]?.text == TestHouse.trips)
            #expect(all.result.last?["definition"]?["update_delay"] == .number(9))
            let cut = try await house.send("GET", "/gw/calcs/all/revisions?fields=calc_id,name&offset=1&limit=1")
            #expect(cut.result.map(\.text) == ["{\"calc_id\":1,\"name\":\"journeys\"}"], "\(cut)")
            #expect(try await house.send("GET", "/gw/calcs/9/revisions").status == 404)
            #expect(try await house.send("GET", "/gw/calcs/1/revisions?fields=since").status == 400)
        }
    }

    @Test("Intervals are told as they were known at a moment, and with the revision that made them")
    func asOf() async throws {
        try await TestHouse.open { house in
            let key = try await house.assignmentWithIntervals()
            let path = "/gw/calcs/1/devices/1/intervals/all"
            let before = try await house.send("GET", path + "?end=250")
            house.clock.advance(seconds: 100)
            _ = try await house.send("PATCH", "/gw/calcs/1", "{\"name\":\"journeys\"}")
            try await house.push(key, revision: 2, values: [7], ids: [1])
            let after = try await house.send("GET", path + "?end=250")
            #expect(after.result.first?["value"] == .number(7), "\(after)")
            #expect(try await house.send("GET", path + "?end=250&as_of=1700000050").body == before.body)
            #expect(try await house.send("GET", path + "?end=250&as_of=1700000100").body == after.body)
            #expect(try await house.send("GET", path + "?as_of=1600000000").body == "{\"result\":[]}")
            let data = "{\"as_of\":1700000050,\"revision\":true,\"end\":150}".inURL
            let told = try await house.send("GET", path + "?data=\(data)")
            #expect(told.body.hasPrefix("{\"result\":[{\"revision\":1,\"begin\":100,"), "\(told)")
            let now = try await house.send("GET", path + "?revision=true")
            #expect(now.result.compactMap { $0["revision"]?.integerValue } == [2, 1, 1], "\(now)")
            let cut = try await house.send("GET", path + "?revision=true&fields=id&end=150")
            #expect(cut.body == "{\"result\":[{\"revision\":2,\"id\":1}]}")
            #expect(try await house.send("GET", path + "?as_of=yesterday").status == 400)
            #expect(try await house.send("GET", path + "?as_of=1700000050000").reasons.contains("divide by 1000"))
        }
    }
}
