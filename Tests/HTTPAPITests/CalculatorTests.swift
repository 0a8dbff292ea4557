import HTTPAPI
import PrimaryStore
import Telemetry
import Testing

@Suite("Calculators")
struct CalculatorTests {
    @Test("A calculator comes back as it was given, with its id and the defaults of what it leaves out")
    func roundTrip() async throws {
        try await TestHouse.open { house in
            let created = try await house.send("POST", "/gw/calcs", "[\(TestHouse.trips)]")
            let object = try #require(created.result.first)
            #expect(
                object.text == """
                    {"id":1,"name":"trips","selectors":[{"type":"expression","expression":"$position.speed>3"}],\
                    "counters":[{"name":"max","type":"parameter","parameter":"position.speed","method":"maximum"}],\
                    "update_delay":7,"timezone":"UTC","messages_source":{"source":"device"},"update_period":0,\
                    "update_onchange":true,"intervals_ttl":0,"intervals_rotate":0,"validate_message":"",\
                    "validate_interval":"","metadata":{},"cid":0}
                    """)
            #expect(try await house.send("GET", "/gw/calcs/1").result.first == object)
            let echoed = try await house.send("PUT", "/gw/calcs/1", object.text)
            #expect(echoed.status == 200, "what GET gives, PUT takes: \(echoed)")
        }
    }

    @Test("The two names of the delay are one field: the one given last is told back")
    func delay() async throws {
        try await TestHouse.open { house in
            let id = try await house.calculator()
            let changed = try await house.send("PUT", "/gw/calcs/\(id)", "{\"update_interval\":3}")
            #expect(changed.result.first?["update_interval"] == .number(3))
            #expect(changed.result.first?["update_delay"] == nil)
        }
    }

    @Test(
        "A wrong calculator is refused with path, column and hint",
        arguments: [
            ("{\"selectors\":[{\"type\":\"datetime\"}]}", "name", "is missing"),
            ("{\"name\":\"x\"}", "selectors", "is missing"),
            (
                "{\"name\":\"x\",\"selectors\":[{\"type\":\"expression\",\"expression\":\"$position.speed>\"}]}",
                "selectors[0].expression", ""
            ),
            (
                "{\"name\":\"x\",\"selectors\":[{\"type\":\"datetime\"}],\"counters\":[{\"name\":\"m\",\"type\":\"parameter\"}]}",
                "counters[0].method", "is missing"
            ),
            (
                "{\"name\":\"x\",\"selectors\":[{\"type\":\"datetime\"}],\"timezone\":\"Africa/Nairoby\"}", "timezone",
                "Africa/Nairobi"
            ),
            (
                "{\"name\":\"x\",\"selectors\":[{\"type\":\"datetime\"}],\"update_delay\":\"10\"}", "update_delay",
                "must be a number"
            ),
            (
                "{\"name\":\"x\",\"selectors\":[{\"type\":\"datetime\",\"splitt\":\"day\"}]}", "selectors[0].splitt",
                "split"
            ),
        ])
    func refused(body: String, path: String, reason: String) async throws {
        try await TestHouse.open { house in
            let response = try await house.send("POST", "/gw/calcs", "[\(body)]")
            #expect(response.status == 400)
            let error = try #require(
                response.errors.first { $0["path"]?.stringValue == "[0].\(path)" }, "\(path): \(response)")
            #expect(error["reason"]?.stringValue?.contains(reason) == true, "\(response)")
        }
    }

    @Test("A bad expression names its column")
    func column() async throws {
        try await TestHouse.open { house in
            let response = try await house.send(
                "POST", "/gw/calcs",
                "{\"name\":\"x\",\"selectors\":[{\"type\":\"expression\",\"expression\":\"position.speed > sqroot(4)\"}]}"
            )
            #expect(response.errors.first?["column"] == .number(18), "\(response)")
            #expect(response.errors.first?["path"] == .string("selectors[0].expression"))
        }
    }

    @Test("A misspelt field of a calculator gets a hint of the fields there are")
    func misspelt() async throws {
        try await TestHouse.open { house in
            let response = try await house.send(
                "POST", "/gw/calcs", "{\"name\":\"x\",\"selectors\":[{\"type\":\"datetime\"}],\"intervals_tll\":5}")
            #expect(response.json["schema_hint"]?["suggestion"] == .string("intervals_ttl"), "\(response)")
        }
    }

    @Test("What is allowed but rarely meant is warned of")
    func warnings() async throws {
        try await TestHouse.open { house in
            let response = try await house.send(
                "POST", "/gw/calcs",
                "{\"name\":\"x\",\"validate_message\":\"position.speed\",\"selectors\":[{\"type\":\"datetime\"}]}")
            #expect(response.status == 200)
            #expect(response.json["warnings"]?.arrayValue?.first?["path"] == .string("validate_message"), "\(response)")
        }
    }

    @Test("A change that changes nothing makes no new revision")
    func unchanged() async throws {
        try await TestHouse.open { house in
            let id = try await house.calculator()
            let before = house.store.registryRevision
            _ = try await house.send("PATCH", "/gw/calcs/\(id)", "{\"name\":\"trips\"}")
            #expect(house.store.registryRevision == before)
            _ = try await house.send("PATCH", "/gw/calcs/\(id)", "{\"name\":\"trip\"}")
            #expect(house.store.registryRevision > before)
            _ = try await house.send("DELETE", "/gw/calcs/\(id)")
            #expect(try await house.send("GET", "/gw/calcs/\(id)").status == 404)
        }
    }
}
