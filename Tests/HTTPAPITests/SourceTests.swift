import PrimaryStore
import Telemetry
import Testing

@Suite("Calculators that read calculators")
struct SourceTests {
    private static func reader(_ name: String, _ id: String, key: String = "calc_id") -> String {
        """
        {"name":"\(name)","selectors":[{"type":"datetime"}],"counters":[{"name":"trips","type":"calc","\(key)":\(id),\
        "method":"each"}]}
        """
    }

    private static func messages(_ name: String, _ id: Int64) -> String {
        """
        {"name":"\(name)","selectors":[{"type":"datetime"}],"messages_source":{"source":"calc","calc_id":\(id)}}
        """
    }

    private static func selector(_ name: String, _ id: Int64) -> String {
        "{\"name\":\"\(name)\",\"selectors\":[{\"type\":\"calc\",\"calc_id\":\(id)}]}"
    }

    @Test("A source must be there; the path names where it is read, the hint what there is")
    func missing() async throws {
        try await TestHouse.open { house in
            let none = try await house.send("POST", "/gw/calcs", Self.reader("daily", "4"))
            #expect(none.status == 400 && none.errors.first?["path"] == .string("counters[0].calc_id"), "\(none)")
            #expect(none.reasons.contains("there is no calculator 4") && none.reasons.contains("no calculators yet"))
            _ = try await house.calculator()
            let other = try await house.send(
                "POST", "/gw/calcs", "[\(Self.reader("daily", "4", key: "calculator_id"))]")
            #expect(other.errors.first?["path"] == .string("[0].counters[0].calculator_id"), "\(other)")
            #expect(other.reasons.contains("the nearest are 1 \"trips\""), "\(other)")
            for (body, path) in [
                (Self.selector("x", 9_007_199_254_740_991), "selectors[0].calc_id"),
                (Self.messages("x", 9), "messages_source.calc_id"),
            ] {
                let response = try await house.send("POST", "/gw/calcs", body)
                #expect(response.status == 400 && response.errors.first?["path"] == .string(path), "\(response)")
            }
            let named = try await house.send("POST", "/gw/calcs", Self.reader("daily", "\"trip\""))
            #expect(named.reasons.contains("calculator 1 is named \"trips\""), "\(named)")
            let quoted = try await house.send("POST", "/gw/calcs", Self.reader("daily", "\"1\""))
            #expect(quoted.reasons.contains("write it without quotes: 1"), "\(quoted)")
            #expect(try house.store.registry().calculators.count == 1)
            for body in [Self.reader("daily", "1"), Self.selector("a", 1), Self.messages("b", 1)] {
                #expect(try await house.send("POST", "/gw/calcs", body).status == 200)
            }
        }
    }

    @Test("No calculator reads itself, were it by way of others")
    func circle() async throws {
        try await TestHouse.open { house in
            let trips = try await house.calculator()
            let daily = try await house.calculator(Self.reader("daily", "\(trips)"))
            let weekly = try await house.calculator(Self.messages("weekly", daily))
            let own = try await house.send(
                "PATCH", "/gw/calcs/\(trips)", "{\"selectors\":[{\"type\":\"calc\",\"calc_id\":\(trips)}]}")
            #expect(own.status == 400 && own.reasons.contains("cannot read itself"), "\(own)")
            #expect(own.errors.first?["path"] == .string("selectors[0].calc_id"))
            let round = try await house.send(
                "PUT", "/gw/calcs/\(trips)", "{\"messages_source\":{\"source\":\"calc\",\"calc_id\":\(weekly)}}")
            #expect(round.status == 400 && round.reasons.contains("in a circle: 1 → 3 → 2 → 1"), "\(round)")
            #expect(round.errors.first?["path"] == .string("messages_source.calc_id"))
            #expect(try house.store.registry().calculators.first?.revision == 1, "nothing was changed")
            let straight = try await house.send(
                "PUT", "/gw/calcs/\(weekly)", "{\"messages_source\":{\"source\":\"calc\",\"calc_id\":\(trips)}}")
            #expect(straight.status == 200, "\(straight)")
            #expect(
                try await house.send(
                    "PUT", "/gw/calcs/\(daily)", "{\"messages_source\":{\"source\":\"calc\",\"calc_id\":\(weekly)}}"
                ).status == 200, "the way from 3 to 2 is no more")
        }
    }

    @Test("Of two changes at once that would close a circle one is refused")
    func race() async throws {
        try await TestHouse.open { house in
            for _ in 0..<2 { _ = try await house.calculator() }
            let bodies = [2, 1].map { "{\"messages_source\":{\"source\":\"calc\",\"calc_id\":\($0)}}" }
            for _ in 0..<10 {
                async let first = house.send("PUT", "/gw/calcs/1", bodies[0])
                async let second = house.send("PUT", "/gw/calcs/2", bodies[1])
                let statuses = [try await first.status, try await second.status]
                #expect(statuses.sorted() == [200, 400])
                _ = try await house.send("PUT", "/gw/calcs/all", "{\"messages_source\":{\"source\":\"device\"}}")
            }
        }
    }

    @Test("A calculator that others read is not deleted, unless with them or by force")
    func deletion() async throws {
        try await TestHouse.open { house in
            let trips = try await house.calculator()
            _ = try await house.calculator(Self.reader("daily", "\(trips)"))
            _ = try await house.calculator(Self.selector("in trips", trips))
            let refused = try await house.send("DELETE", "/gw/calcs/\(trips)")
            #expect(refused.status == 409 && refused.reasons.contains("2 \"daily\", 3 \"in trips\""), "\(refused)")
            #expect(refused.reasons.contains("?force=true"))
            #expect(try await house.send("DELETE", "/gw/calcs/\(trips)?force=maybe").status == 400)
            #expect(try await house.send("DELETE", "/gw/calcs/\(trips)?force=true").status == 200)
            let dangling = try await house.send("PATCH", "/gw/calcs/3", "{\"timezone\":\"Europe/Paris\"}")
            #expect(dangling.status == 400 && dangling.reasons.contains("there is no calculator 1"), "\(dangling)")
            #expect(try await house.send("DELETE", "/gw/calcs/all").status == 200)
        }
        try await TestHouse.open { house in
            let trips = try await house.calculator()
            let daily = try await house.calculator(Self.reader("daily", "\(trips)"))
            let weekly = try await house.calculator(Self.messages("weekly", daily))
            let chain = try await house.send("DELETE", "/gw/calcs/\(trips),\(daily)")
            #expect(chain.status == 409 && chain.errors.count == 2, "a third one still reads the second: \(chain)")
            let all = try await house.send("DELETE", "/gw/calcs/all")
            #expect(all.result.compactMap { $0["id"]?.integerValue } == [weekly, daily, trips], "\(all)")
        }
    }
}
