import Calculators
import Expressions
import Ingest
import Telemetry

/// The messages of a file by device, as columns; only those that the calculators read are kept.
struct CalculateMessages {
    let table = ParameterTable()
    /// How many messages were taken and refused.
    private(set) var accepted = 0
    private(set) var refused = 0
    private(set) var problems = 0

    private let names: Set<String>
    private let needsAllColumns: Bool
    private var devices: [Device] = []
    private var indexOfIdent: [String?: Int] = [:]

    /// The batches of a device: each is larger than the one after it, so that joining them all costs little.
    private struct Device {
        var ident: String?
        var batches: [MessageBatch] = []
    }

    init(for calculators: [Calculator]) {
        // The two coordinates of messages with one timestamp are merged as a pair.
        names = Set(calculators.flatMap(\.layout.names)).union(["position.latitude", "position.longitude"])
        needsAllColumns = names.contains(MessageCounter.wholeMessageName)
    }

    /// Reads a file of JSON lines, `-` for standard input; every problem is reported with its line.
    mutating func read(
        _ file: String, progress: inout ProgressBar, report: (String) -> Void
    ) throws(ImportError) {
        let reader = try ImportReader(file: file, format: .jsonl, options: ImportOptions(), table: table)
        let name = file == "-" ? "standard input" : file
        while let block = try reader.next() {
            for problem in block.problems { report("\(name):\(problem.index): \(problem)") }
            if block.problemsOmitted > 0 {
                report("\(name):\(block.linesRead): \(block.problemsOmitted) more problems before this line")
            }
            take(block)
            progress.update(done: reader.size == nil ? accepted : block.bytesRead, total: reader.size, unit: "messages")
        }
    }

    /// The devices by ident, each with its messages in order and without duplicates; those that name no ident are one
    /// device of their own, which comes first.
    consuming func sortedDevices() -> [(ident: String?, messages: MessageBatch)] {
        devices.sorted { ($0.ident ?? "") < ($1.ident ?? "") }.map { device in
            (device.ident, Self.joined(device.batches).sorted())
        }
    }

    private mutating func take(_ block: ImportedBlock) {
        accepted += block.accepted
        refused += block.refused
        problems += block.problems.count + block.problemsOmitted
        for part in block.messages {
            let index = indexOfIdent[part.ident] ?? devices.count
            if index == devices.count {
                devices.append(Device(ident: part.ident))
                indexOfIdent[part.ident] = index
            }
            devices[index].batches.append(needed(part.messages))
            Self.fold(&devices[index].batches)
        }
    }

    private func needed(_ batch: MessageBatch) -> MessageBatch {
        if needsAllColumns { return batch }
        var batch = batch
        batch.columns.removeAll { !names.contains(table.name($0.parameter)) }
        return batch
    }

    private static func fold(_ batches: inout [MessageBatch]) {
        while batches.count > 1, batches[batches.count - 2].count <= 2 * batches[batches.count - 1].count {
            let last = batches.removeLast()
            batches[batches.count - 1] = batches[batches.count - 1].concatenated(last)
        }
    }

    private static func joined(_ batches: [MessageBatch]) -> MessageBatch {
        batches.reversed().reduce(MessageBatch()) { $1.concatenated($0) }
    }
}
