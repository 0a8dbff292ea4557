import PostgresClient
@testable import Publishing
import Synchronization
import Testing
import ThrowAwayPostgres

/// A database with the fleet schema on the shared throw-away server, as a test looks at it.
struct FleetDatabase {
    static let store = "store-1"

    let settings: PostgresSettings
    /// The superuser's connection.
    let connection: PostgresConnection

    private static let number = Atomic<Int>(0)
    private static let creation = Mutex<Void>(())

    /// A database that is migrated once and then copied.
    private static let template = Result {
        let settings = try ThrowAwayPostgres.shared().createDatabase()
        let connection = try PostgresConnection(settings)
        defer { connection.close() }
        try Migrator().run(connection)
        return settings
    }

    /// Lends a database with the schema, and drops it afterwards.
    static func with(_ body: (FleetDatabase) throws -> Void) throws {
        let server = try ThrowAwayPostgres.shared()
        let template = try template.get()
        let name = "fleet_\(number.add(1, ordering: .relaxed).newValue)"
        try creation.withLock { _ in
            let connection = try PostgresConnection(server.settings())
            defer { connection.close() }
            try connection.execute(
                "CREATE DATABASE \(try PostgresName(name)) TEMPLATE \(try PostgresName(template.database ?? ""))")
        }
        let settings = server.settings(database: name)
        defer { try? server.drop(settings) }
        let database = try FleetDatabase(settings)
        defer { database.connection.close() }
        try body(database)
    }

    init(_ settings: PostgresSettings) throws {
        self.settings = settings
        connection = try PostgresConnection(settings)
        try connection.execute("SET TimeZone = 'UTC'")
    }

    /// What a query gives, a text like `(1,two)` a row.
    func rows(_ sql: String) throws -> [String] {
        try connection.query("SELECT t::text FROM (\(sql)) t", as: String.self)
    }

    func value(_ sql: String) throws -> String? { try rows(sql).first.map { String($0.dropFirst().dropLast()) } }

    func count(_ table: String) throws -> Int {
        Int(try connection.value("SELECT count(*) FROM \(table)", as: Int64.self) ?? -1)
    }

    /// What the writer has filled, a sum for each table; without the times at which rows were written.
    func contents() throws -> [String: String] {
        var result: [String: String] = [:]
        for (name, sql) in try Self.tables.merging(typedTables(), uniquingKeysWith: { $1 }) {
            result[name] =
                try connection.value(
                    "SELECT count(*) || ' ' || md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM (\(sql)) t",
                    as: String?.self) ?? "empty"
        }
        return result
    }

    private static let tables = [
        "intervals": """
        SELECT calc_id, device_id, interval_id, begin_at, end_at, slot, is_active, calc_revision, digest, counters
        FROM odograph.intervals
        """,
        "trips": """
        SELECT trip_id, imei, vehicle_number, driver_name, cost_centre, start_time, end_time, is_active, idle_s,
          distance_km, avg_speed_kmh, max_speed_kmh, start_lat, start_lng FROM reporting.v_trips
        """,
        "parking": """
        SELECT imei, kind, start_time, end_time, lat, lng, acc, calc_id, interval_id FROM tracksolid.parking_events
        """,
        "alarms": """
        SELECT imei, alarm_type, alarm_name, alarm_time, lat, lng, severity, source, driver_name FROM tracksolid.alarms
        """,
        "history": """
        SELECT imei, gps_time, lat, lng, speed_kmh, direction, acc_status, mileage_km, rank
        FROM tracksolid.position_history
        """,
        "live": """
        SELECT imei, gps_time, hb_time, lat, lng, speed_kmh, direction, acc_status, acc_time, power_value, power_time,
          current_mileage_km, tracker_oil, fix_rank, address FROM tracksolid.live_positions
        """,
        "devices": "SELECT device_id, ident, name, json FROM odograph.devices WHERE deleted_at IS NULL",
        "vehicles":
            "SELECT imei, device_id, device_name, vehicle_number, driver_name, cost_centre FROM tracksolid.devices",
        "daily": """
        SELECT imei, bucket, points, max_speed_kmh, moving_points FROM tracksolid.v_mileage_daily_cagg
        """,
    ]

    /// The tables of calculators, with their columns in the order of their names.
    private func typedTables() throws -> [String: String] {
        let rows = try connection.query(
            """
            SELECT c.table_name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname)
            FROM odograph.calculators c
            JOIN pg_attribute a ON a.attrelid = format('reporting.%I', c.table_name)::regclass
              AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('updated_at', 'revision')
            WHERE c.table_name IS NOT NULL GROUP BY 1
            """, as: String.self, String.self)
        return Dictionary(
            uniqueKeysWithValues: rows.map { name, columns in
                ("typed \(name)", "SELECT \(columns) FROM reporting.\"\(name.replacingQuotes)\"")
            })
    }

    func sinkSettings() -> SinkSettings { SinkSettings(settings) }

    /// A feed sink that is open.
    func feedSink(store: String = store) throws -> PostgresFeedSink {
        let sink = PostgresFeedSink(sinkSettings())
        _ = try sink.open(store: store)
        return sink
    }

    func messageSink(store: String = store) throws -> PostgresMessageSink {
        let sink = PostgresMessageSink(sinkSettings())
        _ = try sink.open(store: store)
        return sink
    }
}

extension String {
    fileprivate var replacingQuotes: String {
        split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
    }
}

/// A test that needs a server, and says why it is skipped where there is none.
extension Trait where Self == ConditionTrait {
    static var needsPostgres: Self {
        .enabled(if: ThrowAwayPostgres.isAvailable, Comment(rawValue: ThrowAwayPostgres.reason))
    }
}

/// The error of a kind that the body throws; a failure of the test if it throws none.
@discardableResult
func thrown<Failure: Error>(
    _ kind: Failure.Type, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) throws -> Failure {
    try #require(throws: kind, sourceLocation: sourceLocation) { try body() }
}
