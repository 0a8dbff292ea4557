import Glibc
import Telemetry

/// Asks a running server to write its reports anew.
struct ReportingClient {
    private static let path = "/gw/reporting"
    private static let refusedCountMax = 25
    let client: ServerClient

    /// Begins a rebuild and waits for its end.
    func rebuild() throws {
        var status = try client.item("POST", Self.path + "/rebuild")
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
            status = try client.item("GET", Self.path)
        }
        progress.finish()
        StandardOutput.show(status.text)
    }
}
