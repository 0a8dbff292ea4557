import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func setIntervalFields(
        slot: Slot, epoch: Int64, key: AssignmentKey, id: Int64, fields: [JSONValue.Member], at moment: Timestamp
    ) throws(StoreError) -> HeldInterval {
        try write { writer in
            let revision = try writer.checkFence(slot, epoch: epoch, device: key.device)
            let change = try writer.setIntervalFields(key, id: id, fields)
            guard change.isChanged else { return change.held }
            try FeedTable.append(
                writer.connection,
                FeedRow(
                    slot: slot, revision: revision + 1, operation: .updated, key: key, id: id, begin: change.held.begin,
                    end: change.held.end, timestamp: moment, json: nil))
            try writer.setFeedRevision(slot, revision + 1)
            return change.held
        }
    }

    package func intervalFields(_ key: AssignmentKey) throws(StoreError) -> [IntervalFields] {
        try read { connection in try FieldsTable.all(connection, key) }
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
        try FieldsTable.write(connection, key, id: id, fields)
        try IntervalTable.replace(connection, key, held, held, fields.appended(to: own))
        return (held, true)
    }
}
