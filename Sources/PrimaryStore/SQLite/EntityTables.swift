import MessageChunks
import SQLiteClient
import Telemetry

/// The rows of entities, links and asset intervals, checked against their CRC.
enum EntityTables {
    static let entityColumns = "kind, id, name, json, revision, crc"
    static let linkColumns = "kind, from_id, to_id, auto_created, crc"
    static let assetColumns = "asset, begin_at, end_at, device, json, timestamp, crc"

    static func entity(_ row: Statement) throws -> EntityRecord {
        let name = "\(row.text(0)) \(row.int64(1))"
        guard let kind = EntityKind(rawValue: row.text(0)) else { throw StoreError.corrupt(name) }
        let record = EntityRecord(
            kind: kind, id: row.int64(1), name: row.text(2), json: row.text(3), revision: row.int64(4))
        guard checksum(record) == row.int64(5) else { throw StoreError.corrupt(name) }
        return record
    }

    static func link(_ row: Statement) throws -> LinkRecord {
        let name = "link \(row.text(0)) from \(row.int64(1)) to \(row.int64(2))"
        guard let kind = LinkKind(rawValue: row.text(0)) else { throw StoreError.corrupt(name) }
        let record = LinkRecord(kind: kind, from: row.int64(1), to: row.int64(2), isAutoCreated: row.bool(3))
        guard checksum(record) == row.int64(4) else { throw StoreError.corrupt(name) }
        return record
    }

    static func assetInterval(_ row: Statement) throws -> AssetInterval {
        let interval = AssetInterval(
            asset: row.int64(0), begin: Timestamp(microseconds: row.int64(1)),
            end: row.optionalInt64(2).map(Timestamp.init(microseconds:)), device: DeviceID(row.int64(3)),
            json: row.text(4), timestamp: Timestamp(microseconds: row.int64(5)))
        guard checksum(interval) == row.int64(6) else {
            throw StoreError.corrupt("interval of asset \(interval.asset) at \(interval.begin.microseconds)")
        }
        return interval
    }

    static func findEntity(_ connection: Connection, _ kind: EntityKind, _ id: Int64) throws -> EntityRecord? {
        try connection.statement(
            "SELECT \(entityColumns) FROM entities WHERE kind = ? AND id = ?", kind.rawValue, id
        ).first(entity)
    }

    /// Writes an entity over what is there under its kind and id.
    static func write(_ connection: Connection, _ record: EntityRecord) throws {
        try connection.run(
            "INSERT OR REPLACE INTO entities VALUES (?, ?, ?, ?, ?, ?)", record.kind.rawValue, record.id, record.name,
            record.json, record.revision, checksum(record))
    }

    static func findLink(_ connection: Connection, _ link: LinkRecord) throws -> LinkRecord? {
        let statement = try connection.statement(
            "SELECT \(linkColumns) FROM links WHERE kind = ? AND from_id = ? AND to_id = ?")
        try bind(statement, link)
        return try statement.first(self.link)
    }

    /// Writes a link over what is there between its two ends.
    static func write(_ connection: Connection, _ link: LinkRecord) throws {
        let statement = try connection.statement("INSERT OR REPLACE INTO links VALUES (?, ?, ?, ?, ?)")
        try bind(statement, link)
        try statement.bind(4, link.isAutoCreated ? 1 : 0 as Int64)
        try statement.bind(5, checksum(link))
        try statement.run()
    }

    static func delete(_ connection: Connection, _ link: LinkRecord) throws {
        let statement = try connection.statement("DELETE FROM links WHERE kind = ? AND from_id = ? AND to_id = ?")
        try bind(statement, link)
        try statement.run()
    }

    static func write(_ connection: Connection, _ interval: AssetInterval) throws {
        let statement = try connection.statement("INSERT INTO asset_intervals VALUES (?, ?, ?, ?, ?, ?, ?)")
        try statement.bind(1, interval.asset)
        try statement.bind(2, interval.begin.microseconds)
        if let end = interval.end { try statement.bind(3, end.microseconds) } else { try statement.bindNull(3) }
        try statement.bind(4, interval.device.rawValue)
        try statement.bind(5, interval.json)
        try statement.bind(6, interval.timestamp.microseconds)
        try statement.bind(7, checksum(interval))
        try statement.run()
    }

    private static func bind(_ statement: Statement, _ link: LinkRecord) throws {
        try statement.bind(1, link.kind.rawValue)
        try statement.bind(2, link.from)
        try statement.bind(3, link.to)
    }

    private static func checksum(_ record: EntityRecord) -> Int64 {
        var checksum = RowChecksum()
        checksum.add(record.kind.rawValue)
        checksum.add(record.id)
        checksum.add(record.name)
        checksum.add(record.revision)
        return checksum.value(Array(record.json.utf8))
    }

    private static func checksum(_ link: LinkRecord) -> Int64 {
        var checksum = RowChecksum()
        checksum.add(link.kind.rawValue)
        checksum.add(link.from)
        checksum.add(link.to)
        checksum.add(link.isAutoCreated ? 1 : 0)
        return checksum.valueWithoutBytes
    }

    private static func checksum(_ interval: AssetInterval) -> Int64 {
        var checksum = RowChecksum()
        checksum.add(interval.asset)
        checksum.add(interval.begin)
        checksum.add(interval.end ?? .distantFuture)
        checksum.add(interval.device.rawValue)
        checksum.add(interval.timestamp)
        return checksum.value(Array(interval.json.utf8))
    }
}
