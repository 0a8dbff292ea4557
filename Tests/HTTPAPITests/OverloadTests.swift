import Foundation
import Glibc
import HTTPAPI
import Telemetry
import Testing

/// More than can be taken is refused before it is acknowledged, and the memory of bodies stays within its bound.
struct OverloadTests {
    private static func limits(bodiesBytesMax: Int) -> APILimits {
        var limits = APILimits()
        limits.bodiesBytesMax = bodiesBytesMax
        return limits
    }

    /// A body of one message that is so many bytes long.
    private static func body(second: Int, byteCount: Int = 0) -> String {
        let plain = "[{\"timestamp\":\(1_699_990_000 + second),\"note\":\"\"}]"
        let filling = String(repeating: "x", count: max(0, byteCount - plain.utf8.count))
        return plain.replacing("\"note\":\"\"", with: "\"note\":\"\(filling)\"")
    }

    private static func storedCount(_ house: TestHouse) async throws -> Int {
        try await house.send("GET", "/gw/devices/1/messages?count=1000&fields=timestamp").result.count
    }

    @Test("while bodies hold all the memory they may, others get 429, nothing of them is stored, and later they are")
    func heldBody() async throws {
        try await TestHouse.open(limits: Self.limits(bodiesBytesMax: 20_000)) { house in
            _ = try await house.device("a")
            let first = Self.body(second: 1, byteCount: 15_000)
            let slow = try HeldRequest(house, "/gw/devices/1/messages", first, sending: 12_000)
            try await house.wait { try await house.metric("odograph_bodies_bytes") == 12_000 }
            #expect(try await house.metric("odograph_bodies_bytes") == 12_000)
            let second = Self.body(second: 2, byteCount: 9_000)
            let refused = try await house.send("POST", "/gw/devices/1/messages", second)
            #expect(refused.status == 429 && refused.headers["retry-after"] == "1", "\(refused)")
            #expect(refused.errors.first?["code"] == .number(13), "\(refused)")
            #expect(try await house.send("POST", "/gw/devices/1/messages", Self.body(second: 3)).status == 200)
            #expect(try await slow.finish().status == 200)
            #expect(try await Self.storedCount(house) == 2)
            #expect(try await house.send("POST", "/gw/devices/1/messages", second).status == 200)
            #expect(try await Self.storedCount(house) == 3)
            #expect(try await house.metric("odograph_overloaded_total{cause=\"bodies\"}") == 1)
            #expect(try await house.metric("odograph_bodies_bytes") == 0)
        }
    }

    @Test("many senders over the bound, who send again what was refused, lose nothing, and the bound holds")
    func manySenders() async throws {
        try await TestHouse.open(limits: Self.limits(bodiesBytesMax: 100_000)) { house in
            _ = try await house.device("a")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<16 {
                    group.addTask {
                        for round in 0..<4 {
                            let body = Self.body(second: sender * 4 + round, byteCount: 40_000)
                            var status = 429
                            while status == 429 {
                                status = try await house.send("POST", "/gw/devices/1/messages", body).status
                            }
                            #expect(status == 200)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await Self.storedCount(house) == 64)
            #expect(try await house.metric("odograph_messages_accepted_total") == 64)
            let most = try await house.metric("odograph_bodies_bytes_most")
            #expect(most >= 40_000 && most <= 100_000)
            #expect(try await house.metric("odograph_bodies_bytes") == 0)
        }
    }

    @Test("a body that alone is over the bound is refused, chunked or not, and leaves nothing behind")
    func tooLargeAlone() async throws {
        try await TestHouse.open(limits: Self.limits(bodiesBytesMax: 10_000)) { house in
            _ = try await house.device("a")
            let body = Self.body(second: 1, byteCount: 30_000)
            let plain = try await house.send("POST", "/gw/devices/1/messages", body)
            let head = """
                POST /gw/devices/1/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Authorization: FlespiToken \(house.master)\r\nTransfer-Encoding: chunked\r\n\r\n
                """
            let chunk = "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
            let chunked = try await house.client.exchange(Array((head + chunk).utf8))
            #expect(plain.status == 429 && chunked.status == 429, "\(plain) \(chunked)")
            #expect(try await house.metric("odograph_bodies_bytes") == 0)
            #expect(try await Self.storedCount(house) == 0)
        }
    }

    @Test("while too much of the log waits to be calculated, messages are told to come again, and all else is answered")
    func log() async throws {
        var limits = APILimits()
        limits.logRowsWaitingMax = 10
        try await TestHouse.open(limits: limits) { house in
            _ = try await house.device("a")
            house.calculation.logRowsWaiting = 11
            let refused = try await house.send("POST", "/gw/devices/1/messages", Self.body(second: 1))
            #expect(refused.status == 429 && refused.headers["retry-after"] == "5", "\(refused)")
            #expect(refused.reasons.contains("11 batches of messages wait"), "\(refused)")
            _ = try await house.device("b")
            #expect(try await Self.storedCount(house) == 0)
            house.calculation.logRowsWaiting = 10
            #expect(try await house.send("POST", "/gw/devices/1/messages", Self.body(second: 1)).status == 200)
            #expect(try await house.metric("odograph_overloaded_total{cause=\"log\"}") == 1)
            #expect(try await house.metric("odograph_log_rows_waiting") == 10)
        }
    }
}

/// A request whose sender stops in the middle of the body, and goes on when it is told to.
private struct HeldRequest: Sendable {
    private let descriptor: Int32
    private let rest: [UInt8]

    init(_ house: TestHouse, _ path: String, _ body: String, sending count: Int) throws {
        let head = """
            POST \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\
            Authorization: FlespiToken \(house.master)\r\n\r\n
            """
        descriptor = try TestClient.connected(house.client.port)
        rest = Array(body.utf8.dropFirst(count))
        try Self.write(Array(head.utf8) + body.utf8.prefix(count), to: descriptor)
    }

    /// Sends what is left and reads the answer.
    func finish() async throws -> TestResponse {
        let (descriptor, rest) = (descriptor, rest)
        let bytes = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<[UInt8], any Error>) in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        defer { close(descriptor) }
                        try Self.write(rest, to: descriptor)
                        return Self.read(descriptor)
                    })
            }
        }
        return try TestClient.parse(bytes)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.send(descriptor, raw.baseAddress.map { $0 + sent }, raw.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw TestClientError(reason: "send") }
            sent += count
        }
    }

    private static func read(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }
}
