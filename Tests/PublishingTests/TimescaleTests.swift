import PostgresClient
import Publishing
import Testing
import ThrowAwayPostgres

/// The fleet schema where TimescaleDB is there: hypertables, and the roll-up as a continuous aggregate.
@Suite(
    "TimescaleDB", .serialized,
    .enabled(if: Timescale.missing == nil, Comment(rawValue: Timescale.missing ?? "")))
struct TimescaleTests {
    private func database(_ server: ThrowAwayPostgres, with extensions: [String]) throws -> FleetDatabase {
        let database = try FleetDatabase(server.createDatabase())
        for name in extensions { try database.connection.execute("CREATE EXTENSION \(try PostgresName(name))") }
        try Migrator().run(database.connection)
        return database
    }

    private func fill(_ database: FleetDatabase, _ fleet: MadeFleet) throws {
        let (feed, messages) = (
            PostgresFeedSink(SinkSettings(database.settings)), PostgresMessageSink(SinkSettings(database.settings))
        )
        _ = try feed.open(store: FleetDatabase.store)
        try fleet.deliver(to: feed)
        _ = try messages.open(store: FleetDatabase.store)
        try fleet.deliver(to: messages)
        while try messages.refreshMileage() {}
        feed.close()
        messages.close()
    }

    @Test("the four hypertables and the aggregate are there, and the roll-up has the rows that it has without")
    func sameRows() throws {
        let server = try ThrowAwayPostgres(.init(settings: ["shared_preload_libraries": "timescaledb"]))
        let (with, without) = (try database(server, with: ["timescaledb"]), try database(server, with: []))
        defer {
            with.connection.close()
            without.connection.close()
        }
        #expect(try with.count("timescaledb_information.hypertables") >= 4)
        #expect(try with.count("timescaledb_information.continuous_aggregates") == 1)
        let fleet = MadeFleet(vehicles: 3, days: 3, seed: 5)
        for database in [with, without] { try fill(database, fleet) }
        try with.connection.execute(
            "CALL refresh_continuous_aggregate('tracksolid.v_mileage_daily_cagg', NULL, NULL)")
        let sql = """
            SELECT bucket, imei, points, first_gps, last_gps, max_speed_kmh, moving_points
            FROM tracksolid.v_mileage_daily_cagg ORDER BY bucket, imei
            """
        #expect(try !with.rows(sql).isEmpty && with.rows(sql) == without.rows(sql))
    }
}

/// The extension beside the server of these tests.
private enum Timescale {
    /// Why these tests cannot run here; nil if they can.
    static let missing: String? = {
        guard ThrowAwayPostgres.isAvailable else { return ThrowAwayPostgres.reason }
        let count = try? ThrowAwayPostgres.shared().withDatabase { settings in
            let connection = try PostgresConnection(settings)
            defer { connection.close() }
            return try connection.value(
                "SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'", as: Int64.self)
        }
        return count == 1 ? nil : "TimescaleDB is not installed beside PostgreSQL"
    }()
}
