import SQLiteClient
import Telemetry

/// The rows of the table `jobs`, the ledger.
enum JobTable {
    /// Older rows are dropped, but for those that are held.
    static let countMax: Int64 = 200_000
    /// Dropping is done once in so many rows.
    private static let trimInterval: Int64 = 1000

    /// Writes a job under the next id, and returns that.
    static func append(_ connection: Connection, _ job: JobRecord) throws -> Int64 {
        var job = job
        job.id = (try connection.integer("SELECT MAX(id) FROM jobs") ?? 0) + 1
        try CheckedTable.jobs.add(connection, cells(job))
        if job.id % trimInterval == 0 {
            try connection.run("DELETE FROM jobs WHERE id <= ? AND outcome <> 'held'", job.id - countMax)
        }
        return job.id
    }

    /// Writes a job over the one with its id.
    static func write(_ connection: Connection, _ job: JobRecord) throws {
        try CheckedTable.jobs.put(connection, cells(job))
    }

    private static func cells(_ job: JobRecord) -> [Cell] {
        [
            .integer(job.id), .integer(job.key.calculator.rawValue), .integer(job.key.device.rawValue),
            .text(job.cause), .integer(job.rangeAsked.lower.microseconds),
            .integer(job.rangeAsked.upper.microseconds), .integer(job.rangeRun.lower.microseconds),
            .integer(job.rangeRun.upper.microseconds), .integer(Int64(job.messageCount)),
            .integer(Int64(job.createdCount)), .integer(Int64(job.updatedCount)),
            .integer(Int64(job.deletedCount)), .integer(job.started.microseconds), .real(job.milliseconds),
            .text(job.outcome.rawValue),
        ]
    }

    static func find(_ connection: Connection, id: Int64) throws -> JobRecord? {
        try CheckedTable.jobs.find(connection, id).map(job)
    }

    /// The latest first.
    static func rows(_ connection: Connection, _ key: AssignmentKey?, _ countMax: Int) throws -> [JobRecord] {
        var rows: [JobRecord] = []
        if let key {
            try CheckedTable.jobs.forEach(
                connection, "WHERE calc = ? AND device = ? ORDER BY id DESC LIMIT ?", key.calculator.rawValue,
                key.device.rawValue, countMax
            ) { rows.append(try job($0)) }
        } else {
            try CheckedTable.jobs.forEach(connection, "ORDER BY id DESC LIMIT ?", countMax) { rows.append(try job($0)) }
        }
        return rows
    }

    /// The jobs that are held, oldest first.
    static func held(_ connection: Connection) throws -> [JobRecord] {
        var rows: [JobRecord] = []
        try CheckedTable.jobs.forEach(connection, "WHERE outcome = 'held' ORDER BY id") { rows.append(try job($0)) }
        return rows
    }

    private static func job(_ cells: [Cell]) throws -> JobRecord {
        func number(_ column: Int) -> Int64 { cells[column].integer ?? 0 }
        func range(_ column: Int) -> TimeRange {
            TimeRange(
                lower: Timestamp(microseconds: number(column)), upper: Timestamp(microseconds: number(column + 1)))
        }
        guard let outcome = JobRecord.Outcome(rawValue: cells[14].text ?? "") else {
            throw StoreError.corrupt(CheckedTable.jobs.label(cells))
        }
        return JobRecord(
            id: number(0), key: AssignmentKey(calculator: CalculatorID(number(1)), device: DeviceID(number(2))),
            cause: cells[3].text ?? "", rangeAsked: range(4), rangeRun: range(6), messageCount: Int(number(8)),
            createdCount: Int(number(9)), updatedCount: Int(number(10)), deletedCount: Int(number(11)),
            started: Timestamp(microseconds: number(12)), milliseconds: cells[13].real ?? 0, outcome: outcome)
    }
}
