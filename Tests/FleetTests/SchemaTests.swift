import PostgresClient
import Telemetry
import Testing
import ThrowAwayPostgres

/// The names that dashboards and SQL written for such a fleet know, and what they hold for one that drives.
@Suite(
    "Fleet schema", .serialized,
    .enabled(if: ThrowAwayPostgres.isAvailable, Comment(rawValue: ThrowAwayPostgres.reason)))
struct SchemaTests {
    /// What the engine fills for a fleet like the made-up one.
    private static let filledNames = [
        "tracksolid.devices", "tracksolid.live_positions", "tracksolid.position_history", "tracksolid.parking_events",
        "tracksolid.v_mileage_daily_cagg", "reporting.v_trips", "reporting.v_filter_vehicles",
        "reporting.v_filter_drivers", "reporting.v_filter_cost_centres", "reporting.v_filter_cities",
        "reporting.v_daily_summary", "reporting.v_weekly_summary", "reporting.v_monthly_summary",
        "reporting.v_daily_cost_centre", "reporting.v_weekly_cost_centre", "reporting.v_monthly_cost_centre",
        "reporting.v_live_positions", "tracksolid.v_fleet_today", "tracksolid.v_fleet_status",
        "tracksolid.v_fleet_km_daily", "tracksolid.v_ingestion_health", "tracksolid.v_driver_aggregates_daily",
        "tracksolid.v_fleet_trace", "tracksolid.v_driver_clock_daily", "tracksolid.v_driver_clock_attendance",
    ]
    /// What other sources fill, or what depends on the hour.
    private static let presentNames = [
        "tracksolid.trips", "tracksolid.alarms", "tracksolid.ingestion_log", "tracksolid.api_token_cache",
        "tracksolid.heartbeats", "tracksolid.fuel_readings", "tracksolid.temperature_readings",
        "tracksolid.device_events", "tracksolid.fault_codes", "tracksolid.obd_readings", "tracksolid.lbs_readings",
        "tracksolid.geofences", "reporting.refresh_log", "reporting.v_trips_today", "tracksolid.v_active_dispatch_map",
        "tracksolid.v_currently_idle", "tracksolid.v_alarms_daily", "tracksolid.v_vehicles_not_moved_today",
        "tracksolid.v_driver_clock_today",
    ]

    @Test("every object has its name, and those that the engine fills have rows", arguments: filledNames)
    func filled(name: String) async throws {
        let fleet = try await PublishedFleet.common()
        let count = try fleet.query { try $0.value("SELECT count(*) FROM \(name)", as: Int64.self) }
        #expect((count ?? 0) > 0, "\(name)")
    }

    @Test("what other sources fill is there to be filled", arguments: presentNames)
    func present(name: String) async throws {
        let fleet = try await PublishedFleet.common()
        #expect(try fleet.query { try $0.value("SELECT count(*) FROM \(name)", as: Int64.self) } != nil, "\(name)")
    }

    @Test("the live position of every vehicle is its newest fix, and the history has every fix once")
    func positions() async throws {
        let fleet = try await PublishedFleet.common()
        let row = try fleet.query { connection in
            try connection.query(
                """
                SELECT (SELECT count(*) FROM tracksolid.live_positions l WHERE gps_time IS DISTINCT FROM
                  (SELECT max(gps_time) FROM tracksolid.position_history h
                   WHERE h.imei = l.imei AND h.lat IS NOT NULL)),
                  (SELECT count(*) FROM tracksolid.live_positions),
                  (SELECT count(*) FROM tracksolid.position_history),
                  (SELECT count(*) FROM (SELECT DISTINCT imei, gps_time FROM tracksolid.position_history) x)
                """, as: Int64.self, Int64.self, Int64.self, Int64.self)
        }
        let (stale, vehicles, fixes, distinct) = try #require(row.first)
        #expect(stale == 0 && vehicles == Int64(fleet.vehicles.count) && fixes == distinct && fixes > 10_000)
    }

    @Test("functions answer, and refreshing trips takes the lock, logs and returns true")
    func functions() async throws {
        let fleet = try await PublishedFleet.common()
        try fleet.query { connection in
            for call in [
                "reporting.fn_live_positions(NULL, NULL)", "reporting.fn_vehicle_track('KDA 000''S', 24)",
                "reporting.fn_trips_for_map()", "to_jsonb(reporting.normalize_plate('kda 000''s'))",
            ] {
                let text = try connection.value("SELECT (\(call))::text", as: String.self)
                #expect((text ?? "").utf8.count > 5, "\(call)")
            }
            #expect(try connection.value("SELECT reporting.refresh_v_trips('test')", as: Bool.self) == true)
            let logged = try connection.value(
                "SELECT count(*) FROM reporting.refresh_log WHERE worker = 'test'", as: Int64.self)
            #expect(logged == 1)
        }
    }
}
