import Fleet
import Glibc

/// One kept-alive connection to a server on this machine, with one request at a time.
final class HTTPConnection {
    struct Response {
        var status = 0
        var head = ""
        var body: [UInt8] = []

        /// The value of a header; nil if it is not there. The name in lower case.
        func header(_ name: String) -> String? {
            for line in head.split(separator: "\r\n") {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2, parts[0].lowercased() == name { return String(parts[1].drop { $0 == " " }) }
            }
            return nil
        }
    }

    private let descriptor: Int32
    private let token: String
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    init(port: Int, token: String) throws(BenchmarkError) {
        self.token = token
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw BenchmarkError("nothing listens on port \(port)") }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    func get(_ path: String) throws(BenchmarkError) -> Response { try send("GET", path, []) }

    func post(_ path: String, _ body: some Collection<UInt8>) throws(BenchmarkError) -> Response {
        try begin("POST", path, Array(body))
        return try posted(path)
    }

    /// The answer to a POST that was begun.
    func posted(_ path: String) throws(BenchmarkError) -> Response {
        let response = try read()
        guard response.status == 200 else {
            let reason = String(decoding: response.body.prefix(300), as: UTF8.self)
            throw BenchmarkError("POST \(path): \(response.status) \(reason)")
        }
        return response
    }

    func send(_ method: String, _ path: String, _ body: [UInt8]) throws(BenchmarkError) -> Response {
        try begin(method, path, body)
        return try read()
    }

    /// Sends a request; its answer is to be read before the next.
    func begin(_ method: String, _ path: String, _ body: [UInt8]) throws(BenchmarkError) {
        let length = method == "GET" ? [] : ["Content-Length: \(body.count)"]
        let lines =
            [
                "\(method) \(path) HTTP/1.1", "Host: localhost", "Authorization: FlespiToken \(token)",
            ] + length + ["", ""]
        let head = lines.joined(separator: "\r\n")
        try write(Array(head.utf8) + body)
    }

    /// A request without a body as the bytes that are sent, to be made once and asked often.
    func request(get path: String) -> [UInt8] {
        Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: FlespiToken \(token)\r\n\r\n".utf8)
    }

    /// Sends a request and reads its answer without keeping it, so that the client costs little; gives the seconds.
    func time(_ request: [UInt8]) throws(BenchmarkError) -> Double {
        let start = CPUClock.wall
        try write(request)
        var filled = 0
        var needed = Int.max
        while filled < needed {
            if filled == buffer.count { buffer += [UInt8](repeating: 0, count: buffer.count) }
            let count = buffer.withUnsafeMutableBytes { raw in
                recv(descriptor, raw.baseAddress.map { $0 + filled }, raw.count - filled, 0)
            }
            guard count > 0 else { throw BenchmarkError("the connection ended in an answer") }
            filled += count
            if needed == .max, let length = answerLength(filled) { needed = length }
        }
        return CPUClock.wall - start
    }

    /// How long the answer is whose first bytes lie in the buffer; nil while its head is not complete.
    private func answerLength(_ filled: Int) -> Int? {
        buffer.withUnsafeBytes { raw -> Int? in
            var line = 0
            var length = 0
            for index in 1..<filled where raw[index] == 10 && raw[index - 1] == 13 {
                if index - line == 1 { return index + 1 + length }
                // "Content-Length: 123": of the names that begin with a C only this one is 14 bytes long.
                if raw[line] | 32 == 99, line + 14 < index, raw[line + 14] == 58 {
                    length = raw[line + 15..<index].reduce(0) { 48...57 ~= $1 ? $0 * 10 + Int($1 - 48) : $0 }
                }
                line = index + 1
            }
            return nil
        }
    }

    private func write(_ bytes: [UInt8]) throws(BenchmarkError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.send(descriptor, raw.baseAddress.map { $0 + sent }, raw.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw BenchmarkError("the connection broke") }
            sent += count
        }
    }

    private func read() throws(BenchmarkError) -> Response {
        var bytes: [UInt8] = []
        var response = Response()
        var needed = Int.max
        while bytes.count < needed {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { throw BenchmarkError("the connection ended in an answer") }
            bytes.append(contentsOf: buffer[0..<count])
            if needed == .max, let end = Self.endOfHead(bytes) {
                response.head = String(decoding: bytes[0..<end], as: UTF8.self)
                needed = end + 4 + (response.header("content-length").flatMap { Int($0) } ?? 0)
                response.status = Int(response.head.split(separator: " ").dropFirst().first ?? "0") ?? 0
                bytes.removeFirst(end + 4)
                needed -= end + 4
            }
        }
        response.body = bytes
        return response
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        var index = 3
        while index < bytes.count {
            if bytes[(index - 3)...index].elementsEqual([13, 10, 13, 10]) { return index - 3 }
            index += 1
        }
        return nil
    }
}

struct BenchmarkError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
