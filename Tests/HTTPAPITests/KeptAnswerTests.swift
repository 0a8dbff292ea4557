import HTTPAPI
import PrimaryStore
import SeededRandom
import Telemetry
import Testing

/// Reports that are kept in memory and answered in front of the router.
@Suite("Kept answers")
struct KeptAnswerTests {
    /// A house with two devices that have a calculator and three intervals each.
    private static func open(
        limits: APILimits = APILimits(), _ body: @escaping @Sendable (TestHouse, [AssignmentKey]) async throws -> Void
    ) async throws {
        try await TestHouse.open(limits: limits, withRouterAlone: true) { house in
            let calculator = try await house.calculator()
            var keys: [AssignmentKey] = []
            for ident in ["a", "b"] {
                let device = try await house.device(ident)
                #expect(try await house.send("POST", "/gw/calcs/\(calculator)/devices/\(device)").status == 200)
                keys.append(AssignmentKey(calculator: CalculatorID(calculator), device: DeviceID(device)))
                try await house.push(keys[keys.count - 1])
            }
            try await body(house, keys)
        }
    }

    private static let targets = [
        "/gw/calcs/1/devices/1/intervals/all", "/gw/calcs/1/devices/all/intervals/all",
        "/gw/calcs/1/devices/1/intervals/last", "/gw/calcs/1/devices/1,9/intervals/all",
        "/gw/calcs/1/devices/1/intervals/all?begin=150&end=250&revision=true",
        "/gw/calcs/all/devices/all/intervals/all?fields=begin,value&reverse=true",
        "/gw/calcs/1/devices/1/intervals/all?filter=value%3E1&count=1",
        "/gw/calcs/1/devices/9/intervals/all", "/gw/calcs/1/devices/1/intervals/x",
        "/gw/calcs/1/devices/1/intervals/all?as_of=1700000001", "/gw/devices/all", "/nowhere",
    ]

    @Test("The bytes of every answer are the same with the quick way and without it", arguments: targets)
    func sameBytes(target: String) async throws {
        try await Self.open { house, _ in
            for more in [
                "", "Accept-Encoding: gzip\r\n", "If-None-Match: *\r\n", "Connection: keep-alive\r\n",
                "Accept-Encoding: gzip;q=0\r\nIf-None-Match: W/\"1\"\r\n",
            ] {
                // The first request fills the memory, the others may be answered from it.
                let request = TestClient.request(target, house.master, more)
                let last = TestClient.request("/health", house.master, "Connection: close\r\n")
                let heads = [request, request, request, last]
                let quick = try await house.client.exchangeBytes(Array(heads.joined().utf8))
                let router = try await house.routerClient.exchangeBytes(Array(heads.joined().utf8))
                #expect(TestClient.withoutDates(quick) == TestClient.withoutDates(router))
            }
            let isReport = target.contains("/intervals/") && !target.hasSuffix("/x") && !target.contains("as_of")
            let count = try await house.metric("odograph_requests_at_once_total")
            #expect((count > 0) == (isReport && !target.hasSuffix("/9/intervals/all")), "\(count)")
        }
    }

    @Test("After every change the next answer is what a fresh reading gives", arguments: [1, 2, 3] as [UInt64])
    func neverStale(seed: UInt64) async throws {
        try await Self.open { house, keys in
            var random = SeededGenerator(seed: seed)
            var value = 10.0
            for round in 1...40 {
                let key = keys[Int.random(in: 0..<2, using: &random)]
                let path = "/gw/calcs/1/devices/\(key.device)"
                value += 1
                switch Int.random(in: 0..<8, using: &random) {
                case 0: try await Self.change(house, key, [value, 2, 3])
                case 1: try await Self.change(house, key, [1, 2, value])
                case 2: try await house.send("PUT", "\(path)/intervals/last", "{\"note\":\(value)}")
                case 3: try await house.send("DELETE", "\(path)?confirm=intervals")
                case 4: try await house.send("POST", path)
                case 5:
                    try await house.send("PATCH", "/gw/calcs/1", "{\"name\":\"n\(round)\"}")
                    try await Self.change(house, key, [1, 2, 3])
                case 6: _ = try await house.device("new \(round)")
                default: break
                }
                for target in Self.targets[..<7] {
                    // A begin that nobody asked for yet is nowhere kept.
                    let fresh = target + (target.contains("?") ? "&" : "?") + "as_of=4102444800"
                    let request = TestClient.request(target, house.master, "")
                    let answers = try await house.client.pipelined([
                        request, request, TestClient.request(fresh, house.master, "Connection: close\r\n"),
                    ])
                    try #require(answers.count == 3)
                    #expect(answers[0].body == answers[1].body, "seed \(seed), round \(round)")
                    #expect(answers[1].body == answers[2].body, "seed \(seed), round \(round): \(target)")
                }
            }
            #expect(try await house.metric("odograph_requests_at_once_total") > 10)
        }
    }

    @Test("Answers keep the order of requests, those of the router and those from memory")
    func order() async throws {
        try await Self.open { house, _ in
            let kept = TestClient.request(Self.targets[0], house.master, "")
            let routed = TestClient.request("/gw/devices/1", house.master, "")
            let body = "{\"name\":\"n\"}"
            let patch =
                TestClient.request(
                    "/gw/devices/1", house.master, "Content-Length: \(body.utf8.count)\r\n", method: "PATCH") + body
            let last = TestClient.request("/health", house.master, "Connection: close\r\n")
            let answers = try await house.client.pipelined([kept, kept, routed, kept, patch, kept, routed, kept, last])
            let marks = answers.map { answer in
                answer.body.contains("\"status\"") ? "h" : answer.body.contains("\"begin\"") ? "k" : "r"
            }
            #expect(marks.joined() == "kkrkrkrkh")
        }
    }

    /// Nothing is kept, so that each report is read.
    private static var withoutRoom: APILimits {
        var limits = APILimits()
        limits.keptAnswerBytesMax = 0
        return limits
    }

    /// Reports and other requests in an order of their own, which none of them changes the answers of.
    private static func mixture(_ seed: UInt64, _ token: String) -> String {
        var random = SeededGenerator(seed: seed)
        return (0..<Int.random(in: 2...12, using: &random)).map { _ in
            let target = targets[Int.random(in: 0..<targets.count, using: &random)]
            let more = ["", "Accept-Encoding: gzip\r\n", "If-None-Match: *\r\n"][Int.random(in: 0..<3, using: &random)]
            guard Int.random(in: 0..<5, using: &random) == 0 else { return TestClient.request(target, token, more) }
            let body = "{\"name\":\"n\"}"
            let length = "Content-Length: \(body.utf8.count)\r\n"
            return TestClient.request("/gw/devices/2", token, length, method: "PATCH") + body
        }.joined()
    }

    @Test(
        "Reports that are read in front of the router keep their order, and their bytes",
        arguments: 1...20 as ClosedRange<UInt64>)
    func orderOfReading(seed: UInt64) async throws {
        try await Self.open(limits: Self.withoutRoom) { house, _ in
            // The token has to be known before anything is read in front of the router.
            #expect(try await house.send("GET", "/gw/devices/all").status == 200)
            let mixture = Self.mixture(seed, house.master)
            let last = TestClient.request("/health", house.master, "Connection: close\r\n")
            let bytes = Array((mixture + last).utf8)
            let quick = try await house.client.exchangeBytes(bytes)
            let router = try await house.routerClient.exchangeBytes(bytes)
            #expect(TestClient.withoutDates(quick) == TestClient.withoutDates(router), "seed \(seed)")
        }
    }

    @Test("A client that ends its side gets all the answers it has asked for", arguments: 1...10 as ClosedRange<UInt64>)
    func endOfInput(seed: UInt64) async throws {
        try await Self.open(limits: Self.withoutRoom) { house, _ in
            #expect(try await house.send("GET", "/gw/devices/all").status == 200)
            let bytes = Array(Self.mixture(seed, house.master).utf8)
            let quick = try await house.client.exchangeBytes(bytes, endsInput: true)
            let last = TestClient.request("/nowhere", house.master, "Connection: close\r\n")
            let whole = try await house.routerClient.exchangeBytes(bytes + Array(last.utf8))
            let end = try await house.routerClient.exchangeBytes(Array(last.utf8))
            #expect(
                TestClient.withoutDates(quick) + TestClient.withoutDates(end) == TestClient.withoutDates(whole),
                "seed \(seed)")
        }
    }

    @Test("Garbage behind a report is refused behind its answer")
    func garbage() async throws {
        try await Self.open(limits: Self.withoutRoom) { house, _ in
            #expect(try await house.send("GET", "/gw/devices/all").status == 200)
            let bytes = Array((TestClient.request(Self.targets[0], house.master, "") + "\u{1}\r\n\r\n").utf8)
            let text = String(decoding: try await house.client.exchangeBytes(bytes), as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(text.split(separator: "HTTP/1.1 ").last?.hasPrefix("400 ") == true)
        }
    }

    @Test("Clients that leave while their report is read harm nobody")
    func leaving() async throws {
        try await Self.open(limits: Self.withoutRoom) { house, _ in
            #expect(try await house.send("GET", "/gw/devices/all").status == 200)
            for _ in 1...50 {
                let requests = Self.mixture(7, house.master) + Self.mixture(8, house.master)
                try house.client.sendAndLeave(Array(requests.utf8))
            }
            #expect(try await house.send("GET", Self.targets[0]).result.count == 3)
        }
    }

    @Test("A client that has the answer is told so, until the answer is another")
    func conditional() async throws {
        try await Self.open { house, keys in
            let first = try await house.send("GET", Self.targets[0])
            let tag = try #require(first.headers["etag"])
            #expect(first.headers["vary"] == "Accept-Encoding")
            let request = TestClient.request(Self.targets[0], house.master, "If-None-Match: \"x\", \(tag)\r\n")
            let end = TestClient.request("/health", house.master, "Connection: close\r\n")
            let same = try await house.client.pipelined([request, end])
            #expect(same[0].status == 304 && same[0].body.isEmpty && same[0].headers["etag"] == tag)
            #expect(same[0].headers["x-odograph-synced"] == "true")
            try await house.push(keys[1], values: [7, 7, 7], ids: try Self.ids(house, keys[1]))
            #expect(try await house.client.pipelined([request, end])[0].status == 304, "another device's change")
            try await house.push(keys[0], values: [7, 7, 7], ids: try Self.ids(house, keys[0]))
            let other = try await house.client.pipelined([request, end])
            #expect(other[0].status == 200 && other[0].headers["etag"] != tag)
        }
    }

    @Test("A revoked or expired token opens nothing that is kept")
    func tokens() async throws {
        try await Self.open { house, _ in
            let made = try await house.send("POST", "/platform/tokens", "{\"name\":\"app\",\"ttl\":60}")
            let key = try #require(made.result.first?["key"]?.stringValue)
            let request = TestClient.request(Self.targets[0], key, "")
            let end = TestClient.request("/health", key, "Connection: close\r\n")
            #expect(try await house.client.pipelined([request, request, end]).map(\.status) == [200, 200, 200])
            let none = request.replacing("Authorization", with: "X-Nothing")
            #expect(try await house.client.pipelined([none, end])[0].status == 401)
            #expect(try await house.client.pipelined([request.replacing(key, with: "wrong"), end])[0].status == 401)
            house.clock.advance(seconds: 61)
            #expect(try await house.client.pipelined([request, end])[0].status == 401)
            let other = try await house.send("POST", "/platform/tokens", "{\"name\":\"app\"}")
            let second = try #require(other.result.first?["key"]?.stringValue)
            let asked = request.replacing(key, with: second)
            #expect(try await house.client.pipelined([asked, asked, end])[1].status == 200)
            #expect(try await house.send("DELETE", "/platform/tokens/3").status == 200)
            #expect(try await house.client.pipelined([asked, end])[0].status == 401)
        }
    }

    @Test("What is kept is counted in bytes and bounded")
    func bounded() async throws {
        var limits = APILimits()
        limits.keptAnswerBytesMax = 20_000
        try await Self.open(limits: limits) { house, _ in
            for begin in 0..<100 {
                let target = "\(Self.targets[0])?begin=\(begin)"
                #expect(try await house.send("GET", target).result.count == 3)
                let bytes = try await house.metric("odograph_kept_answer_bytes")
                #expect(bytes <= 20_000 && bytes > 0)
            }
            #expect(try await house.metric("odograph_reports_read_total") == 100)
        }
    }

    @Test("Without room nothing is kept, and the answers are the same")
    func noRoom() async throws {
        try await Self.open(limits: Self.withoutRoom) { house, _ in
            let request = TestClient.request(Self.targets[0], house.master, "")
            let end = TestClient.request("/health", house.master, "Connection: close\r\n")
            let answers = try await house.client.pipelined([request, request, end])
            #expect(answers[1].result.count == 3)
            let count = try await house.metric("odograph_requests_at_once_total")
            #expect(count == 0)
            #expect(try await house.metric("odograph_reports_read_total") == 2)
        }
    }

    /// Pushes with the calculator's present revision, if it is assigned.
    private static func change(_ house: TestHouse, _ key: AssignmentKey, _ values: [Double]) async throws {
        guard try house.store.assignment(key) != nil else { return }
        let revision = try house.store.registry().calculators[0].revision
        try await house.push(key, revision: revision, values: values, ids: try ids(house, key))
    }

    private static func ids(_ house: TestHouse, _ key: AssignmentKey) throws -> [Int64?] {
        let held = try house.store.heldIntervals(key)
        return (0..<3).map { $0 < held.count ? held[$0].id : nil }
    }
}
