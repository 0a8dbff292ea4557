import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func slotRevisions() throws(StoreError) -> [Int64] {
        try slotLeases().map { earlyRevision($0.slot, $0.revision) }
    }

    package func changes(
        slot: Slot, after: Int64, countMax: Int, byteCountMax: Int, withBodies: Bool
    ) throws(StoreError) -> [FeedRow] {
        let rows = try read { connection in
            try connection.transaction(isWriting: false) {
                try FeedTable.rows(
                    connection, slot, after, countMax, byteCountMax: byteCountMax, withBodies)
            }
        }
        return earlyChanges(slot, after: after, rows, countMax)
    }

    package func trimFeed(slot: Slot, epoch: Int64, before moment: Timestamp) throws(StoreError) -> Int {
        let fence = Fence(slot, epoch: epoch, device: nil)
        // What is superseded stays so, and may be looked for beside the writer.
        let found = try read { connection in
            try FeedTable.superseded(connection, slot, before: moment, countMax: IntervalQuery.prunedVersionCountMax)
        }
        guard !found.isEmpty else { return 0 }
        return try write { writer in
            try writer.check(fence)
            try writer.changeSlot(slot) { row in
                for revision in found {
                    guard let checksum = try FeedTable.delete(writer.connection, slot, revision) else { continue }
                    row.feed.remove(checksum)
                    row.trimmedRevision = max(row.trimmedRevision, revision)
                }
            }
            return found.count
        }
    }
}

extension FeedTable {
    /// The numbers of the rows that may go, oldest first: what was told again later, by rows of the same interval. Of
    /// each interval stay its creation and last update and whether it is active, or that it was deleted.
    fileprivate static func superseded(
        _ connection: Connection, _ slot: Slot, before moment: Timestamp, countMax: Int
    ) throws -> [Int64] {
        struct Interval: Hashable {
            var key: AssignmentKey
            var id: Int64
        }
        struct Later {
            var isDeleted = false
            var isUpdated = false
            var isActivation = false
        }
        var later: [Interval: Later] = [:]
        var found: [Int64] = []
        try connection.statement(
            """
            SELECT rev, operation, calc, device, id, begin_at, end_at, timestamp, crc, json FROM feed
            WHERE slot = ? ORDER BY rev DESC
            """, Int(slot.rawValue)
        ).forEachRow { row in
            let change = try self.row(row, slot)
            let interval = Interval(key: change.key, id: change.id)
            var seen = later[interval] ?? Later()
            var isSuperseded = seen.isDeleted
            switch change.operation {
            case .deleted: seen.isDeleted = true
            case .created: break
            case .updated:
                isSuperseded = isSuperseded || seen.isUpdated
                seen.isUpdated = true
            case .activated, .deactivated:
                isSuperseded = isSuperseded || seen.isActivation
                seen.isActivation = true
            }
            later[interval] = seen
            if isSuperseded, change.timestamp < moment { found.append(change.revision) }
        }
        return Array(found.reversed().prefix(countMax))
    }

    /// Deletes a row and returns its checksum; nil if it is not there.
    fileprivate static func delete(_ connection: Connection, _ slot: Slot, _ revision: Int64) throws -> Int64? {
        let number = Int(slot.rawValue)
        let checksum = try connection.integer("SELECT crc FROM feed WHERE slot = ? AND rev = ?", number, revision)
        if checksum != nil { try connection.run("DELETE FROM feed WHERE slot = ? AND rev = ?", number, revision) }
        return checksum
    }
}
