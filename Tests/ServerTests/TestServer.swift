import Foundation
import Glibc
import Telemetry

/// An `odograph serve` of a test's own, on a free port.
final class TestServer: Sendable {
    let child: Child
    let port: Int
    /// The master token.
    let token: String
    /// What it logs.
    let logPath: String

    /// Starts a server on `data` in a folder and waits until it listens.
    init(
        _ folder: Folder, data: String = "data", arguments: [String] = [], environment: [String: String] = [:]
    ) async throws {
        let path = folder.path + "/" + data
        logPath = folder.path + "/server.log"
        child = try Child(
            ["serve", "--data", path, "--listen", "127.0.0.1:0"] + arguments, environment: environment,
            output: "/dev/null", errors: logPath)
        port = try await Self.port(child, logPath)
        let secret = FileManager.default.contents(atPath: path + "/master-token") ?? Data()
        token = String(decoding: secret, as: UTF8.self).filter { $0 != "\n" }
    }

    /// The port that a starting server says it listens on.
    static func port(_ child: Child, _ logPath: String) async throws -> Int {
        let deadline = Deadline(seconds: 30)
        while !deadline.isOver {
            let hasEnded = await child.ends(within: 10)
            let log = String(decoding: FileManager.default.contents(atPath: logPath) ?? Data(), as: UTF8.self)
            // The line is complete once what comes after the address stands there.
            if let range = log.range(of: "url=http://127.0.0.1:"), log[range.upperBound...].contains(" ") {
                return Int(log[range.upperBound...].prefix { $0.isNumber }) ?? 0
            }
            if hasEnded { throw Obstacle("the server ended: \(log.suffix(1_000))") }
        }
        throw Obstacle("the server does not listen")
    }

    /// Ends it as a supervisor does; gives its exit status.
    @discardableResult
    func stop(within seconds: Double = 10) async throws -> Int32 {
        child.signal(SIGTERM)
        return try await child.end(within: seconds)
    }

    /// Ends it as a loss of power does.
    func kill() async throws {
        child.signal(SIGKILL)
        _ = try await child.end(within: 10)
    }

    func send(_ method: String, _ path: String, body: [UInt8]? = nil) async throws -> Answer {
        try await Wire.send(method, path, body: body, token: token, port: port)
    }

    func get(_ path: String) async throws -> Answer { try await done("GET", path, nil) }

    @discardableResult
    func post(_ path: String, _ body: String = "") async throws -> Answer { try await done("POST", path, body) }

    @discardableResult
    func put(_ path: String, _ body: String) async throws -> Answer { try await done("PUT", path, body) }

    private func done(_ method: String, _ path: String, _ body: String?) async throws -> Answer {
        let answer = try await send(method, path, body: body.map { Array($0.utf8) })
        guard answer.status == 200 else { throw Obstacle("\(method) \(path): \(answer)") }
        return answer
    }

    /// Asks again and again until a condition holds; what was asked for last if it does not come to hold in time.
    @discardableResult
    func poll(
        _ path: String, within seconds: Double = 30, until condition: (Answer) -> Bool
    ) async throws -> Answer {
        let deadline = Deadline(seconds: seconds)
        while true {
            let answer = try await get(path)
            if condition(answer) || deadline.isOver { return answer }
            if await child.ends(within: 20) { throw Obstacle("the server ended") }
        }
    }
}

extension TestServer {
    /// Creates devices with these idents; their ids count up from 1 in a new folder.
    func createDevices(_ idents: [String]) async throws {
        let items = idents.map { #"{"name":"\#($0)","configuration":{"ident":"\#($0)"}}"# }
        try await post("/gw/devices", "[\(items.joined(separator: ","))]")
    }

    func createCalculator(_ text: String) async throws { try await post("/gw/calcs", text) }

    /// Posts messages of a device.
    func postMessages(_ messages: some Sequence<String>, device: Int, history: Bool = false) async throws {
        let suffix = history ? "?history=true" : ""
        try await post("/gw/devices/\(device)/messages\(suffix)", "[\(messages.joined(separator: ","))]")
    }

    /// The intervals of assignments once the headers say that nothing is pending.
    func settledIntervals(_ path: String, within seconds: Double = 30) async throws -> Answer {
        let answer = try await poll(path, within: seconds) { $0.isSettled }
        guard answer.isSettled else { throw Obstacle("\(path) is pending after \(seconds) s: \(answer.headers)") }
        return answer
    }

    /// The bytes of an assignment's intervals without what the store gives them, once they are what is expected; what
    /// they are in the end if they never are.
    func intervals(
        calculator: Int, device: Int, expecting expected: String, within seconds: Double = 30
    ) async throws -> String {
        let path = "/gw/calcs/\(calculator)/devices/\(device)/intervals/all"
        let answer = try await poll(path, within: seconds) { Intervals.withoutIdentity($0.text) == expected }
        return Intervals.withoutIdentity(answer.text)
    }
}

extension Answer {
    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    var result: [JSONValue] { json["result"]?.arrayValue ?? [] }

    /// Whether the headers say that everything is calculated.
    var isSettled: Bool {
        headers["x-odograph-synced"] == "true" && headers["x-odograph-pending-since"] == nil
    }
}

/// A moment by which something must have happened.
struct Deadline {
    private let end: Double

    init(seconds: Double) { end = Self.now + seconds }

    var isOver: Bool { Self.now >= end }

    /// Seconds of a clock that nobody sets.
    static var now: Double { clock(CLOCK_MONOTONIC) }

    /// Seconds since 1970.
    static var wallClock: Double { clock(CLOCK_REALTIME) }

    private static func clock(_ id: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(id, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
