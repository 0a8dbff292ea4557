import PostgresClient
import PrimaryStore
import Telemetry

/// Copies rows into the staging tables of a connection, which `odograph.open_staging()` made.
enum Staging {
    static func copy(
        _ table: String, _ columns: [String], to postgres: PostgresConnection,
        _ body: (PostgresCopyWriter) throws -> Void
    ) throws {
        try postgres.copyIn(table: PostgresTable(schema: "pg_temp", table), columns: columns, body)
    }

    private static let feedColumns = [
        "slot", "revision", "operation", "calc_id", "device_id", "interval_id", "begin_at", "end_at", "calculated_at",
        "is_active", "calc_revision", "json",
    ]

    static func feed(_ rows: some Sequence<StagedInterval>, to postgres: PostgresConnection) throws {
        try copy("odograph_feed", feedColumns, to: postgres) { writer in
            for row in rows {
                try writer.add(Int64(row.slot.rawValue))
                try writer.add(row.revision)
                try writer.add(Int64(row.operation))
                try writer.add(row.key.calculator.rawValue)
                try writer.add(row.key.device.rawValue)
                try writer.add(row.id)
                try writer.add(row.begin)
                try writer.add(row.end)
                try writer.add(row.calculatedAt)
                try writer.add(row.isActive)
                try writer.add(row.calculatorRevision)
                if let json = row.json {
                    try json.withUnsafeBytes { try writer.add(text: $0) }
                } else {
                    try writer.addNull()
                }
                try writer.endRow()
            }
        }
    }

    static func pages(
        _ pages: some Sequence<(key: AssignmentKey, after: Int64, upTo: Int64)>, to postgres: PostgresConnection
    ) throws {
        try copy("odograph_pages", ["calc_id", "device_id", "id_after", "id_upto"], to: postgres) { writer in
            for page in pages {
                try writer.add(page.key.calculator.rawValue)
                try writer.add(page.key.device.rawValue)
                try writer.add(page.after)
                try writer.add(page.upTo)
                try writer.endRow()
            }
        }
    }
}

/// An interval, or the word that it is gone, as it is staged.
struct StagedInterval {
    var slot: Slot
    var revision: Int64
    var operation: Int16
    var key: AssignmentKey
    var id: Int64
    var begin: PostgresTimestamp
    var end: PostgresTimestamp
    var calculatedAt: PostgresTimestamp
    var isActive: Bool
    var calculatorRevision: Int64
    var json: [UInt8]?

    init(_ row: FeedRow) {
        slot = row.slot
        revision = row.revision
        operation = row.operation.number
        key = row.key
        id = row.id
        begin = PostgresTimestamp(row.begin)
        end = PostgresTimestamp(row.end)
        calculatedAt = PostgresTimestamp(row.timestamp)
        isActive = row.isActive
        calculatorRevision = row.calculatorRevision
        json = row.operation == .deleted ? nil : row.json.map(StagedText.json)
    }

    init(_ interval: StoredInterval, _ key: AssignmentKey, slot: Slot, revision: Int64) {
        self.slot = slot
        self.revision = revision
        operation = ChangeOperation.created.number
        self.key = key
        id = interval.id
        begin = PostgresTimestamp(interval.begin)
        end = PostgresTimestamp(interval.end)
        calculatedAt = PostgresTimestamp(interval.timestamp)
        isActive = interval.isActive
        calculatorRevision = interval.calculatorRevision
        json = StagedText.json(interval.json)
    }

    /// The key in the list of what was refused.
    var refusedKey: String { "\(key.calculator.rawValue)/\(key.device.rawValue)/\(id)" }

    /// Why it cannot be stored at all; nil if it can.
    var refusal: String? { begin.isFinite && end.isFinite ? nil : "its time is outside of the years 1 to 9999" }

    /// The same without its text: it is passed over, and the cursor moves on.
    var passedOver: StagedInterval {
        var result = self
        if operation != 0 { result.json = nil }
        return result
    }
}

extension ChangeOperation {
    /// Its number in the feed, which the staging tables have too.
    var number: Int16 {
        switch self {
        case .deleted: 0
        case .created: 1
        case .updated: 2
        case .activated: 3
        case .deactivated: 4
        }
    }
}
