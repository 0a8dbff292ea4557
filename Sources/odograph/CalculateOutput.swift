import ArgumentParser
import Calculators
import Telemetry

/// How intervals are written.
enum CalculateFormat: String, CaseIterable, ExpressibleByArgument {
    case json, csv, table
}

/// Writes the intervals of devices, one device after another.
struct CalculateOutput: ~Copyable {
    private let format: CalculateFormat
    private let zone: TimeZoneTable
    private let counters: [String]
    private var output: StandardOutput
    private var table: TableText
    private var isFirst = true

    init(
        _ format: CalculateFormat, _ calculator: Calculator, zone: TimeZoneTable, to output: consuming StandardOutput
    ) {
        self.format = format
        self.zone = zone
        self.output = output
        counters = calculator.counters.map(\.name).filter { $0 != "ident" }
        table = TableText(header: ["ident", "begin", "end", "duration"] + counters)
        if format == .csv { self.output.write(Self.csv(table.header)) }
        if format == .json { self.output.write("[".utf8) }
    }

    mutating func write(_ intervals: [Interval], ident: String?) {
        for interval in intervals {
            switch format {
            case .json:
                output.write((isFirst ? "\n" : ",\n").utf8)
                output.write(Self.json(interval, ident: ident))
            case .csv: output.write(Self.csv(cells(interval, ident) { Self.text($0) }))
            case .table: table.append(cells(interval, ident) { TableText.cell($0) })
            }
            isFirst = false
        }
    }

    /// Ends the text; the reason if not all of it could be written.
    consuming func finish() -> String? {
        switch format {
        case .json: output.write((isFirst ? "]\n" : "\n]\n").utf8)
        case .csv: break
        case .table: output.write(table.text.utf8)
        }
        output.flush()
        return output.problem
    }

    /// The object of an interval: `ident` comes first, the rest is what is stored, without `id` and `timestamp`.
    ///
    /// A counter of the name `ident` stands for it.
    static func json(_ interval: Interval, ident: String?) -> [UInt8] {
        if interval.counters.contains(where: { $0.name == "ident" }) { return interval.head + interval.tail }
        var writer = JSONWriter(capacity: 256)
        writer.write(literal: "{\"ident\":")
        writer.write(ident.map { .string($0) })
        writer.write(literal: ",")
        writer.write(raw: interval.head.dropFirst())
        writer.write(raw: interval.tail)
        return writer.bytes
    }

    /// A line of values separated by commas (RFC 4180, with a plain line feed at its end).
    static func csv(_ cells: [String]) -> [UInt8] {
        let quoted = cells.map { cell in
            let isPlain = !cell.utf8.contains { [0x22, 0x2c, 0x0a, 0x0d].contains($0) }
            if isPlain { return cell }
            let parts = cell.split(separator: "\"", omittingEmptySubsequences: false)
            return "\"" + parts.joined(separator: "\"\"") + "\""
        }
        return Array((quoted.joined(separator: ",") + "\n").utf8)
    }

    private func cells(_ interval: Interval, _ ident: String?, _ text: (Value?) -> String) -> [String] {
        var values: [String: Value] = [:]
        for counter in interval.counters { values[counter.name] = counter.value }
        let head = format == .table ? localHead(interval) : Self.numberHead(interval)
        return [ident ?? ""] + head + counters.map { text(values[$0]) }
    }

    private static func numberHead(_ interval: Interval) -> [String] {
        let duration = Timestamp(microseconds: interval.end.microseconds - interval.begin.microseconds)
        return [interval.begin, interval.end, duration].map { moment in
            var writer = JSONWriter()
            writer.write(moment)
            return writer.text
        }
    }

    private func localHead(_ interval: Interval) -> [String] {
        let format = TimeFormat("%Y-%m-%d %H:%M:%S")
        return [
            format.text(interval.begin, in: zone), format.text(interval.end, in: zone),
            TableText.duration(interval.duration),
        ]
    }

    /// A value as JSON has it, but texts without quotes, and nothing where there is no value.
    private static func text(_ value: Value?) -> String {
        switch value {
        case nil, .null: return ""
        case .string(let text), .json(let text): return text
        default:
            var writer = JSONWriter()
            writer.write(value)
            return writer.text
        }
    }
}
