import Glibc
import HTTPClient
import Telemetry

/// Asks a running server to write its reports anew.
struct ReportingClient {
    private let client: HTTPClient
    private let url: String
    private let headers: [String]
    private static let refusedCountMax = 25

    init(server: String, token: String) throws {
        do { client = try HTTPClient() } catch { throw CommandFailure(reason: "\(error)") }
        url = (server.hasSuffix("/") ? String(server.dropLast()) : server) + "/gw/reporting"
        headers = ["Authorization: FlespiToken \(token)", "Content-Type: application/json"]
    }

    /// Begins a rebuild and waits for its end.
    func rebuild() throws {
        var status = try send("POST", "/rebuild")
        var progress = ProgressBar("rebuild")
        var refusedCount = 0
        defer { progress.finish() }
        while let feed = status["feed"], feed["state"]?.stringValue != "idle" || feed["lag"]?.integerValue != 0 {
            // It tries again at once when it is asked to; what it says before is of the last time.
            refusedCount = feed["state"]?.stringValue == "refused" ? refusedCount + 1 : 0
            if refusedCount > Self.refusedCountMax {
                throw CommandFailure(reason: feed["reason"]?.stringValue ?? "refused")
            }
            if let done = feed["done"]?.integerValue, let total = feed["total"]?.integerValue {
                progress.update(done: Int(done), total: Int(total))
            }
            usleep(RebuildCommand.pauseMilliseconds * 1_000)
            status = try send("GET", "")
        }
        progress.finish()
        StandardOutput.show(status.text)
    }

    private func send(_ method: String, _ path: String) throws -> JSONValue {
        let answer: HTTPAnswer
        do { answer = try client.send(method, url + path, headers: headers, body: nil) } catch {
            throw CommandFailure(reason: "\(error)")
        }
        let json = try? JSONValue(parsing: answer.body)
        guard answer.status == 200, let item = json?["result"]?.arrayValue?.first else {
            let reason = json?["errors"]?.arrayValue?.first?["reason"]?.stringValue ?? "status \(answer.status)"
            throw CommandFailure(reason: "\(method) \(url)\(path): \(reason)")
        }
        return item
    }
}
