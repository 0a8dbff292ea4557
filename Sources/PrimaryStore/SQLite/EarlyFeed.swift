import SQLiteClient
import Synchronization
import Telemetry

/// What readers are told of a feed that is not durable yet: the bug `feedBeforeDurable`, which the store never has but
/// where a test has switched it on.
enum EarlyFeed {
    typealias Rows = [Slot: [FeedRow]]

    /// The feed of the slots that the open transaction has changed.
    static func rows(_ writer: Writer) throws -> Rows {
        var rows: Rows = [:]
        for slot in writer.state.changedSlots.slots {
            rows[slot] = try FeedTable.rows(writer.connection, slot, 0, .max, true)
        }
        return rows
    }
}

extension SQLitePrimaryStore {
    /// Rows behind those that are durable.
    func earlyChanges(_ slot: Slot, after: Int64, _ durable: [FeedRow], _ countMax: Int) -> [FeedRow] {
        guard durable.count < countMax else { return durable }
        let last = max(after, durable.last?.revision ?? 0)
        let early = published.early.withLock { $0[slot] ?? [] }.filter { $0.revision > last }
        return durable + early.prefix(countMax - durable.count)
    }

    func earlyRevision(_ slot: Slot, _ durable: Int64) -> Int64 {
        max(durable, published.early.withLock { $0[slot]?.last?.revision ?? 0 })
    }
}
