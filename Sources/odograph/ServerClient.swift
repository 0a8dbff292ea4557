import Glibc
import HTTPClient
import Telemetry

/// A running server as commands ask it: its address, the token, and what the envelope of an answer says.
final class ServerClient {
    private let client: HTTPClient
    private let url: String
    private let headers: [String]

    init(server: String, token: String) throws {
        do { client = try HTTPClient() } catch { throw CommandFailure(reason: "\(error)") }
        url = server.hasSuffix("/") ? String(server.dropLast()) : server
        headers = ["Authorization: FlespiToken \(token)", "Content-Type: application/json"]
    }

    /// The items of `result`; what the server refuses is told in its own words.
    func call(_ method: String, _ path: String, _ body: [UInt8]? = nil) throws -> [JSONValue] {
        let (answer, json) = try send(method, path, body)
        guard answer.status == 200 else { throw failure(method, path, answer, json) }
        return json?["result"]?.arrayValue ?? []
    }

    /// The one item that the answer is about.
    func item(_ method: String, _ path: String, _ body: [UInt8]? = nil) throws -> JSONValue {
        let (answer, json) = try send(method, path, body)
        guard answer.status == 200, let item = json?["result"]?.arrayValue?.first else {
            throw failure(method, path, answer, json)
        }
        return item
    }

    /// Seconds for which a request is sent again, one after the other, that the server has no room for.
    private static let overloadSecondsMax = 600

    private func send(_ method: String, _ path: String, _ body: [UInt8]?) throws -> (HTTPAnswer, JSONValue?) {
        do {
            var answer = try client.send(method, url + path, headers: headers, body: body)
            for _ in 0..<Self.overloadSecondsMax where answer.status == 429 {
                sleep(1)
                answer = try client.send(method, url + path, headers: headers, body: body)
            }
            return (answer, try? JSONValue(parsing: answer.body))
        } catch { throw CommandFailure(reason: "\(error)") }
    }

    private func failure(_ method: String, _ path: String, _ answer: HTTPAnswer, _ json: JSONValue?) -> CommandFailure {
        let reason = json?["errors"]?.arrayValue?.first?["reason"]?.stringValue ?? "status \(answer.status)"
        return CommandFailure(reason: "\(method) \(url)\(path): \(reason)")
    }
}
