import SQLiteClient
import Telemetry

/// The rows of the table `jobs`, the ledger.
enum JobTable {
    /// Older rows are dropped.
    static let countMax: Int64 = 200_000
    /// Dropping is done once in so many rows.
    private static let trimInterval: Int64 = 1000

    static func append(_ connection: Connection, _ job: JobRecord) throws {
        let statement = try connection.statement(
            "INSERT INTO jobs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        try statement.bind(1, job.key.calculator.rawValue)
        try statement.bind(2, job.key.device.rawValue)
        try statement.bind(3, job.cause)
        try statement.bind(4, job.rangeAsked.lower.microseconds)
        try statement.bind(5, job.rangeAsked.upper.microseconds)
        try statement.bind(6, job.rangeRun.lower.microseconds)
        try statement.bind(7, job.rangeRun.upper.microseconds)
        try statement.bind(8, Int64(job.messageCount))
        try statement.bind(9, Int64(job.createdCount))
        try statement.bind(10, Int64(job.updatedCount))
        try statement.bind(11, Int64(job.deletedCount))
        try statement.bind(12, job.started.microseconds)
        try statement.bind(13, job.milliseconds)
        try statement.run()
        let id = connection.lastInsertID
        if id % trimInterval == 0 { try connection.run("DELETE FROM jobs WHERE id <= ?", id - countMax) }
    }

    static func rows(_ connection: Connection, _ key: AssignmentKey?, _ countMax: Int) throws -> [JobRecord] {
        let columns = """
            id, calc, device, cause, asked_lower, asked_upper, run_lower, run_upper, messages, created, updated, \
            deleted, started, milliseconds
            """
        let statement =
            if let key {
                try connection.statement(
                    "SELECT \(columns) FROM jobs WHERE calc = ? AND device = ? ORDER BY id DESC LIMIT ?",
                    key.calculator.rawValue, key.device.rawValue, countMax)
            } else {
                try connection.statement("SELECT \(columns) FROM jobs ORDER BY id DESC LIMIT ?", countMax)
            }
        var rows: [JobRecord] = []
        try statement.forEachRow { rows.append(row($0)) }
        return rows
    }

    private static func row(_ row: Statement) -> JobRecord {
        JobRecord(
            id: row.int64(0),
            key: AssignmentKey(calculator: CalculatorID(row.int64(1)), device: DeviceID(row.int64(2))),
            cause: row.text(3), rangeAsked: range(row, 4), rangeRun: range(row, 6), messageCount: Int(row.int64(8)),
            createdCount: Int(row.int64(9)), updatedCount: Int(row.int64(10)), deletedCount: Int(row.int64(11)),
            started: Timestamp(microseconds: row.int64(12)), milliseconds: row.double(13))
    }

    private static func range(_ row: Statement, _ column: Int32) -> TimeRange {
        TimeRange(
            lower: Timestamp(microseconds: row.int64(column)), upper: Timestamp(microseconds: row.int64(column + 1)))
    }
}
