import PostgresClient
import PrimaryStore
import Telemetry
import Testing
import ThrowAwayPostgres

@testable import Publishing

/// The dashboard's answers from PostgreSQL: how they are asked for, and what becomes of failures.
@Suite(
    "Reports from PostgreSQL",
    .enabled(if: ThrowAwayPostgres.isAvailable, Comment(rawValue: ThrowAwayPostgres.reason)))
struct PostgresFleetReportsTests {
    /// Lends reports over a database with a small fleet in it.
    private func withFleet(_ body: (PostgresFleetReports, MadeFleet, FleetDatabase) throws -> Void) throws {
        try FleetDatabase.with { database in
            let fleet = MadeFleet(vehicles: 4, days: 2, seed: 5)
            let feed = PostgresFeedSink(SinkSettings(database.settings))
            _ = try feed.open(store: FleetDatabase.store)
            try fleet.deliver(to: feed)
            feed.close()
            let messages = PostgresMessageSink(SinkSettings(database.settings))
            _ = try messages.open(store: FleetDatabase.store)
            try fleet.deliver(to: messages)
            messages.close()
            let reports = PostgresFleetReports(database.settings)
            defer { reports.close() }
            try body(reports, fleet, database)
        }
    }

    private static let days = ReportDay("2024-06-01").flatMap { first in
        ReportDay("2024-06-30").map { first...$0 }
    }

    private static func json(_ answer: ReportAnswer) throws -> JSONValue { try JSONValue(parsing: answer.json) }

    private static func features(_ answer: ReportAnswer) throws -> [JSONValue] {
        try #require(try json(answer)["geojson"]?["features"]?.arrayValue)
    }

    @Test("Live positions are asked for with filters or without")
    func live() throws {
        try withFleet { reports, _, _ in
            let all = try reports.livePositions(costCentre: nil, isIgnitionOn: nil)
            #expect(try Self.features(all).count == 4 && all.isFound && all.isHealthy)
            #expect(try Self.features(reports.livePositions(costCentre: "CC-1", isIgnitionOn: nil)).count == 2)
            let off = try Self.features(reports.livePositions(costCentre: nil, isIgnitionOn: false)).count
            let on = try Self.features(reports.livePositions(costCentre: nil, isIgnitionOn: true)).count
            #expect(off + on == 4)
            #expect(try Self.features(reports.livePositions(costCentre: "no' one", isIgnitionOn: nil)).isEmpty)
        }
    }

    @Test("A track says whether its vehicle is there")
    func track() throws {
        try withFleet { reports, _, _ in
            let known = try reports.track(vehicleNumber: "kd1 101", hours: 5)
            #expect(known.isFound)
            #expect(try Self.json(known)["hours"] == .number(5))
            let unknown = try reports.track(vehicleNumber: "no' one", hours: .max)
            #expect(!unknown.isFound)
            #expect(try Self.json(unknown)["hours"] == .number(168))
            #expect(try Self.json(unknown)["found"] == .boolean(false))
        }
    }

    @Test("Trips come with lines, or with simplified paths")
    func dashboard() throws {
        try withFleet { reports, _, _ in
            let all = try reports.dashboard(DashboardQuery(days: Self.days))
            #expect(try Self.features(all).count == 24)
            #expect(try Self.json(all)["filters"]?["vehicles"]?.arrayValue?.count == 4)
            let one = DashboardQuery(vehicleNumbers: ["KD1 101"], days: Self.days)
            #expect(try Self.features(reports.dashboard(one)).count == 6)
            var paths = one
            paths.includesPath = true
            for feature in try Self.features(reports.dashboard(paths)) {
                let trip = try #require(feature["id"]?.integerValue)
                let path = try Self.json(reports.tripPath(trip))
                let line = path["geojson"]?["features"]?.arrayValue?.first?["geometry"]
                #expect(feature["geometry"] == line && line?["coordinates"]?.arrayValue?.count ?? 0 >= 2)
                let times = path["geojson"]?["features"]?.arrayValue?.first?["properties"]?["times"]?.arrayValue
                #expect(times?.count == line?["coordinates"]?.arrayValue?.count)
                #expect(path["points"]?.integerValue ?? 0 >= Int64(times?.count ?? 0))
            }
            let unknown = try reports.tripPath(42)
            #expect(!unknown.isFound)
            #expect(try Self.features(reports.dashboard(DashboardQuery(driver: "x", days: Self.days))).isEmpty)
        }
    }

    @Test("Without days it is today, in the time zone of the database")
    func today() throws {
        try withFleet { reports, _, database in
            let range = try Self.json(reports.dashboard(DashboardQuery()))["range"]
            let today = try database.connection.value(
                "SELECT (now() AT TIME ZONE reporting.setting('tz'))::date::text", as: String.self)
            #expect(range?["start"] == range?["end"] && range?["end"]?.stringValue == today)
        }
    }

    @Test("The ingest is well as long as messages were applied lately")
    func health() throws {
        try withFleet { reports, _, database in
            let now = try reports.ingestHealth()
            #expect(now.isHealthy)
            try database.connection.execute(
                "UPDATE tracksolid.ingestion_log SET finished_at = finished_at - interval '301 seconds'")
            let late = try reports.ingestHealth()
            #expect(!late.isHealthy)
            #expect(try Self.json(late)["ok"] == .boolean(false))
        }
        try FleetDatabase.with { database in
            let reports = PostgresFleetReports(database.settings)
            defer { reports.close() }
            let never = try reports.ingestHealth()
            #expect(!never.isHealthy, "nothing ever came")
        }
    }

    @Test("A connection is kept for the next call, and replaced when the server has ended it")
    func reuse() throws {
        try FleetDatabase.with { database in
            let reports = PostgresFleetReports(database.settings)
            defer { reports.close() }
            func sessions() throws -> [Int32] {
                try database.connection.query(
                    """
                    SELECT pid FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'odograph dashboard'
                    """, as: Int32.self)
            }
            for _ in 0..<3 { _ = try reports.livePositions(costCentre: nil, isIgnitionOn: nil) }
            let first = try sessions()
            #expect(first.count == 1 && reports.connectionCount == 1)
            try database.connection.execute("SELECT pg_terminate_backend(\(first[0]), 5000)")
            #expect(try Self.features(reports.livePositions(costCentre: nil, isIgnitionOn: nil)).isEmpty)
            #expect(try sessions() != first)
            #expect(reports.connectionCount == 1)
        }
    }

    @Test("What is read cannot be changed, and a report may take 30 s")
    func limits() throws {
        try FleetDatabase.with { database in
            let connections = ReaderConnections(database.settings, connectionsMax: 1)
            defer { connections.close() }
            let timeout = try connections.withConnection { connection throws(PostgresError) in
                try connection.value("SHOW statement_timeout", as: String.self)
            }
            #expect(timeout == "30s")
            #expect(throws: PostgresError.self) {
                try connections.withConnection { connection throws(PostgresError) in
                    try connection.execute("DELETE FROM reporting.settings")
                }
            }
            // A connection whose statement failed is of use again.
            #expect(connections.count == 1)
            try connections.withConnection { outer throws(PostgresError) in
                #expect(throws: PostgresError.self, "one connection is lent to one thread at a time") {
                    try connections.withConnection { inner throws(PostgresError) in _ = inner.isAlive }
                }
                #expect(outer.isAlive)
            }
        }
    }

    @Test("Too many trips, a missing schema and a missing right are told in words of their own")
    func failures() throws {
        try withFleet { reports, _, database in
            try database.connection.execute(
                """
                CREATE OR REPLACE FUNCTION reporting.fn_filters() RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
                BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'program_limit_exceeded'; END $$
                """)
            #expect(throws: ReportError.tooMany(ReportLimits.tooManyTrips)) {
                try reports.dashboard(DashboardQuery(days: Self.days))
            }
            let stranger = "stranger_\(UInt32.random(in: 0...UInt32.max))"
            try database.connection.execute("CREATE ROLE \(stranger) LOGIN PASSWORD '\(ThrowAwayPostgres.password)'")
            defer { _ = try? database.connection.execute("DROP ROLE \(stranger)") }
            let refused = PostgresFleetReports(
                database.settings.user(stranger, password: ThrowAwayPostgres.password))
            defer { refused.close() }
            #expect(throws: ReportError.self) { try refused.ingestHealth() }
        }
        try ThrowAwayPostgres.shared().withDatabase { settings in
            let reports = PostgresFleetReports(settings)
            defer { reports.close() }
            let error = #expect(throws: ReportError.self) { try reports.ingestHealth() }
            guard case .failed(let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("odograph migrate"))
        }
    }

    @Test("While the server is away every call says so; afterwards it answers again")
    func away() throws {
        let server = try ThrowAwayPostgres()
        let settings = try server.createDatabase()
        let connection = try PostgresConnection(settings)
        _ = try Migrator().run(connection)
        connection.close()
        let reports = PostgresFleetReports(settings)
        defer { reports.close() }
        #expect(try Self.features(reports.livePositions(costCentre: nil, isIgnitionOn: nil)).isEmpty)
        server.stop()
        for _ in 0..<3 {
            let error = #expect(throws: ReportError.self) {
                try reports.livePositions(costCentre: nil, isIgnitionOn: nil)
            }
            guard case .unavailable(let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("PostgreSQL is away"))
        }
        try server.restart()
        #expect(try Self.features(reports.livePositions(costCentre: nil, isIgnitionOn: nil)).isEmpty)
        #expect(reports.connectionCount == 1)
    }
}

/// What comes back from the server as a path.
@Suite("Trip paths")
struct TripPathTests {
    private static func path(_ text: String) throws -> TripPath? { TripPath(try JSONValue(parsing: text)) }

    @Test("A path is read from the server's answer, and its points on a line are left out")
    func reading() throws {
        let path = try #require(
            try Self.path(
                """
                {"points": 3, "geojson": {"type": "FeatureCollection", "features": [{"id": 7, "type": "Feature", \
                "geometry": {"type": "LineString", "coordinates": [[36.8, -1.2], [36.9, -1.2], [37, -1.2]]}, \
                "properties": {"kind": "path", "times": ["a", "b", "c"]}}]}, "trip_id": 7}
                """))
        let expected = """
            {"trip_id":7,"points":3,"geojson":{"type":"FeatureCollection","features":[{"type":"Feature","id":7,\
            "geometry":{"type":"LineString","coordinates":[[36.8,-1.2],[37,-1.2]]},"properties":{"kind":"path",\
            "times":["a","c"]}}]}}
            """
        #expect(String(decoding: path.json, as: UTF8.self) == expected)
    }

    @Test("A path of one fix or none has no line", arguments: [0, 1])
    func short(count: Int64) throws {
        let path = try #require(
            try Self.path("{\"trip_id\":7,\"points\":\(count),\"geojson\":{\"features\":[]}}"))
        #expect(path.geometry == nil && path.fixCount == Int(count))
        #expect(
            String(decoding: path.json, as: UTF8.self)
                == "{\"trip_id\":7,\"points\":\(count),\"geojson\":{\"type\":\"FeatureCollection\",\"features\":[]}}")
    }

    @Test(
        "What is no path is none",
        arguments: [
            "{}", "{\"trip_id\":7,\"points\":2}",
            """
            {"trip_id":7,"points":2,"geojson":{"features":[{"geometry":{"coordinates":[[1,2],[3,4]]},\
            "properties":{"times":["a"]}}]}}
            """,
            """
            {"trip_id":7,"points":2,"geojson":{"features":[{"geometry":{"coordinates":[[1,2],[3]]},\
            "properties":{"times":["a","b"]}}]}}
            """,
        ])
    func noPath(text: String) throws { #expect(try Self.path(text) == nil) }
}
