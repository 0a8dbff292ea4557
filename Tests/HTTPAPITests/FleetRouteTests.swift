import HTTPTypes
import Publishing
import SeededRandom
import Telemetry
import Testing

@testable import HTTPAPI

/// The dashboard's routes, whatever answers them.
@Suite("Fleet routes")
struct FleetRouteTests {
    static let fine = Result<ReportAnswer, ReportError>.success(ReportAnswer(json: Array("{\"a\":1}".utf8)))

    /// Every route with a request that is right.
    static let requests: [(method: String, path: String, asked: String)] = [
        ("GET", "/webhook/live-positions", "live - -"),
        ("GET", "/webhook/live-positions/track?vehicle_number=KDA", "track KDA 24"),
        ("POST", "/webhook/fleet-dashboard", "dashboard [] - - - today lines"),
        ("GET", "/webhook/fleet-dashboard", "dashboard [] - - - today lines"),
        ("GET", "/webhook/fleet-dashboard/path?trip_id=7", "path 7"), ("GET", "/health/ingest", "health"),
    ]

    @Test("A report is given as it is, never kept, and to those with a token only", arguments: requests)
    func answers(method: String, path: String, asked: String) async throws {
        let reports = RecordedReports(Self.fine)
        try await TestHouse.open(fleetReports: reports) { house in
            let response = try await house.send(method, path)
            #expect(response.status == 200 && response.body == "{\"a\":1}", "\(response)")
            #expect(response.headers["content-type"] == "application/json; charset=utf-8")
            #expect(response.headers["cache-control"] == "no-store" && response.headers["vary"] == nil)
            #expect(reports.asked == [asked])
            let stranger = try await house.client.send(method, path, body: nil, headers: [:])
            #expect(stranger.status == 401 && stranger.json["error"]?["code"] == .string("unauthorized"), "\(stranger)")
            #expect(reports.asked.count == 1)
        }
    }

    @Test(
        "What cannot be answered has a status, a word and a reason",
        arguments: [
            (ReportError.tooMany("more than 20000 trips"), 413, "too_large", "more than 20000 trips", false),
            (.unavailable("PostgreSQL is away"), 503, "unavailable", "PostgreSQL is away", true),
            (.failed("no schema"), 500, "failure", "no schema", false),
        ])
    func failures(error: ReportError, status: Int, code: String, message: String, comesAgain: Bool) async throws {
        try await TestHouse.open(fleetReports: RecordedReports(.failure(error))) { house in
            for (method, path, _) in Self.requests {
                let response = try await house.send(method, path)
                #expect(response.status == status, "\(response)")
                #expect(response.body == "{\"error\":{\"code\":\"\(code)\",\"message\":\"\(message)\"}}")
                #expect((response.headers["retry-after"] != nil) == comesAgain)
                #expect(response.headers["cache-control"] == "no-store")
            }
        }
    }

    @Test("What is not found is 404 with its own body, where there is one; an unhealthy ingest is 503")
    func states() async throws {
        let lost = ReportAnswer(json: Array("{\"found\":false}".utf8), isFound: false)
        try await TestHouse.open(fleetReports: RecordedReports(.success(lost))) { house in
            let track = try await house.send("GET", "/webhook/live-positions/track?vehicle_number=x")
            #expect(track.status == 404 && track.body == "{\"found\":false}", "\(track)")
            let path = try await house.send("GET", "/webhook/fleet-dashboard/path?trip_id=1")
            #expect(path.status == 404 && path.json["error"]?["code"] == .string("not_found"), "\(path)")
        }
        let ill = ReportAnswer(json: Array("{\"ok\":false}".utf8), isHealthy: false)
        try await TestHouse.open(fleetReports: RecordedReports(.success(ill))) { house in
            let health = try await house.send("GET", "/health/ingest")
            #expect(health.status == 503 && health.body == "{\"ok\":false}", "\(health)")
            let open = try await house.client.send("GET", "/health", body: nil, headers: [:])
            #expect(open.status == 200 && open.body == "{\"status\":\"ok\"}")
        }
    }

    @Test(
        "A request that makes no sense is refused with what is wrong",
        arguments: [
            ("/webhook/live-positions?acc_status=maybe", "acc_status must be on, off, 1 or 0"),
            ("/webhook/live-positions?cost_center=1", "there is no query parameter"),
            ("/webhook/live-positions/track", "vehicle_number is missing"),
            ("/webhook/live-positions/track?vehicle_number=x&hours=long", "hours must be a whole number"),
            ("/webhook/fleet-dashboard/path?trip_id=x", "trip_id must be"),
            ("/webhook/fleet-dashboard/path", "trip_id must be"),
            ("/webhook/fleet-dashboard?start_date=2026-11-31", "start_date must be a day"),
            ("/webhook/fleet-dashboard?start_date=2026-11-02&end_date=2026-11-01", "is before start_date"),
            ("/webhook/fleet-dashboard?start_date=2026-01-01&end_date=2026-04-04", "more than 93 days"),
            ("/webhook/live-positions?cost_centre=%00", "has a NUL character"),
            ("/webhook/fleet-dashboard?driver=a%00b", "has a NUL character"),
            ("/webhook/fleet-dashboard?include_path=perhaps", "include_path must be true or false"),
        ])
    func refusals(path: String, message: String) async throws {
        let reports = RecordedReports(Self.fine)
        try await TestHouse.open(fleetReports: reports) { house in
            let response = try await house.send("GET", path)
            #expect(response.status == 400 && response.json["error"]?["code"] == .string("bad_request"), "\(response)")
            #expect(response.json["error"]?["message"]?.stringValue?.contains(message) == true, "\(response)")
            #expect(reports.asked.isEmpty)
        }
    }

    @Test(
        "A query of the dashboard is read from a body or a query string alike; what is empty is no filter",
        arguments: [
            (
                """
                {"vehicle_numbers":["KDA 001A","KDB"],"driver":null,"cost_centre":"CC-1","city":"",\
                "start_date":"2026-11-01","end_date":"2026-11-07","include_path":true}
                """,
                "vehicle_numbers=KDA+001A&vehicle_numbers=KDB&cost_centre=CC-1&city=&start_date=2026-11-01"
                    + "&end_date=2026-11-07&include_path=true",
                "dashboard [\"KDA 001A\", \"KDB\"] - CC-1 - 2026-11-01…2026-11-07 paths"
            ),
            ("{\"vehicle_numbers\":\"KDA\"}", "vehicle_numbers=KDA", "dashboard [\"KDA\"] - - - today lines"),
            ("{\"vehicle_numbers\":\"\"}", "vehicle_numbers=", "dashboard [] - - - today lines"),
            (
                "{\"vehicle_numbers\":[],\"end_date\":\"2026-11-07\"}", "end_date=2026-11-07",
                "dashboard [] - - - 2026-11-07…2026-11-07 lines"
            ),
            (
                "{\"driver\":\"O'Brien\",\"start_date\":\"2026-01-01\",\"end_date\":\"2026-04-03\"}",
                "driver=O'Brien&start_date=2026-01-01&end_date=2026-04-03",
                "dashboard [] O'Brien - - 2026-01-01…2026-04-03 lines"
            ),
        ])
    func queries(body: String, query: String, asked: String) async throws {
        let reports = RecordedReports(Self.fine)
        try await TestHouse.open(fleetReports: reports) { house in
            _ = try await house.send("POST", "/webhook/fleet-dashboard", body)
            _ = try await house.send("GET", "/webhook/fleet-dashboard?\(query)")
            #expect(reports.asked == [asked, asked])
        }
    }

    @Test(
        "A body that is not what it should be is refused",
        arguments: ["[]", "{", "{\"vehicles\":[]}", "{\"vehicle_numbers\":[1]}", "{\"driver\":7}"])
    func bodies(body: String) async throws {
        try await TestHouse.open(fleetReports: RecordedReports(Self.fine)) { house in
            let response = try await house.send("POST", "/webhook/fleet-dashboard", body)
            #expect(response.status == 400 && response.json["error"]?["message"] != nil, "\(response)")
        }
    }

    @Test("Unknown paths, wrong methods and large bodies are told in the dashboard's way")
    func around() async throws {
        var limits = APILimits()
        limits.bodyBytesMax = 100
        try await TestHouse.open(limits: limits, fleetReports: RecordedReports(Self.fine)) { house in
            let unknown = try await house.send("GET", "/webhook/live-position")
            #expect(unknown.status == 404 && unknown.json["error"]?["code"] == .string("not_found"), "\(unknown)")
            #expect(unknown.json["error"]?["hint"]?.stringValue?.contains("live-positions") == true)
            let method = try await house.send("DELETE", "/webhook/live-positions")
            #expect(method.status == 405 && method.json["error"]?["code"] == .string("method_not_allowed"))
            let large = try await house.send(
                "POST", "/webhook/fleet-dashboard", "{\"driver\":\"" + String(repeating: "x", count: 200) + "\"}")
            #expect(large.status == 413 && large.json["error"]?["code"] == .string("too_large"), "\(large)")
        }
    }

    @Test("Pages of the listed origins may ask, and others may not; a question beforehand needs no token")
    func origins() async throws {
        var fleet = FleetOptions()
        fleet.origins = ["https://map.example.org", "http://localhost:5173"]
        try await TestHouse.open(fleet: fleet, fleetReports: RecordedReports(Self.fine)) { house in
            for path in ["/webhook/fleet-dashboard", "/webhook/live-positions", "/health/ingest", "/health"] {
                let asked = try await house.client.send(
                    "OPTIONS", path, body: nil,
                    headers: [
                        "Origin": "https://map.example.org", "Access-Control-Request-Method": "POST",
                        "Access-Control-Request-Headers": "authorization,content-type",
                    ])
                #expect(asked.status == 204 && asked.body.isEmpty, "\(asked)")
                #expect(asked.headers["access-control-allow-origin"] == "https://map.example.org")
                #expect(asked.headers["access-control-allow-methods"] == "GET, POST, OPTIONS")
                #expect(asked.headers["access-control-allow-headers"] == "Authorization, Content-Type")
                #expect(asked.headers["vary"] == "Origin")
                let refused = try await house.client.send(
                    "OPTIONS", path, body: nil, headers: ["Origin": "https://evil.example.org"])
                #expect(refused.status == 204 && refused.headers["access-control-allow-origin"] == nil)
                #expect(refused.headers["access-control-allow-methods"] == nil)
            }
            let answer = try await house.send(
                "GET", "/webhook/live-positions", headers: ["Origin": "http://localhost:5173"])
            #expect(answer.headers["access-control-allow-origin"] == "http://localhost:5173")
            let failure = try await house.send(
                "GET", "/webhook/live-positions?acc_status=x", headers: ["Origin": "http://localhost:5173"])
            #expect(failure.status == 400 && failure.headers["access-control-allow-origin"] != nil, "\(failure)")
            let elsewhere = try await house.send(
                "GET", "/gw/devices/all", headers: ["Origin": "http://localhost:5173"])
            #expect(elsewhere.headers["access-control-allow-origin"] == nil)
            #expect(elsewhere.headers["cache-control"] == nil)
        }
    }

    @Test("Answers over a kilobyte are compressed for those who take it")
    func compression() async throws {
        let text = "{\"a\":\"" + String(repeating: "abc", count: 5_000) + "\"}"
        let reports = RecordedReports(.success(ReportAnswer(json: Array(text.utf8))))
        try await TestHouse.open(fleetReports: reports) { house in
            let small = try await house.send(
                "GET", "/webhook/live-positions", headers: ["Accept-Encoding": "deflate, gzip;q=0.8"])
            #expect(small.headers["content-encoding"] == "gzip" && small.bytes.count < 1_000)
            #expect(inflated(small.bytes).map { String(decoding: $0, as: UTF8.self) } == text)
            for refusal in ["identity", "gzip;q=0", "br"] {
                let plain = try await house.send(
                    "GET", "/webhook/live-positions", headers: ["Accept-Encoding": refusal])
                #expect(plain.headers["content-encoding"] == nil && plain.body == text)
            }
        }
        try await TestHouse.open(fleetReports: RecordedReports(Self.fine)) { house in
            let short = try await house.send("GET", "/webhook/live-positions", headers: ["Accept-Encoding": "gzip"])
            #expect(short.headers["content-encoding"] == nil && short.body == "{\"a\":1}")
        }
    }

    @Test("Any bytes come out of gzip as they went in", arguments: 0..<10)
    func gzip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 0...200_000, using: &generator)
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...(seed % 2 == 0 ? 255 : 3), using: &generator) }
        let compressed = try #require(Gzip.compressed(bytes))
        #expect(inflated(compressed) == bytes, "seed \(seed)")
    }
}
