import SQLiteClient
import Telemetry

extension Writer {
    func createEntity(_ kind: EntityKind, name: String, json: String) throws -> EntityRecord {
        let record = EntityRecord(
            kind: kind, id: try MetaTable.next(connection, "last_\(kind.rawValue)"), name: name, json: json, revision: 1
        )
        try EntityTables.write(connection, record)
        try bumpRegistry()
        return record
    }

    func replaceEntity(
        _ kind: EntityKind, _ id: Int64, name: String, json: String, expecting: Int64?
    ) throws -> EntityRecord {
        var record = try entity(kind, id)
        try check(expecting, record.revision, "\(kind.rawValue) \(id)")
        record.name = name
        record.json = json
        record.revision += 1
        try EntityTables.write(connection, record)
        try bumpRegistry()
        return record
    }

    func deleteEntity(_ kind: EntityKind, _ id: Int64, at moment: Timestamp) throws {
        _ = try entity(kind, id)
        switch kind {
        case .geofence:
            try deleteLinks([.calculatorGeofence, .groupGeofence], to: id)
        case .group:
            var transaction = LinkTransaction(self, at: moment)
            try transaction.removeAll(ofGroup: id)
        case .asset:
            try endAssignments(of: DeviceID(asset: id), at: moment)
            try deleteLinks([.groupAsset], to: id)
            try connection.run("DELETE FROM asset_intervals WHERE asset = ?", id)
        }
        try connection.run("DELETE FROM entities WHERE kind = ? AND id = ?", kind.rawValue, id)
        try bumpRegistry()
    }

    /// Deletes links as they are: what they implied is deleted by the caller.
    func deleteLinks(_ kinds: [LinkKind], to id: Int64) throws {
        for kind in kinds { try connection.run("DELETE FROM links WHERE kind = ? AND to_id = ?", kind.rawValue, id) }
    }

    /// The same, by the other end.
    func deleteLinks(_ kinds: [LinkKind], from id: Int64) throws {
        for kind in kinds { try connection.run("DELETE FROM links WHERE kind = ? AND from_id = ?", kind.rawValue, id) }
    }

    func entity(_ kind: EntityKind, _ id: Int64) throws -> EntityRecord {
        guard let record = try EntityTables.findEntity(connection, kind, id) else {
            throw StoreError.notFound("\(kind.rawValue) \(id)")
        }
        return record
    }

    func check(_ expected: Int64?, _ current: Int64, _ what: String) throws {
        guard let expected, expected != current else { return }
        throw StoreError.revisionConflict(what, expected: expected, current: current)
    }
}

// MARK: - Asset intervals

extension Writer {
    func overlayAssetIntervals(_ asset: Int64, _ intervals: [AssetInterval]) throws -> [AssetInterval] {
        _ = try entity(.asset, asset)
        var timeline = try AssetTimeline(assetIntervals("asset = ?", asset))
        let before = timeline.intervals
        for interval in intervals {
            try check(interval, of: asset)
            timeline.overlay(interval)
        }
        guard timeline.intervals.count <= AssetInterval.countMax else {
            throw StoreError.invalid("asset \(asset) would have more than \(AssetInterval.countMax) intervals")
        }
        try replaceAssetIntervals(before, timeline.intervals)
        return timeline.intervals
    }

    /// Deletes the intervals for which a device stood.
    func deleteAssetIntervals(of device: DeviceID) throws {
        try connection.run("DELETE FROM asset_intervals WHERE device = ?", device.rawValue)
    }

    private func check(_ interval: AssetInterval, of asset: Int64) throws {
        guard interval.asset == asset else {
            throw StoreError.invalid("an interval of asset \(interval.asset) among those of asset \(asset)")
        }
        guard interval.end.map({ interval.begin < $0 }) ?? true else {
            throw StoreError.invalid("an interval of asset \(asset) ends before it has begun")
        }
        guard interval.json.utf8.count <= AssetInterval.jsonBytesMax else {
            throw StoreError.invalid("an interval of asset \(asset) has over \(AssetInterval.jsonBytesMax) bytes")
        }
        if interval.device.rawValue != 0 { try checkDevice(interval.device) }
    }

    private func replaceAssetIntervals(_ before: [AssetInterval], _ after: [AssetInterval]) throws {
        let (old, new) = (Set(before), Set(after))
        guard old != new else { return }
        for interval in before where !new.contains(interval) {
            try connection.run(
                "DELETE FROM asset_intervals WHERE asset = ? AND begin_at = ?", interval.asset,
                interval.begin.microseconds)
        }
        for interval in after where !old.contains(interval) { try EntityTables.write(connection, interval) }
        try bumpRegistry()
    }

    private func assetIntervals(_ condition: String, _ id: Int64) throws -> [AssetInterval] {
        var intervals: [AssetInterval] = []
        try connection.statement(
            "SELECT \(EntityTables.assetColumns) FROM asset_intervals WHERE \(condition) ORDER BY begin_at", id
        ).forEachRow { intervals.append(try EntityTables.assetInterval($0)) }
        return intervals
    }
}
