import Logging
import PostgresClient
import PrimaryStore
import Publishing
import Telemetry

/// What publishes a store's contents to PostgreSQL, put together from the settings.
enum Publication {
    static func delivery(
        _ store: SQLitePrimaryStore, to postgres: PostgresSettings, timeZone: String?, logger: Logger
    ) -> Delivery {
        var settings = SinkSettings(postgres)
        settings.timeZone = timeZone
        let sink = settings
        return Delivery(
            store: store,
            sinks: Delivery.Sinks(
                feed: { PostgresFeedSink(sink) { () throws(StoreError) in try store.deviceDrivers(nil) } },
                messages: { PostgresMessageSink(sink) }),
            extraction: MessageExtraction(parameters: store.parameters), now: Server.clock, logger: logger)
    }

    /// Throws away who the database is filled by, so that the next delivery may be another store's; nothing that is
    /// there goes.
    static func disown(_ settings: PostgresSettings) throws {
        let connection = try PostgresConnection(settings)
        defer { connection.close() }
        try FleetRebuild.fromNothing(connection, .cursors)
    }
}
