import MessageChunks
import StoreSupport
import Telemetry

@testable import PrimaryStore

/// A store whose file is changed behind its back, as a fault or a person would.
enum DamagedStore {
    /// Runs statements on the store of a folder, or on another file in it.
    static func run(_ sql: String, in folder: String, file: String = "primary.db") throws {
        try FileChange.run(sql, on: "\(folder)/\(file)")
    }

    /// Writes another text over that of an interval, with the checksum that belongs to it.
    static func rewrite(
        _ interval: StoredInterval, of key: AssignmentKey, in folder: String, _ old: String, _ new: String
    ) throws {
        let text = String(decoding: interval.json, as: UTF8.self).replacing(old, with: new)
        let details = IntervalDetails(
            timestamp: interval.timestamp, since: interval.timestamp, headCount: interval.headCount,
            revision: interval.calculatorRevision)
        let checksum = IntervalTable.checksum(key, interval.held, details).value(Array(text.utf8))
        try run(
            """
            UPDATE intervals SET json = CAST('\(text)' AS BLOB), crc = \(checksum), since = 0
            WHERE calc = \(key.calculator) AND device = \(key.device) AND id = \(interval.id)
            """, in: folder)
    }

    /// Sets the last id that an assignment is said to have given, with the checksum that belongs to it.
    static func setLastID(_ id: Int64, of record: AssignmentRecord, in folder: String) throws {
        let marks = record.marks
        var checksum = RowChecksum(record.key)
        for field in [
            record.isEnabled ? 1 : 0, record.isAutoCreated ? 1 : 0, marks.logPosition, marks.calculatorRevision,
            marks.deviceRevision, id, marks.horizon.microseconds,
        ] { checksum.add(field) }
        try run(
            """
            UPDATE assignments SET last_interval = \(id), crc = \(checksum.valueWithoutBytes)
            WHERE calc = \(record.key.calculator) AND device = \(record.key.device)
            """, in: folder)
    }

    /// Turns one bit of a blob around, in the first row that a condition names.
    static func flipBit(
        in table: String, column: String, where condition: String, folder: String, file: String = "primary.db"
    ) throws {
        try run(
            "UPDATE \(table) SET \(column) = \(FileChange.damaged(column)) WHERE \(condition)", in: folder, file: file)
    }
}
