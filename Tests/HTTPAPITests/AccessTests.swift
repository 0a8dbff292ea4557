import HTTPAPI
import PrimaryStore
import Telemetry
import Testing

@Suite("Access")
struct AccessTests {
    @Test(
        "Every path but /health needs a valid token",
        arguments: ["/gw/devices/all", "/metrics", "/openapi.json", "/nowhere"])
    func needsToken(path: String) async throws {
        try await TestHouse.open { house in
            let without = try await house.client.send("GET", path, body: nil, headers: [:])
            #expect(without.status == 401 && without.reasons.contains("no token was given"), "\(without)")
            #expect(without.headers["www-authenticate"] == "Bearer")
            #expect(try await house.send("GET", path, token: "wrong").reasons.contains("the token is unknown"))
            let basic = try await house.send("GET", path, headers: ["Authorization": "Basic abc"])
            #expect(basic.status == 401 && basic.errors.first?["code"] == .number(3))
            #expect(
                try await house.client.send("GET", "/health", body: nil, headers: [:]).body == "{\"status\":\"ok\"}")
        }
    }

    @Test("Both schemes are taken, and flespi's own headers are passed over")
    func schemes() async throws {
        try await TestHouse.open { house in
            for scheme in ["FlespiToken", "Bearer", "bearer"] {
                let headers = ["Authorization": "\(scheme) \(house.master)", "x-flespi-app": "a", "x-flespi-cid": "5"]
                let response = try await house.send("GET", "/gw/devices/all", headers: headers)
                #expect(response.status == 200)
            }
        }
    }

    @Test("Tokens are made, listed without their keys, and revoked; a revoked one is refused at once")
    func tokens() async throws {
        try await TestHouse.open { house in
            let made = try await house.send("POST", "/platform/tokens", "[{\"name\":\"app\",\"ttl\":3600}]")
            let key = try #require(made.result.first?["key"]?.stringValue, "\(made)")
            #expect(made.result.first?["kind"] == .string("standard"))
            #expect(try await house.send("GET", "/gw/devices/all", token: key).status == 200)
            let list = try await house.send("GET", "/platform/tokens")
            #expect(list.result.count == 2 && !list.body.contains(key) && !list.body.contains(house.master))
            let refused = try await house.send("GET", "/platform/tokens", token: key)
            #expect(refused.status == 403 && refused.reasons.contains("master"), "\(refused)")
            #expect(try await house.send("DELETE", "/platform/tokens/2,9").errors.first?["id"] == .number(9))
            let revoked = try await house.send("GET", "/gw/devices/all", token: key)
            #expect(revoked.status == 401 && revoked.reasons.contains("revoked"), "\(revoked)")
        }
    }

    @Test("An expired token is refused, and one revoked elsewhere is found out within a second")
    func expiry() async throws {
        try await TestHouse.open { house in
            let made = try await house.send("POST", "/platform/tokens", "{\"name\":\"app\",\"ttl\":3600}")
            let key = try #require(made.result.first?["key"]?.stringValue)
            let other = try house.store.createToken(name: "x", kind: .standard, expires: nil, at: house.clock.now)
            #expect(try await house.send("GET", "/gw/devices/all", token: other.secret).status == 200)
            try house.store.revokeToken(other.id)
            house.clock.advance(seconds: 1)
            #expect(try await house.send("GET", "/gw/devices/all", token: other.secret).status == 401)
            house.clock.advance(seconds: 3_600)
            #expect(try await house.send("GET", "/gw/devices/all", token: key).reasons.contains("expired"))
        }
    }

    @Test(
        "A wrong token is not made",
        arguments: [
            ("{}", "name must have"), ("{\"name\":\"a\",\"kind\":\"root\"}", "none of master, standard"),
            ("{\"name\":\"a\",\"ttl\":0}", "whole number from 1"), ("{\"name\":\"a\",\"expires\":5}", "in the past"),
            ("{\"name\":\"a\",\"tll\":5}", "did you mean \"ttl\"?"),
        ])
    func wrongToken(body: String, reason: String) async throws {
        try await TestHouse.open { house in
            let response = try await house.send("POST", "/platform/tokens", body)
            #expect(response.status == 400 && response.reasons.contains(reason), "\(response)")
        }
    }

    @Test("A request with too many headers, or one beyond those in work, is refused")
    func limits() async throws {
        var limits = APILimits()
        limits.headerCountMax = 10
        try await TestHouse.open(limits: limits) { house in
            let headers = Dictionary(uniqueKeysWithValues: (0..<12).map { ("x-h-\($0)", "1") })
            let response = try await house.send("GET", "/gw/devices/all", headers: headers)
            #expect(response.reasons.contains("more than 10 headers"))
        }
        limits = APILimits()
        limits.concurrencyMax = 0
        try await TestHouse.open(limits: limits) { house in
            let response = try await house.send("GET", "/gw/devices/all")
            #expect(response.status == 503 && response.headers["retry-after"] == "1", "\(response)")
        }
    }
}
