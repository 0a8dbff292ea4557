import ArgumentParser
import CalcProcess
import PrimaryStore
import Telemetry
import TimeZones

/// `odograph verify`: recalculates what is stored from the messages, and shows every difference.
struct VerifyCommand: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case jsonl, table }

    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Recalculate from the messages, and show every difference to what is stored.",
        discussion: """
            It only reads, and may run beside a server. Each finding is a line of JSON, or a row of a table: an \
            interval that is missing, extra or different, bytes that are corrupt, a change feed that does not give \
            the intervals. Then counts and checksums are compared with the rows there are, which finds what has \
            vanished: the line `audit`. What is only due to be calculated is told as pending, with the number of \
            differences. The last line is the summary. The exit status is 0 if nothing but pending was found, 1 \
            otherwise.
            """)

    @Option(help: ArgumentHelp("The data folder.", valueName: "dir"), completion: .directory)
    var data = Settings.dataDefault

    @Option(help: ArgumentHelp("Only this device, by its id.", valueName: "id"))
    var device: Int64?

    @Option(help: ArgumentHelp("Only this asset, by its id.", valueName: "id"))
    var asset: Int64?

    @Option(help: ArgumentHelp("Only this calculator, by its id.", valueName: "id"))
    var calculator: Int64?

    @Option(help: ArgumentHelp("When to judge what is active, by default now.", valueName: "moment"))
    var now: CalculateMoment?

    @Option(help: ArgumentHelp("How the findings are written: jsonl or table.", valueName: "format"))
    var format: Format = .jsonl

    func validate() throws {
        if device != nil, asset != nil { throw ValidationError("--device and --asset exclude each other") }
    }

    func run() async throws {
        let selection = Verification.Selection(
            device: asset.map { DeviceID(asset: $0) } ?? device.map { DeviceID($0) },
            calculator: calculator.map { CalculatorID($0) })
        let start = ContinuousClock.now
        var output = VerifyOutput(format)
        let summary: VerificationSummary
        let audit: [String]
        do throws(StoreError) {
            summary = try verify(selection, &output)
            audit = try audited(selection)
        } catch { throw CommandFailure(reason: "\(data): \(error)") }
        output.write(audit: audit)
        output.finish(summary, elapsed: ContinuousClock.now - start)
        guard selection.device == nil && selection.calculator == nil || summary.deviceCount > 0 else {
            throw CommandFailure(reason: "\(data): there is nothing of what is selected")
        }
        if summary.differenceCount > 0 || !audit.isEmpty { throw ExitCode.failure }
    }

    /// What of the rows does not fit their counts and checksums: in the slot of what is selected, else everywhere.
    private func audited(_ selection: Verification.Selection) throws(StoreError) -> [String] {
        let store = try SQLitePrimaryStore(folder: data, mode: .readOnly)
        defer { store.close() }
        if let device = selection.device { return try store.audit(slots: [Slot(device: device)]) }
        return try store.audit(slots: .all)
    }

    private func verify(
        _ selection: Verification.Selection, _ output: inout VerifyOutput
    ) throws(StoreError) -> VerificationSummary {
        let data = data
        var verification = try Verification(
            timeZones: TimeZoneDatabase(), now: now?.first(in: .utc) ?? Server.clock()
        ) { () throws(StoreError) in try SQLitePrimaryStore(folder: data, mode: .readOnly) }
        var progress = ProgressBar("verifying devices")
        defer { progress.finish() }
        try verification.run(selection) { done, total in
            progress.update(done: done, total: total)
        } report: { finding in
            output.write(finding)
        }
        return verification.summary
    }
}
