import SQLiteClient
import Telemetry

/// The rows of the table `chunk_months`: how many chunks of a device begin in a month of UTC, and the sum of their
/// checksums.
enum ChunkMonths {
    /// Counts the months from year 0 on.
    static func month(of moment: Timestamp) -> Int64 {
        let civil = CivilTime(moment, secondsEastOfUTC: 0)
        return Int64(civil.year * 12 + civil.month - 1)
    }

    /// The first moment of a month.
    static func begin(of month: Int64) -> Timestamp {
        let year = Int(month) / 12 - (month % 12 < 0 ? 1 : 0)
        let civil = CivilTime(year: year, month: Int(month) - year * 12 + 1)
        return Timestamp(microseconds: Int64(civil.daysSinceEpoch) * 86_400_000_000)
    }

    /// `2026-05`.
    static func name(of month: Int64) -> String {
        let civil = CivilTime(begin(of: month), secondsEastOfUTC: 0)
        return "\(civil.year)-\(civil.month < 10 ? "0" : "")\(civil.month)"
    }

    /// The months of a device that have chunks.
    static func noted(_ connection: Connection, _ device: DeviceID) throws -> [Int64: RunningTotal] {
        let statement = try connection.statement("SELECT month, count, sum FROM chunk_months WHERE device = ?")
        try statement.bind(1, device.rawValue)
        var months: [Int64: RunningTotal] = [:]
        try statement.forEachRow { row in
            months[row.int64(0)] = RunningTotal(count: row.int64(1), sum: row.int64(2))
        }
        return months
    }

    /// What the chunks of a device amount to, month by month, by what their rows say of themselves.
    static func present(_ connection: Connection, _ device: DeviceID) throws -> [Int64: RunningTotal] {
        var months: [Int64: RunningTotal] = [:]
        let statement = try connection.statement("SELECT first, crc FROM chunks WHERE device = ?")
        try statement.bind(1, device.rawValue)
        try statement.forEachRow { row in
            let month = month(of: Timestamp(microseconds: row.int64(0)))
            months[month, default: RunningTotal()].add(row.int64(1))
        }
        return months
    }

    static func change(
        _ connection: Connection, _ device: DeviceID, _ month: Int64, _ body: (inout RunningTotal) -> Void
    ) throws {
        let present = try connection.statement(
            "SELECT count, sum FROM chunk_months WHERE device = ? AND month = ?")
        try present.bind(1, device.rawValue)
        try present.bind(2, month)
        var total = try present.first { RunningTotal(count: $0.int64(0), sum: $0.int64(1)) } ?? RunningTotal()
        body(&total)
        try set(connection, device, month, total)
    }

    static func set(_ connection: Connection, _ device: DeviceID, _ month: Int64, _ total: RunningTotal) throws {
        guard total != RunningTotal() else {
            return try connection.run(
                "DELETE FROM chunk_months WHERE device = ? AND month = ?", device.rawValue, month)
        }
        try connection.run(
            """
            INSERT INTO chunk_months VALUES (?, ?, ?, ?)
            ON CONFLICT (device, month) DO UPDATE SET count = excluded.count, sum = excluded.sum
            """, device.rawValue, month, total.count, total.sum)
    }

    /// Deletes the chunks of a device that end before a moment.
    static func deleteChunks(
        _ connection: Connection, _ device: DeviceID, before moment: Timestamp
    ) throws -> (chunkCount: Int, messageCount: Int) {
        var gone: [Int64: RunningTotal] = [:]
        var counts = (chunkCount: 0, messageCount: 0)
        let statement = try connection.statement(
            "SELECT first, count, crc FROM chunks WHERE device = ? AND first < ?2 AND last < ?2", device.rawValue,
            moment.microseconds)
        try statement.forEachRow { row in
            gone[month(of: Timestamp(microseconds: row.int64(0))), default: RunningTotal()].add(row.int64(2))
            counts.chunkCount += 1
            counts.messageCount += Int(row.int64(1))
        }
        guard counts.chunkCount > 0 else { return counts }
        try connection.run(
            "DELETE FROM chunks WHERE device = ? AND first < ?2 AND last < ?2", device.rawValue, moment.microseconds)
        for (month, total) in gone {
            try change(connection, device, month) { present in
                present.count -= total.count
                present.sum -= total.sum
            }
        }
        return counts
    }

    static func fill(_ connection: Connection) throws {
        var devices: [DeviceID] = []
        try connection.statement("SELECT DISTINCT device FROM chunks").forEachRow {
            devices.append(DeviceID($0.int64(0)))
        }
        for device in devices {
            for (month, total) in try present(connection, device) { try set(connection, device, month, total) }
        }
    }
}
