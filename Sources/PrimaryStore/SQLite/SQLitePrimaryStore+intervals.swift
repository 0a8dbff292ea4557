import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func intervals(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> [StoredInterval] {
        try readIntervals { connection in
            var result: [StoredInterval] = []
            try IntervalTable.forEach(connection, key, query) { held, row in
                result.append(IntervalTable.stored(held, row))
            }
            return result
        }
    }

    package func intervalPage(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> IntervalPage {
        try readIntervals { connection in
            var page = IntervalPage()
            try IntervalTable.forEach(connection, key, query) { held, row in
                if page.count > 0 { page.json.append(UInt8(ascii: ",")) }
                row.withBlob(9) { page.json.append(contentsOf: $0) }
                page.count += 1
                if held.isActive { page.hasActive = true }
            }
            return page
        }
    }

    package func heldIntervals(_ key: AssignmentKey) throws(StoreError) -> [HeldInterval] {
        try readIntervals { connection in
            var result: [HeldInterval] = []
            try IntervalTable.forEach(connection, key, IntervalQuery()) { held, _ in result.append(held) }
            return result
        }
    }

    package func changes(
        slot: Slot, after: Int64, countMax: Int, withBodies: Bool
    ) throws(StoreError) -> [FeedRow] {
        try readIntervals { connection in try FeedTable.rows(connection, slot, after, countMax, withBodies) }
    }

    package func jobs(_ key: AssignmentKey?, countMax: Int) throws(StoreError) -> [JobRecord] {
        try read { connection in try JobTable.rows(connection, key, countMax) }
    }

    /// Several statements that must see one state.
    private func readIntervals<Value>(_ body: (Connection) throws -> Value) throws(StoreError) -> Value {
        try read { connection in try connection.transaction(isWriting: false) { try body(connection) } }
    }
}
