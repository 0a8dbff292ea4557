import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func intervals(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> [StoredInterval] {
        try readIntervals { connection in
            var result: [StoredInterval] = []
            try IntervalTable.forEachCounted(connection, key, query) { held, row in
                result.append(IntervalTable.stored(held, row))
            }
            return result
        }
    }

    package func intervals(
        _ key: AssignmentKey, after id: Int64, countMax: Int, byteCountMax: Int
    ) throws(StoreError) -> [StoredInterval] {
        try read { connection in
            var result: [StoredInterval] = []
            var byteCount = 0
            try IntervalTable.forEach(connection, key, after: id) { held, row in
                byteCount += row.byteCount(9)
                let isCut = result.count >= countMax || byteCount > byteCountMax && !result.isEmpty
                if !isCut { result.append(IntervalTable.stored(held, row)) }
                return !isCut
            }
            return result
        }
    }

    package func intervalPage(_ key: AssignmentKey, _ query: IntervalQuery) throws(StoreError) -> IntervalPage {
        try readIntervals { connection in
            var page = IntervalPage()
            try IntervalTable.forEachCounted(connection, key, query) { held, row in
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
            try IntervalTable.forEachCounted(connection, key, IntervalQuery()) { held, _ in result.append(held) }
            return result
        }
    }

    /// Several statements that must see one state.
    private func readIntervals<Value>(_ body: (Connection) throws -> Value) throws(StoreError) -> Value {
        try read { connection in try connection.transaction(isWriting: false) { try body(connection) } }
    }
}

extension IntervalTable {
    /// Calls the body at each row of a query; where that is every interval of the assignment, throws at the end if one
    /// of them is missing.
    fileprivate static func forEachCounted(
        _ connection: Connection, _ key: AssignmentKey, _ query: IntervalQuery,
        _ body: (HeldInterval, Statement) throws -> Void
    ) throws {
        guard query == IntervalQuery(isReversed: query.isReversed) else {
            return try forEach(connection, key, query, body)
        }
        var present = RunningTotal()
        try forEach(connection, key, query) { held, row in
            present.add(row.int64(8))
            try body(held, row)
        }
        try present.check(
            against: RegistryTables.totals(connection, key).intervals, "intervals of \(key.words)")
    }
}
