import Foundation
import Glibc
import Telemetry

/// What a server answered.
struct TestResponse: Sendable, CustomStringConvertible {
    var status: Int
    /// By lower-case name.
    var headers: [String: String]
    var body: String
    /// The body as it came.
    var bytes: [UInt8] = []

    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    var result: [JSONValue] { json["result"]?.arrayValue ?? [] }
    var errors: [JSONValue] { json["errors"]?.arrayValue ?? [] }
    /// The reasons and hints of all errors, one line each.
    var reasons: String {
        errors.map { "\($0["reason"]?.stringValue ?? "?") | \($0["hint"]?.stringValue ?? "")" }.joined(separator: "\n")
    }

    var description: String { "\(status) \(body.prefix(2_000))" }
}

struct TestClientError: Error { var reason: String }

/// Speaks HTTP/1.1 over a plain socket, one connection a request, byte for byte as it is told.
struct TestClient: Sendable {
    var port: Int

    func send(_ method: String, _ path: String, body: [UInt8]?, headers: [String: String]) async throws -> TestResponse
    {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        return try await exchange(Array("\(head)\r\n".utf8) + (body ?? []))
    }

    /// Sends bytes and reads until the server closes the connection.
    func exchange(_ request: [UInt8]) async throws -> TestResponse {
        try Self.parse(try await exchangeBytes(request))
    }

    /// The same, without looking into the bytes; the client may say that it will ask no more.
    func exchangeBytes(_ request: [UInt8], endsInput: Bool = false) async throws -> [UInt8] {
        let port = port
        return try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<[UInt8], any Error>) in
            // Sockets block, so this is done off the shared pool.
            Thread.detachNewThread {
                continuation.resume(with: Result { try Self.exchange(request, port, endsInput: endsInput) })
            }
        }
    }

    /// Sends requests one behind the other on one connection, without waiting; the last one ends it. Answers come by
    /// their lengths.
    func pipelined(_ heads: [String]) async throws -> [TestResponse] {
        var rest = try await exchangeBytes(Array(heads.joined().utf8))[...]
        var responses: [TestResponse] = []
        while !rest.isEmpty {
            var response = try Self.parse(Array(rest))
            let length = Int(response.headers["content-length"] ?? "0") ?? 0
            rest = response.bytes[length...]
            response.bytes = Array(response.bytes[..<length])
            response.body = String(decoding: response.bytes, as: UTF8.self)
            responses.append(response)
        }
        return responses
    }

    /// Sends bytes and goes away without reading an answer.
    func sendAndLeave(_ request: [UInt8]) throws {
        let descriptor = try Self.connected(port)
        defer { close(descriptor) }
        Self.sendAll(descriptor, request)
    }

    private static func sendAll(_ descriptor: Int32, _ request: [UInt8]) {
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes { write(descriptor, $0) }
            // A server that has answered may close before it has read everything.
            guard count > 0 else { break }
            sent += count
        }
    }

    private static func exchange(_ request: [UInt8], _ port: Int, endsInput: Bool) throws -> [UInt8] {
        let descriptor = try connected(port)
        defer { close(descriptor) }
        sendAll(descriptor, request)
        if endsInput { shutdown(descriptor, Int32(SHUT_WR)) }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return received }
            received += buffer[..<count]
        }
    }

    /// A connection to the server, to be closed by the caller.
    static func connected(_ port: Int) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestClientError(reason: "socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr = in_addr(s_addr: inet_addr("127.0.0.1"))
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            close(descriptor)
            throw TestClientError(reason: "connect: \(errno)")
        }
        return descriptor
    }

    private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    }

    static func parse(_ bytes: [UInt8]) throws -> TestResponse {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let border = text.range(of: "\r\n\r\n") else {
            throw TestClientError(reason: "no answer: \(text.prefix(200))")
        }
        let lines = text[..<border.lowerBound].split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw TestClientError(reason: "no status")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        let head = text[..<border.upperBound].utf8.count
        return TestResponse(
            status: status, headers: headers, body: String(text[border.upperBound...]), bytes: Array(bytes[head...]))
    }
}

extension String {
    /// The text as it stands in a URL.
    var inURL: String {
        utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }.joined()
    }
}

extension TestClient {
    /// The bytes of a request on a connection that stays open, with what more its head is to say.
    static func request(
        _ target: String, _ token: String, _ more: String, method: String = "GET", body: String? = nil
    ) -> String {
        let length = body.map { "Content-Length: \($0.utf8.count)\r\n" } ?? ""
        let head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nAuthorization: FlespiToken \(token)\r\n"
        return head + length + more + "\r\n" + (body ?? "")
    }

    /// Answers as they came but for their moments; whether compressed or not, each byte is one character.
    static func withoutDates(_ bytes: [UInt8]) -> String {
        String(String.UnicodeScalarView(bytes.map { UnicodeScalar($0) }))
            .replacing(#/\r\nDate: [^\r]*/#, with: "\r\nDate: then")
    }
}
