import ArgumentParser
import Ingest
import Telemetry
import TimeZones

/// `odograph import`: files of messages into a data folder or a running server.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Put the messages of CSV, GPX or JSON-lines files into the engine.",
        discussion: """
            Imported messages count as accepted at their own time, so history is never late. Devices that do not \
            exist are made. A line that cannot be understood is counted and shown, and stops nothing; the same file \
            imported twice adds nothing to the history. Messages too far ahead of the clock, older than what the \
            device keeps, or without a possible timestamp are kept apart, where the API lists and admits them.

            --map FIELD=COLUMN[:UNIT] says what a CSV column is: position.speed=speed_mph:mph, \
            timestamp=Date+Time:mdy, ident=track_id. Columns with well-known names need none.
            """)

    @Argument(help: "The files; - is standard input.")
    var files: [String]

    @Option(help: "The ident of the device, for files that do not name it.")
    var device: String?

    @Option(help: "csv, gpx or jsonl; by the file's name if left out.")
    var format: String?

    @Option(name: .customLong("map"), help: "What a CSV column is: FIELD=COLUMN[:UNIT]; may be repeated.")
    var maps: [String] = []

    @Option(help: "The zone of local times in the file, such as America/Maceio.")
    var timezone = "UTC"

    @Option(help: "The data folder. (default: odograph-data)")
    var data: String?

    @Option(help: "A running server instead of a data folder, such as http://127.0.0.1:8080.")
    var server: String?

    @Option(help: "The server's token.")
    var token: String?

    func validate() throws {
        if server != nil, data != nil { throw ValidationError("--server and --data exclude each other") }
        if server != nil, token == nil { throw ValidationError("--server needs --token") }
        if let format, ImportFormat(rawValue: format) == nil {
            throw ValidationError("--format is one of \(ImportFormat.allCases.map(\.rawValue).joined(separator: ", "))")
        }
    }

    func run() async throws {
        do {
            let options = try options()
            let target = try target()
            var total = ImportTotals()
            for file in files { try await importFile(file, options, target, &total) }
            try target.finish()
            StandardError.write([total.summary])
        } catch let failure as CommandFailure {
            throw failure
        } catch ImportError.wrongUse(let reason) {
            throw CommandFailure(reason: reason, status: 2)
        } catch { throw CommandFailure(reason: "\(error)") }
    }

    private func options() throws -> ImportOptions {
        ImportOptions(
            ident: device, mappings: try maps.map { try ColumnMapping($0) },
            timeZone: try TimeZoneDatabase().table(timezone))
    }

    private func target() throws -> any ImportTarget {
        if let server, let token { return try ServerTarget(url: server, token: token) }
        return try FolderTarget(folder: data ?? Settings.dataDefault)
    }

    private func importFile(
        _ file: String, _ options: ImportOptions, _ target: any ImportTarget, _ total: inout ImportTotals
    ) async throws {
        guard let format = format.flatMap(ImportFormat.init(rawValue:)) ?? ImportFormat(file: file) else {
            throw CommandFailure(reason: "\(file): its name does not tell the format; give --format", status: 2)
        }
        let reader = try ImportReader(file: file, format: format, options: options, table: target.parameters)
        showColumns(reader.columns, file)
        var progress = ProgressBar(file)
        while let block = try reader.next() {
            total.add(block, try await send(block, to: target, file), file)
            progress.update(done: block.bytesRead, total: reader.size, unit: "bytes")
        }
        progress.finish()
    }

    private func send(
        _ block: ImportedBlock, to target: any ImportTarget, _ file: String
    ) async throws -> ImportOutcome {
        var outcome = ImportOutcome()
        for part in block.messages {
            guard let ident = part.ident else {
                throw CommandFailure(reason: "\(file): the messages name no device; give --device IDENT", status: 2)
            }
            guard !part.messages.isEmpty else { continue }
            outcome.add(try await target.append(part.messages, ident: ident))
        }
        // What names no device is only refused, as a line that cannot be read.
        for (ident, messages) in Dictionary(grouping: block.impossible, by: \.ident) {
            guard let ident else { continue }
            outcome.add(try await target.keepApart(messages, ident: ident))
        }
        return outcome
    }

    private func showColumns(_ columns: [ImportedColumn], _ file: String) {
        let ignored = columns.filter { $0.parameter == nil }.map(\.column)
        if !ignored.isEmpty { StandardError.write(["\(file): ignored columns: \(ignored.joined(separator: ", "))"]) }
    }
}

/// What an import has done.
private struct ImportTotals {
    private var accepted = 0
    private var refused = 0
    private var apart = 0
    private var shown = 0
    private static let shownMax = 20

    mutating func add(_ block: ImportedBlock, _ outcome: ImportOutcome, _ file: String) {
        accepted += outcome.taken
        // What is kept apart is among what could not be read, or among what could.
        let messageCount = block.accepted + block.refused
        apart += outcome.apart
        refused += messageCount - outcome.taken - outcome.apart
        for problem in block.problems where shown < Self.shownMax {
            shown += 1
            let parameter = problem.parameter.map { "\($0): " } ?? ""
            StandardError.write(["\(file):\(problem.index): \(parameter)\(problem.reason)"])
            if shown == Self.shownMax { StandardError.write(["more problems are counted, not shown"]) }
        }
    }

    var summary: String {
        "\(accepted) messages taken, \(refused) refused" + (apart > 0 ? ", \(apart) kept apart" : "")
    }
}
