import Glibc

/// What a server answered, byte for byte.
struct Answer: Sendable, CustomStringConvertible {
    var status: Int
    /// By lower-case name.
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    var description: String { "\(status) \(text.prefix(1_000))" }

    init(_ bytes: [UInt8]) throws {
        let border = bytes.firstRange(of: Array("\r\n\r\n".utf8))
        guard let border else { throw Obstacle("the connection ended without an answer") }
        let lines = String(decoding: bytes[..<border.lowerBound], as: UTF8.self).split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Obstacle("no status")
        }
        self.status = status
        headers = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        body = Array(bytes[border.upperBound...])
        guard let length = headers["content-length"].flatMap({ Int($0) }), length == body.count else {
            throw Obstacle("the connection ended in an answer")
        }
    }
}

/// HTTP/1.1 over a plain socket, a connection for each request.
enum Wire {
    /// The longest silence of a server.
    private static let secondsMax = 30

    static func send(
        _ method: String, _ path: String, body: [UInt8]? = nil, token: String?, port: Int
    ) async throws -> Answer {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        if let token { head += "Authorization: FlespiToken \(token)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        let request = Array("\(head)\r\n".utf8) + (body ?? [])
        let received = await offPool { exchange(request, port) }
        guard let received else { throw Obstacle("nothing listens on port \(port)") }
        return try Answer(received)
    }

    /// Sends a request and reads until the connection ends; nil if there is no server.
    private static func exchange(_ request: [UInt8], _ port: Int) -> [UInt8]? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var patience = timeval(tv_sec: secondsMax, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr = in_addr(s_addr: inet_addr("127.0.0.1"))
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { return nil }
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return received }
            received += buffer[..<count]
        }
    }
}
