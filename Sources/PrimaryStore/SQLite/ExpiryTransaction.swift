import SQLiteClient
import Telemetry

/// Applies one expiry as a part of a group of writes.
struct ExpiryTransaction {
    private let expiry: Expiry
    private let writer: Writer
    private var receipt = ExpiryReceipt()

    private var connection: Connection { writer.connection }

    /// The fence is made where the expiry is asked for.
    static func apply(_ expiry: Expiry, _ fence: Fence, in writer: Writer) throws -> ExpiryReceipt {
        try writer.check(fence)
        if let asset = expiry.device.assetID {
            _ = try writer.entity(.asset, asset)
        } else {
            try writer.checkDevice(expiry.device)
        }
        var transaction = ExpiryTransaction(expiry: expiry, writer: writer)
        for assignment in expiry.assignments { try transaction.apply(assignment) }
        if let horizon = expiry.horizon { try transaction.moveHorizon(horizon) }
        return transaction.receipt
    }

    private init(expiry: Expiry, writer: Writer) {
        self.expiry = expiry
        self.writer = writer
    }
}

// MARK: - Assignments

extension ExpiryTransaction {
    private mutating func apply(_ change: AssignmentExpiry) throws {
        guard change.key.device == expiry.device else {
            throw StoreError.invalid("an expiry of device \(expiry.device) with \(change.key.words)")
        }
        guard var row = try RegistryTables.findAssignmentRow(connection, change.key) else {
            throw StoreError.stale(change.key, reason: "not assigned any more")
        }
        let marks = row.record.marks
        guard marks.logPosition == change.basePosition else {
            throw StoreError.stale(
                change.key, reason: "its marks are at \(marks.logPosition), not at \(change.basePosition)")
        }
        guard change.horizon >= marks.horizon else {
            throw StoreError.invalid(
                "the horizon of \(change.key.words) would go back from \(marks.horizon.microseconds) to "
                    + "\(change.horizon.microseconds)")
        }
        if let before = change.intervalsBefore {
            try deleteIntervals(change.key, before: min(before, change.horizon), &row.totals)
        }
        row.record.marks.horizon = change.horizon
        try RegistryTables.write(connection, row)
        try HorizonTable.setState(connection, change.key, change.state)
    }

    /// Deletes the intervals that end before a moment, with their fields and all that was kept of them.
    private mutating func deleteIntervals(
        _ key: AssignmentKey, before moment: Timestamp, _ totals: inout AssignmentTotals
    ) throws {
        var gone: [(held: HeldInterval, checksum: Int64)] = []
        var rows: [FeedRow] = []
        try IntervalTable.forEach(connection, key, IntervalQuery(range: TimeRange(lower: .distantPast, upper: moment)))
        {
            held, row in
            guard held.end < moment else { return }
            gone.append((held, row.int64(8)))
            rows.append(FeedRow(deleting: held, of: key, json: row.bytes(9), at: expiry.at))
        }
        for (held, checksum) in gone {
            try IntervalTable.delete(connection, key, held, checksum: checksum, &totals.intervals)
            try FieldsTable.delete(connection, key, id: held.id, &totals.fields)
        }
        try deleteVersions(key, before: moment, Set(gone.map(\.held.id)), &totals)
        guard !gone.isEmpty else { return }
        receipt.deletedIntervals[key] = gone.map(\.held.id)
        try writer.appendFeed(expiry.slot, rows)
    }

    /// Of an interval that is still held, what it was before stays.
    private func deleteVersions(
        _ key: AssignmentKey, before moment: Timestamp, _ ids: Set<Int64>, _ totals: inout AssignmentTotals
    ) throws {
        var places: [VersionTable.Place] = []
        try VersionTable.forEach(connection, key) { held, place, _ in
            if ids.contains(held.id) || held.end < moment { places.append(place) }
        }
        for place in places {
            let isHeld =
                try !ids.contains(place.id)
                && IntervalTable.find(connection, key, id: place.id) { _, _ in true } == true
            if !isHeld { try VersionTable.delete(connection, key, place, &totals.versions) }
        }
    }
}

// MARK: - Messages

extension ExpiryTransaction {
    private mutating func moveHorizon(_ horizon: Timestamp) throws {
        let device = expiry.device
        let present = try HorizonTable.horizon(connection, device)
        guard horizon >= present else {
            throw StoreError.invalid(
                "the horizon of device \(device) would go back from \(present.microseconds) to "
                    + "\(horizon.microseconds)")
        }
        try checkAssignments(horizon)
        if horizon > present { try HorizonTable.setHorizon(connection, device, horizon) }
        let gone = try ChunkMonths.deleteChunks(connection, device, before: horizon)
        receipt.chunkCount = gone.chunkCount
        receipt.messageCount = gone.messageCount
        try connection.run(
            "DELETE FROM damaged_chunks WHERE device = ? AND last < ?", device.rawValue, horizon.microseconds)
    }

    /// Messages that an assignment still reads must not go: one may have been made since the expiry was worked out.
    private func checkAssignments(_ horizon: Timestamp) throws {
        let statement = try connection.statement(
            "SELECT \(RegistryTables.assignmentColumns) FROM assignments WHERE device = ?", expiry.device.rawValue)
        try statement.forEachRow { row in
            let record = try RegistryTables.assignment(row).record
            guard record.marks.horizon >= horizon else {
                throw StoreError.stale(record.key, reason: "it still reads messages before the device's horizon")
            }
        }
    }
}

// MARK: - What callers see

extension SQLitePrimaryStore {
    package func expire(_ expiries: [Expiry]) -> [Result<ExpiryReceipt, StoreError>] {
        guard !expiries.isEmpty else { return [] }
        return writeEach(
            expiries.map { expiry in
                let fence = Fence(expiry.slot, epoch: expiry.epoch, device: expiry.device)
                return { writer in try ExpiryTransaction.apply(expiry, fence, in: writer) }
            })
    }

    package func horizon(device: DeviceID) throws(StoreError) -> Timestamp {
        try read { connection in try HorizonTable.horizon(connection, device) }
    }

    package func horizonState(_ key: AssignmentKey) throws(StoreError) -> HorizonState? {
        try read { connection in try HorizonTable.state(connection, key) }
    }
}
