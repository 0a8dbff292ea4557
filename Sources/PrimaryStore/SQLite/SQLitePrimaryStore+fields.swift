import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func setIntervalFields(
        slot: Slot, epoch: Int64, key: AssignmentKey, id: Int64, fields: [JSONValue.Member], at moment: Timestamp
    ) throws(StoreError) -> HeldInterval {
        let fence = Fence(slot, epoch: epoch, device: key.device)
        return try write { writer in
            try writer.check(fence)
            let change = try writer.setIntervalFields(key, id: id, fields)
            guard change.isChanged else { return change.held }
            let row = FeedRow(
                slot: slot, revision: 0, operation: .updated, key: key, id: id, begin: change.held.begin,
                end: change.held.end, timestamp: moment, json: nil)
            try writer.appendFeed(slot, [row])
            return change.held
        }
    }

    package func intervalFields(_ key: AssignmentKey) throws(StoreError) -> [IntervalFields] {
        try read { connection in
            try connection.transaction(isWriting: false) {
                let fields = try FieldsTable.all(connection, key)
                var present = RunningTotal()
                try FieldsTable.forEach(connection, key) { _, _, checksum in present.add(checksum) }
                try present.check(
                    against: RegistryTables.totals(connection, key).fields, "custom fields of \(key.words)")
                return fields
            }
        }
    }

    package func pruneVersions(before moment: Timestamp) throws(StoreError) -> Int {
        try write { writer in
            try VersionTable.prune(
                writer.connection, before: moment, countMax: IntervalQuery.prunedVersionCountMax)
        }
    }
}

extension Writer {
    /// Merges custom fields into those of an interval and writes its text anew; the caller tells the feed.
    fileprivate func setIntervalFields(
        _ key: AssignmentKey, id: Int64, _ changes: [JSONValue.Member]
    ) throws -> (held: HeldInterval, isChanged: Bool) {
        let found = try IntervalTable.find(connection, key, id: id) { held, row in
            (held: held, text: IntervalText(bytes: row.bytes(9), details: IntervalTable.details(row)))
        }
        guard let (held, text) = found else {
            throw StoreError.notFound(
                "interval \(id) of calculator \(key.calculator) on device \(key.device)")
        }
        let own = text.withoutCustomFields
        let before = try FieldsTable.find(connection, key, id: id) ?? CustomFields()
        var fields = before
        try fields.merge(changes, ownNames: own.ownNames)
        guard fields != before else { return (held, false) }
        state.hasIntervalFields = true
        try RegistryTables.change(connection, key) { totals in
            try FieldsTable.write(connection, key, id: id, fields, &totals.fields)
            try IntervalTable.replace(
                connection, key, held, checksum: text.details.checksum, held, fields.appended(to: own),
                &totals.intervals)
        }
        return (held, true)
    }
}

extension AssignmentKey {
    /// What an error calls it.
    var words: String { "calculator \(calculator) on device \(device)" }
}
