import Foundation
import HTTPAPI
import PrimaryStore
import SeededRandom
import Telemetry
import Testing

/// Messages that are taken in front of the router.
@Suite("Messages in front of the router")
struct QuickStoringTests {
    private static let path = "/gw/devices/all/messages"
    private static let present = 1_700_000_000

    /// A house with the devices a and b, whose horizons are known.
    private static func open(
        limits: APILimits = APILimits(), _ body: @escaping @Sendable (TestHouse) async throws -> Void
    ) async throws {
        try await TestHouse.open(limits: limits, withRouterAlone: true) { house in
            for ident in ["a", "b"] {
                _ = try await house.device(ident)
                #expect(try await house.send("POST", path, message(0, ident)).status == 200)
            }
            try await body(house)
        }
    }

    private static func message(_ second: Int, _ ident: String = "a", more: String = "") -> String {
        "[{\"ident\":\"\(ident)\",\"timestamp\":\(present - 1_000 + second)\(more)}]"
    }

    private static func post(_ house: TestHouse, _ body: String, _ more: String = "", to path: String = path) -> String
    {
        TestClient.request(path, house.master, more, method: "POST", body: body)
    }

    private static func last(_ house: TestHouse) -> String {
        TestClient.request("/health", house.master, "Connection: close\r\n")
    }

    private static func storedCount(_ house: TestHouse) async throws -> Int {
        let target = "/gw/devices/all/messages?count=10000&fields=timestamp"
        return try await house.send("GET", target).result.count
    }

    private static func takenCount(_ house: TestHouse) async throws -> Int {
        try await house.metric("odograph_requests_stored_at_once_total")
    }

    /// Bodies, and whether each is taken in front of the router.
    private static let bodies: [(body: String, isTaken: Bool)] = [
        (message(1), true), (message(1) + " ", true),
        (message(1).replacing("[", with: "").replacing("]", with: ""), true),
        ("[\(message(2).dropFirst().dropLast()),\(message(3, "b").dropFirst())", true),
        (message(4, more: ",\"note\":\"é\",\"x\":{\"y\":[1,2]},\"z\":null"), true), ("", false), ("[]", false),
        ("[", false), ("{\"a\"", false), ("nothing", false), ("[1,2]", false), (message(5, "c"), false),
        (message(100_000), false), (message(6, more: ",\"\":1"), false),
        (message(7).replacing("69999", with: ""), false),
        ("[{\"ident\":\"a\"}]", false),
        (message(8, more: ",\"fill\":\"\(String(repeating: "x", count: 60_000))\""), true),
        ("[" + String(repeating: " ", count: 65_536) + message(9).dropFirst(), false),
    ]

    @Test("The bytes of every answer are the same with the quick way and without it", arguments: 0..<bodies.count)
    func sameBytes(index: Int) async throws {
        try await Self.open { house in
            let (body, isTaken) = Self.bodies[index]
            for more in [
                "", "Connection: keep-alive\r\nContent-Type: application/json\r\n", "Accept-Encoding: gzip\r\n",
            ] {
                let post = Self.post(house, body, more)
                let bytes = Array((post + post + Self.last(house)).utf8)
                let quick = try await house.client.exchangeBytes(bytes)
                let router = try await house.routerClient.exchangeBytes(bytes)
                #expect(TestClient.withoutDates(quick) == TestClient.withoutDates(router), "\(body.prefix(200))")
            }
            let count = try await Self.takenCount(house)
            #expect(count == (isTaken ? 6 : 0), "\(body.prefix(200))")
            try await Self.expectIdle(house)
        }
    }

    @Test(
        "What a request asks in another way is the router's, and answered the same",
        arguments: [
            "/gw/devices/1/messages?history=true", "/gw/devices/9/messages", "/gw/devices/x=/messages",
            "/gw/devices/1/messages/", "/gw/devices//messages", "/gw/devices/%31/messages",
            "/gw/devices/1/messages?x=1",
        ])
    func otherTargets(target: String) async throws {
        try await Self.open { house in
            let bytes = Array((Self.post(house, Self.message(1), to: target) + Self.last(house)).utf8)
            let quick = try await house.client.exchangeBytes(bytes)
            let router = try await house.routerClient.exchangeBytes(bytes)
            #expect(TestClient.withoutDates(quick) == TestClient.withoutDates(router))
            #expect(try await Self.takenCount(house) == 0)
        }
    }

    @Test("Nobody stores without a token that is valid")
    func tokens() async throws {
        try await Self.open { house in
            for token in ["", "wrong"] {
                let post = Self.post(house, Self.message(1)).replacing(house.master, with: token)
                let answers = try await house.client.pipelined([post, Self.last(house)])
                #expect(answers[0].status == 401)
            }
            #expect(try await Self.storedCount(house) == 2)
        }
    }

    @Test(
        "Requests in any order on one connection are answered in theirs, and all messages are there",
        arguments: 1...20 as ClosedRange<UInt64>)
    func order(seed: UInt64) async throws {
        try await Self.open { house in
            var random = SeededGenerator(seed: seed)
            var (requests, seconds) = ([String](), Set<Int>())
            for second in 1...Int.random(in: 2...40, using: &random) {
                let fill = String(repeating: "x", count: Int.random(in: 0...9_000, using: &random))
                switch Int.random(in: 0..<6, using: &random) {
                case 0: requests.append(TestClient.request("/gw/devices/1", house.master, ""))
                case 1: requests.append(Self.post(house, "[", ""))
                case 2: requests.append(TestClient.request("/gw/calcs/1/devices/1/intervals/all", house.master, ""))
                default:
                    let ident = ["a", "b"].randomElement(using: &random) ?? "a"
                    requests.append(Self.post(house, Self.message(second, ident, more: ",\"fill\":\"\(fill)\"")))
                    seconds.insert(second)
                }
            }
            let bytes = Array((requests.joined() + Self.last(house)).utf8)
            let quick = try await house.client.exchangeBytes(bytes)
            let count = try await Self.storedCount(house)
            #expect(count == seconds.count + 2, "seed \(seed)")
            let router = try await house.routerClient.exchangeBytes(bytes)
            #expect(TestClient.withoutDates(quick) == TestClient.withoutDates(router), "seed \(seed)")
            try await Self.expectIdle(house)
        }
    }

    @Test("Clients that leave in the middle of a body or before the answer leave nothing in work")
    func leaving() async throws {
        try await Self.open { house in
            let fill = ",\"fill\":\"\(String(repeating: "x", count: 20_000))\""
            let post = Self.post(house, Self.message(1, more: fill))
            for count in stride(from: 1, to: post.utf8.count, by: 1_000) {
                try house.client.sendAndLeave(Array(post.utf8.prefix(count)))
            }
            // The last one is whole: once it is stored, the others have been read.
            try house.client.sendAndLeave(Array(post.utf8))
            try await house.wait { try await Self.storedCount(house) == 3 }
            #expect(try await Self.storedCount(house) == 3)
            try await Self.expectIdle(house)
        }
    }

    @Test("A client that ends its side behind its messages gets the answer, and nothing of half a body is stored")
    func endOfInput() async throws {
        try await Self.open { house in
            let post = Self.post(house, Self.message(1))
            let answer = try await house.client.exchangeBytes(Array((post + post).utf8), endsInput: true)
            #expect(TestClient.withoutDates(answer).components(separatedBy: "HTTP/1.1 200 OK").count == 3)
            _ = try await house.client.exchangeBytes(Array(post.utf8.dropLast()), endsInput: true)
            try await Self.expectIdle(house)
            #expect(try await Self.storedCount(house) == 3)
        }
    }

    @Test("Garbage behind messages is refused behind their answer")
    func garbage() async throws {
        try await Self.open { house in
            let bytes = Array((Self.post(house, Self.message(1)) + "\u{1}\r\n\r\n").utf8)
            let text = String(decoding: try await house.client.exchangeBytes(bytes), as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(text.components(separatedBy: "HTTP/1.1 ").last?.hasPrefix("400 ") == true)
        }
    }

    @Test("What the store refuses, the router tells")
    func refusal() async throws {
        try await Self.open { house in
            house.store.close()
            let bytes = Array((Self.post(house, Self.message(1)) + Self.last(house)).utf8)
            let quick = try await house.client.exchangeBytes(bytes)
            let router = try await house.routerClient.exchangeBytes(bytes)
            #expect(TestClient.withoutDates(quick) == TestClient.withoutDates(router))
            #expect(!TestClient.withoutDates(quick).hasPrefix("HTTP/1.1 200"))
            try await Self.expectIdle(house)
        }
    }

    @Test("While too much of the log waits, messages are told to come again")
    func fullLog() async throws {
        var limits = APILimits()
        limits.logRowsWaitingMax = 10
        try await Self.open(limits: limits) { house in
            house.calculation.logRowsWaiting = 11
            let answers = try await house.client.pipelined([Self.post(house, Self.message(1)), Self.last(house)])
            #expect(answers[0].status == 429 && answers[0].headers["retry-after"] == "5")
            #expect(try await Self.storedCount(house) == 2)
        }
    }

    /// Nothing is in work but the request that asks, and no body is held.
    private static func expectIdle(_ house: TestHouse) async throws {
        try await house.wait { try await house.metric("odograph_requests_in_work") == 1 }
        #expect(try await house.metric("odograph_requests_in_work") == 1)
        #expect(try await house.metric("odograph_bodies_bytes") == 0)
    }
}
