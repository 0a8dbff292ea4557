import Ingest
import Logging
import PostgresClient
import Publishing
import Telemetry
import Testing
import ThrowAwayPostgres
import TimeZones

@testable import HTTPAPI

/// The dashboard's answers from the engine's own store beside those from PostgreSQL.
@Suite(
    "Dashboard from both", .serialized,
    .enabled(if: ThrowAwayPostgres.isAvailable, Comment(rawValue: ThrowAwayPostgres.reason)))
struct DashboardEqualityTests {
    /// What tells the time of asking.
    private static let volatile: Set = ["generated_at", "fix_age_s"]

    private func both(
        _ ask: (any FleetReports) throws -> ReportAnswer, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> JSONValue {
        let fleet = try await PublishedFleet.common()
        let options = fleet.options
        let api = try API(
            store: fleet.store, calc: fleet.calc, timeZones: TimeZoneDatabase(), now: PublishedFleet.clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, fleet: options)
        let postgres = PostgresFleetReports(fleet.database)
        defer { postgres.close() }
        let (own, other) = (try ask(api.fleetReports), try ask(postgres))
        #expect(own.isFound == other.isFound && own.isHealthy == other.isHealthy, sourceLocation: sourceLocation)
        guard !own.json.isEmpty, !other.json.isEmpty else {
            #expect(own.json == other.json, sourceLocation: sourceLocation)
            return .null
        }
        let left = try JSONValue(parsing: own.json).sorted(without: Self.volatile)
        let right = try JSONValue(parsing: other.json).sorted(without: Self.volatile)
        #expect(left.difference(from: right) == nil, sourceLocation: sourceLocation)
        return left
    }

    @Test("live positions, all and filtered")
    func live() async throws {
        let all = try await both { try $0.livePositions(costCentre: nil, isIgnitionOn: nil) }
        #expect(all["geojson"]?["features"]?.arrayValue?.count == 12)
        _ = try await both { try $0.livePositions(costCentre: "CC-1", isIgnitionOn: nil) }
        _ = try await both { try $0.livePositions(costCentre: nil, isIgnitionOn: true) }
        _ = try await both { try $0.livePositions(costCentre: "Unassigned", isIgnitionOn: false) }
    }

    @Test("tracks: by plate, in another spelling, of nobody", arguments: ["KDA 000'S", "kdb-001x", "nobody"])
    func track(plate: String) async throws {
        _ = try await both { try $0.track(vehicleNumber: plate, hours: 72) }
    }

    @Test("trips: all, of a vehicle, a driver, a cost centre, a city, some days")
    func dashboard() async throws {
        let fleet = try await PublishedFleet.common()
        let days = try fleet.days()
        let all = try await both { try $0.dashboard(DashboardQuery(days: days[0]...days[9])) }
        #expect((all["geojson"]?["features"]?.arrayValue ?? []).count > 100)
        var query = DashboardQuery(days: days[2]...days[6])
        query.vehicleNumbers = ["KDA 000'S", "kdb001x"]
        _ = try await both { [query] in try $0.dashboard(query) }
        (query.vehicleNumbers, query.driver) = ([], "Driver 2")
        _ = try await both { [query] in try $0.dashboard(query) }
        (query.driver, query.costCentre, query.city) = (nil, "CC-2", "Nairobi")
        _ = try await both { [query] in try $0.dashboard(query) }
    }

    @Test("the path of a trip")
    func path() async throws {
        let fleet = try await PublishedFleet.common()
        let trips = try fleet.query { connection in
            try connection.query("SELECT trip_id FROM reporting.trips ORDER BY trip_id LIMIT 3", as: Int64.self)
        }
        for trip in trips + [42] { _ = try await both { try $0.tripPath(trip) } }
    }

    @Test("trips with their paths, of today, by ident, of nobody's driver, of a cost centre that is not there")
    func corners() async throws {
        let fleet = try await PublishedFleet.common()
        let days = try fleet.days()
        var query = DashboardQuery(vehicleNumbers: [fleet.vehicles[1].ident], days: days[5]...days[7])
        query.includesPath = true
        _ = try await both { [query] in try $0.dashboard(query) }
        _ = try await both { try $0.dashboard(DashboardQuery()) }
        _ = try await both { try $0.dashboard(DashboardQuery(driver: "Unassigned", days: days[0]...days[9])) }
        _ = try await both { try $0.dashboard(DashboardQuery(costCentre: "none", days: days[0]...days[9])) }
    }
}

extension PublishedFleet {
    /// What the engine's own answers depend on, as in the fleet's database.
    var options: FleetOptions {
        var options = FleetOptions()
        options.timeZone = Self.timeZone
        return options
    }

    /// The local days there are messages of, the last of them today.
    func days() throws -> [ReportDay] {
        let texts = try query { connection in
            try connection.query(
                "SELECT (reporting.local_day(now()) - n)::text FROM generate_series(0, 9) n ORDER BY 1", as: String.self
            )
        }
        return texts.compactMap { ReportDay($0) }
    }
}
