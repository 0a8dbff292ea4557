import HTTPAPI
import Hummingbird
import Telemetry
import Testing

@Suite("Routes")
struct RouteTests {
    @Test("The description lists exactly the routes that are registered")
    func openAPI() async throws {
        try await TestHouse.open { house in
            let document = try await house.send("GET", "/openapi.json").json
            let described = (document["paths"]?.members ?? []).flatMap { path in
                (path.value.members ?? []).map { "\($0.key.uppercased()) \(path.key)" }
            }
            let registered = house.api.router().routes.map { "\($0.method) \($0.path)" }
            #expect(Set(described) == Set(registered))
            #expect(described.count == registered.count && described.count > 25)
            #expect(document["openapi"] == .string("3.1.0"))
        }
    }

    @Test("Every schema that the description refers to is in it, and every operation has a name of its own")
    func references() async throws {
        try await TestHouse.open { house in
            let response = try await house.send("GET", "/openapi.json")
            let schemas = Set((response.json["components"]?["schemas"]?.members ?? []).map(\.key))
            let parts = response.body.split(separator: "\"#/components/schemas/").dropFirst()
            let used = Set(parts.map { String($0.prefix { $0 != "\"" }) })
            #expect(used.isSubset(of: schemas), "\(used.subtracting(schemas))")
            let names = response.body.split(separator: "\"operationId\":\"").dropFirst().map {
                $0.prefix { $0 != "\"" }
            }
            #expect(Set(names).count == names.count)
        }
    }

    @Test("An unknown path is answered with the nearest one, a wrong method with those that are possible")
    func unknown() async throws {
        try await TestHouse.open { house in
            let misspelt = try await house.send("GET", "/gw/device/5?fields=id")
            #expect(misspelt.status == 404 && misspelt.reasons.contains("did you mean /gw/devices/5?"), "\(misspelt)")
            let deep = try await house.send("GET", "/gw/calcs/1/devices/2/interval/all")
            #expect(deep.reasons.contains("did you mean /gw/calcs/1/devices/2/intervals/all?"), "\(deep)")
            #expect(try await house.send("GET", "/what/is/this").reasons.contains("/openapi.json"))
            let method = try await house.send("GET", "/gw/devices")
            #expect(
                method.status == 405 && method.headers["allow"] == "POST" && method.errors.first?["code"] == .number(10)
            )
            let query = try await house.send("GET", "/gw/devices/all?field=id")
            #expect(query.status == 400 && query.reasons.contains("did you mean \"fields\"?"))
        }
    }

    @Test("The counts name routes and states, never single paths")
    func metrics() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/1/messages", "[{\"timestamp\":1699990000},{},5]")
            _ = try await house.send("GET", "/gw/devices/77")
            _ = try await house.send("GET", "/gw/nothing/here")
            let text = try await house.send("GET", "/metrics").body
            for line in [
                "odograph_messages_accepted_total 1", "odograph_messages_refused_total 1", "odograph_devices 1",
                "odograph_requests_total{method=\"GET\",route=\"/gw/devices/{selector}\",status=\"404\"} 1",
                "odograph_requests_total{method=\"GET\",route=\"unknown\",status=\"404\"} 1",
                "odograph_requests_total{method=\"POST\",route=\"/gw/devices/{selector}/messages\",status=\"200\"} 1",
                "odograph_calc_jobs_total 5", "odograph_log_position 1", "odograph_messages_apart_total 1",
                "odograph_calc_jobs_held_total 3", "odograph_calc_replays_pending 0",
            ] {
                #expect(text.contains("\n" + line + "\n"), "\(line) in \(text)")
            }
            #expect(text.contains("process_resident_memory_bytes "))
        }
    }

    @Test("The functions of the language are listed with their use")
    func functions() async throws {
        try await TestHouse.open { house in
            let result = try await house.send("GET", "/storage/expressions/functions").result
            let round = try #require(result.first { $0["name"] == .string("round") })
            #expect(round["usage"] == .string("round(x[, digits])") && round["arguments"]?["max"] == .number(2))
        }
    }

    @Test("A connection goes on after a refused request with a body")
    func keepAlive() async throws {
        try await TestHouse.open { house in
            let head = "Host: x\r\nContent-Length: 4\r\n"
            let refused = "POST /gw/devices HTTP/1.1\r\n\(head)\r\n[{}]"
            let wrong = "POST /gw/devices HTTP/1.1\r\n\(head)Authorization: Bearer \(house.master)\r\n\r\n[{}]"
            let last = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            let answers = try await house.client.exchange(Array((refused + wrong + last).utf8))
            #expect(answers.status == 401)
            #expect(
                answers.body.contains("HTTP/1.1 400 ") && answers.body.hasSuffix("{\"status\":\"ok\"}"), "\(answers)")
        }
    }

    @Test("Broken JSON and broken requests are refused, and the server goes on")
    func garbage() async throws {
        try await TestHouse.open { house in
            let broken = try await house.send("POST", "/gw/devices", "[{\"name\":\"a\",}]")
            #expect(broken.status == 400 && broken.errors.first?["line"] == .number(1))
            #expect(broken.errors.first?["column"]?.integerValue ?? 0 > 10, "\(broken)")
            #expect(try await house.client.exchange(Array("NONSENSE\r\n\r\n".utf8)).status == 400)
            let many = "[" + (0..<1_001).map { _ in "{}" }.joined(separator: ",") + "]"
            #expect(try await house.send("POST", "/gw/devices", many).status == 413)
            #expect(try await house.send("HEAD", "/gw/devices/all").status == 200)
            #expect(try await house.send("GET", "/health").status == 200)
        }
    }
}
