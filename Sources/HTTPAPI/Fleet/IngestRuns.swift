import Publishing
import Telemetry

/// How bringing live positions up to date went, by minutes of the last day.
struct IngestRuns: Sendable {
    private struct Minute: Sendable {
        var number: Int64
        var runs = 0
        var failures = 0
        var rows = 0
        var milliseconds = 0.0
    }

    /// Minutes that are kept: a day and the one that has begun.
    static let minutesMax = 1_441
    /// Without a run for longer, something is wrong.
    static let okSecondsMax: Int64 = 300

    private var minutes: [Minute] = []
    private var lastOK: Timestamp?
    private var lastRun: Timestamp?
    private var lastError: String?

    mutating func note(at moment: Timestamp, milliseconds: Double, rows: Int) {
        let index = minute(of: moment)
        minutes[index].runs += 1
        minutes[index].rows += rows
        minutes[index].milliseconds += milliseconds
        lastOK = max(lastOK ?? moment, moment)
        lastRun = max(lastRun ?? moment, moment)
    }

    mutating func note(failure: String, at moment: Timestamp) {
        let index = minute(of: moment)
        minutes[index].failures += 1
        lastRun = max(lastRun ?? moment, moment)
        lastError = failure
    }

    /// The last minute, begun anew if the moment lies after it.
    private mutating func minute(of moment: Timestamp) -> Int {
        let number = moment.microseconds / 60_000_000
        if minutes.last.map({ $0.number < number }) ?? true {
            minutes.append(Minute(number: number))
            minutes.removeAll { $0.number <= number - Int64(Self.minutesMax) }
        }
        return minutes.count - 1
    }

    /// Seconds since it last went well.
    private func okAge(at now: Timestamp) -> Int64? {
        lastOK.map { ReportSeconds.between($0, now) }
    }

    func isHealthy(at now: Timestamp) -> Bool { okAge(at: now).map { $0 <= Self.okSecondsMax } ?? false }

    /// The time of a run that 95 of 100 minutes keep below, between the two nearest; nil where there was no run.
    private var p95: Double? {
        let means = minutes.filter { $0.runs > 0 }.map { $0.milliseconds / Double($0.runs) }.sorted()
        guard let last = means.last else { return nil }
        let place = 0.95 * Double(means.count - 1)
        let index = Int(place)
        guard index + 1 < means.count else { return last }
        return means[index] + (means[index + 1] - means[index]) * (place - Double(index))
    }

    func write(at now: Timestamp, to writer: inout JSONWriter) {
        writer.write(literal: "{\"job\":\"live_positions\",\"last_ok\":")
        writer.write(report: lastOK)
        writer.write(literal: ",\"ok_age_s\":")
        writer.write(report: okAge(at: now))
        writer.write(literal: ",\"last_run\":")
        writer.write(report: lastRun)
        writer.write(literal: ",\"runs_24h\":")
        writer.write(integer: Int64(minutes.reduce(0) { $0 + $1.runs }))
        writer.write(literal: ",\"failures_24h\":")
        writer.write(integer: Int64(minutes.reduce(0) { $0 + $1.failures }))
        writer.write(literal: ",\"rows_24h\":")
        writer.write(integer: Int64(minutes.reduce(0) { $0 + $1.rows }))
        writer.write(literal: ",\"p95_ms\":")
        writer.write(report: p95)
        writer.write(literal: ",\"last_error\":")
        writer.write(report: lastError)
        writer.write(literal: "}")
    }
}

/// Seconds as the reports tell them.
enum ReportSeconds {
    /// Whole seconds from one moment to another, cut towards the past.
    static func between(_ first: Timestamp, _ last: Timestamp) -> Int64 {
        let (whole, rest) = (last.microseconds - first.microseconds).quotientAndRemainder(dividingBy: 1_000_000)
        return rest < 0 ? whole - 1 : whole
    }
}
