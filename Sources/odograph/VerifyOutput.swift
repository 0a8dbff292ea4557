import CalcProcess
import PrimaryStore
import Telemetry

/// Writes what a verification finds to standard output: lines of JSON as they come, or a table at the end.
struct VerifyOutput {
    private let format: VerifyCommand.Format
    private var table = TableText(
        header: ["finding", "calculator", "device", "interval", "begin", "field", "stored", "calculated"])
    private var texts: [String] = []
    private var hasRows = false

    init(_ format: VerifyCommand.Format) { self.format = format }

    mutating func write(_ finding: VerificationFinding) {
        switch format {
        case .jsonl: StandardOutput.show(finding.json.text)
        case .table: append(finding)
        }
    }

    /// Writes what does not fit of counts and checksums; a line also where everything does.
    mutating func write(audit findings: [String]) {
        switch format {
        case .jsonl:
            StandardOutput.show(
                JSONValue.object([
                    .init("kind", .string("audit")), .init("count", .number(Double(findings.count))),
                    .init("findings", .array(findings.prefix(Self.findingsMax).map { .string($0) })),
                ]).text)
        case .table:
            texts += findings.isEmpty ? ["audit: ok"] : findings.prefix(Self.findingsMax).map { "audit: \($0)" }
        }
    }

    /// More findings of the audit than these are counted only.
    private static let findingsMax = 1_000

    private mutating func append(_ finding: VerificationFinding) {
        let id = finding.id.map { String($0) } ?? ""
        let begin = finding.begin.map { TableText.cell(.number($0.seconds)) } ?? ""
        let place = [
            finding.kind.rawValue, finding.key.map { "\($0.calculator)" } ?? "",
            finding.key.map { $0.device.assetID.map { "asset \($0)" } ?? "\($0.device)" } ?? "", id, begin,
        ]
        if let text = finding.text {
            let count = finding.count.map { " (\($0))" } ?? ""
            let key = finding.key.map { _ in " calculator \(place[1]) device \(place[2])" } ?? ""
            texts.append("\(place[0])\(key)\(id.isEmpty ? "" : " interval \(id)")\(count): \(text)")
            return
        }
        hasRows = true
        if finding.fields.isEmpty {
            table.append(place + ["", finding.stored?.text ?? "", finding.calculated?.text ?? ""])
        } else {
            for field in finding.fields {
                table.append(place + [field.name, field.stored?.text ?? "", field.calculated?.text ?? ""])
            }
        }
    }

    /// Writes what is left and the summary.
    func finish(_ summary: VerificationSummary, elapsed: Duration) {
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        let rate = seconds > 0 ? (Double(summary.messageCount) / seconds).rounded() : 0
        switch format {
        case .jsonl:
            let members: [JSONValue.Member] = [.init("kind", .string("summary"))] + summary.members
            StandardOutput.show(
                JSONValue.object(
                    members + [
                        .init("seconds", .number((seconds * 1_000).rounded() / 1_000)),
                        .init("messages_per_second", .number(rate)),
                    ]
                ).text)
        case .table:
            if hasRows { StandardOutput.show(String(table.text.dropLast())) }
            for text in texts { StandardOutput.show(text) }
            let counts = summary.members.map { "\($0.key) \($0.value.text)" }
            StandardOutput.show(counts.joined(separator: ", "))
        }
    }
}
