import PostgresClient
import PrimaryStore
import Telemetry

/// Puts the registry and the change feed into the fleet schema.
///
/// It stages rows by COPY and calls the schema's functions, all in one transaction with the cursors, so that every call
/// is done once in effect, however often it is made. A row that PostgreSQL cannot take is listed in `odograph.refused`
/// and passed over.
package final class PostgresFeedSink: FeedSink {
    /// The name in `reporting.refresh_log`.
    private static let worker = "odograph"

    let link: SinkLink
    private(set) var store = ""
    /// Rows of the present call that were passed over.
    var refusedRowCount = 0

    private let drivers: Drivers?

    /// Who drove which device from when on: what the store tells of all devices.
    package typealias Drivers = @Sendable () throws(StoreError) -> [DeviceDriver]

    /// Without `drivers` a new name in a device's metadata drives from the moment on at which it arrives here.
    package init(_ settings: SinkSettings, drivers: Drivers? = nil) {
        link = SinkLink(settings)
        self.drivers = drivers
    }

    package func open(store: String) throws(SinkError) -> FeedCursors {
        self.store = StagedText.plain(store)
        _ = try link.open(store: store)
        let zone = link.settings.timeZone
        return try link.run { connection throws(PostgresError) in
            if let zone { try connection.postgres.query("SELECT reporting.set_timezone($1)", StagedText.plain(zone)) }
            let rows = try connection.postgres.query(
                "SELECT slot, position FROM odograph.cursors WHERE name = 'feed' AND slot BETWEEN 0 AND 255",
                as: Int16.self, Int64.self)
            var cursors = FeedCursors()
            for (slot, position) in rows { cursors.revisions[Slot(rawValue: UInt8(slot))] = position }
            return cursors
        }
    }

    package func close() { link.close() }

    package func apply(_ registry: RegistrySnapshot) throws(SinkError) {
        let told: [DeviceDriver]?
        // Read after the registry they may be newer than it: then they are of the next one, too.
        do throws(StoreError) { told = try drivers?() } catch { throw .retry("the drivers cannot be read: \(error)") }
        try link.run { connection throws(PostgresError) in
            try connection.transaction { postgres in
                try Staging.registry(registry, to: postgres)
                if let told { try Staging.drivers(told, to: postgres) }
                link.stepObserver?(.staged)
                try postgres.query(
                    "SELECT odograph.apply_registry($1, true, $2, $3)", registry.revision, store, told != nil)
                link.stepObserver?(.applied)
            }
        }
    }

    package func apply(_ rows: [FeedRow]) throws(SinkError) -> DeliveryReceipt {
        refusedRowCount = 0
        // In this order every part of a batch is again a run of each of its slots.
        let ordered = rows.map { StagedInterval($0) }.sorted { ($0.slot, $0.revision) < ($1.slot, $1.revision) }
        return try applyFeed(ordered[...])
    }

    package func maintain() throws(SinkError) {
        try link.run { connection throws(PostgresError) in
            try connection.postgres.query("SELECT odograph.maintain()")
        }
    }

    package func refreshTrips() throws(SinkError) {
        try link.run { connection throws(PostgresError) in
            try connection.postgres.query("SELECT reporting.refresh_v_trips($1)", Self.worker)
        }
    }

    /// Applies rows; where one cannot be taken, halves them until it is alone.
    private func applyFeed(_ rows: ArraySlice<StagedInterval>) throws(SinkError) -> DeliveryReceipt {
        do throws(LinkFailure) {
            return try applyAtOnce(rows)
        } catch .data(let error) {
            guard let row = rows.first else { throw SinkError(error) }
            guard rows.count > 1 else {
                try refuse(row, error.description)
                return try applyPassedOver(row)
            }
            let middle = rows.startIndex + rows.count / 2
            let before = try applyFeed(rows[..<middle])
            return before + (try applyFeed(rows[middle...]))
        } catch { throw error.sinkError }
    }

    private func applyAtOnce(_ rows: ArraySlice<StagedInterval>) throws(LinkFailure) -> DeliveryReceipt {
        let unfit = rows.filter { $0.operation != 0 && $0.refusal != nil }
        for row in unfit {
            do throws(SinkError) { try refuse(row, row.refusal ?? "") } catch { throw .sink(error) }
        }
        let staged = rows.map { $0.refusal == nil ? $0 : $0.passedOver }
        return try link.deliver { connection throws(PostgresError) in
            try connection.transaction { postgres in
                try Staging.feed(staged, to: postgres)
                link.stepObserver?(.staged)
                let result = try postgres.query(
                    "SELECT written, deleted, unchanged, stale FROM odograph.apply_feed($1)", store,
                    as: Int64.self, Int64.self, Int64.self, Int64.self)
                link.stepObserver?(.applied)
                return DeliveryReceipt(result)
            }
        }
    }

    private func applyPassedOver(_ row: StagedInterval) throws(SinkError) -> DeliveryReceipt {
        do throws(LinkFailure) { return try applyAtOnce([row.passedOver]) } catch { throw error.sinkError }
    }

    /// Lists a row as refused; too many of one call are a mistake of another kind.
    func refuse(_ row: StagedInterval, _ reason: String) throws(SinkError) {
        refusedRowCount += 1
        guard refusedRowCount <= link.settings.refusedRowCountMax else {
            throw .refused(
                "more than \(link.settings.refusedRowCountMax) intervals of one batch cannot be stored: \(reason)")
        }
        try link.run { connection throws(PostgresError) in
            try connection.refuse(
                sink: "feed", key: row.refusedKey, reason: reason,
                content: row.json.map { String(decoding: $0.prefix(2000), as: UTF8.self) })
        }
    }
}

extension DeliveryReceipt {
    fileprivate init(_ rows: [(Int64, Int64, Int64, Int64)]) {
        self.init()
        guard let row = rows.first else { return }
        (written, deleted, unchanged, stale) = (Int(row.0), Int(row.1), Int(row.2), Int(row.3))
    }

    static func + (left: Self, right: Self) -> Self {
        var sum = left
        sum.written += right.written
        sum.deleted += right.deleted
        sum.unchanged += right.unchanged
        sum.stale += right.stale
        return sum
    }
}
