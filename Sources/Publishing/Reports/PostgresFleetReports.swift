import PostgresClient
import Telemetry

/// The dashboard's answers from the fleet schema of a PostgreSQL server.
///
/// It reads with a few connections of its own, in read-only transactions of at most 30 s. They are made when they are
/// needed; while the server is away every call says so.
package final class PostgresFleetReports: FleetReports {
    /// Connections at one time, unless told otherwise.
    package static let connectionsDefault = 4

    private let connections: ReaderConnections

    /// Does not connect yet. The settings are those of a member of `odograph_reader`.
    package init(_ settings: PostgresSettings, connectionsMax: Int = connectionsDefault) {
        connections = ReaderConnections(settings, connectionsMax: connectionsMax)
    }

    deinit { connections.close() }

    /// Closes the connections; what is asked after that fails.
    package func close() { connections.close() }

    var connectionCount: Int { connections.count }

    package func livePositions(
        costCentre: String?, isIgnitionOn: Bool?
    ) throws(ReportError) -> ReportAnswer {
        let status = isIgnitionOn.map { $0 ? "1" : "0" }
        return try report("reporting.fn_live_positions($1, $2)", [costCentre, status]).answer
    }

    package func track(vehicleNumber: String, hours: Int) throws(ReportError) -> ReportAnswer {
        let report = try report(
            "reporting.fn_vehicle_track($1, $2)", [vehicleNumber, Int32(clamping: hours)], flag: "found")
        var answer = try report.answer
        answer.isFound = report.flag
        return answer
    }

    package func tripPath(_ trip: Int64) throws(ReportError) -> ReportAnswer {
        guard let text = try report("reporting.fn_trip_path($1)", [trip]).text else { return .notFound }
        return ReportAnswer(json: try path(text).json)
    }

    package func dashboard(_ query: DashboardQuery) throws(ReportError) -> ReportAnswer {
        let values: [any PostgresParameter] = [
            query.vehicleNumbers, query.driver, query.costCentre, query.city, query.days?.lowerBound.postgres,
            query.days?.upperBound.postgres, Int32(ReportLimits.tripsMax),
        ]
        let plain = try report("reporting.fn_dashboard($1, $2, $3, $4, $5, $6, $7)", values).answer
        return query.includesPath ? try withPaths(plain) : plain
    }

    package func ingestHealth() throws(ReportError) -> ReportAnswer {
        let report = try report("reporting.fn_health_ingest()", [], flag: "ok")
        var answer = try report.answer
        answer.isHealthy = report.flag
        return answer
    }

    /// Puts the path of each trip in the place of its line.
    private func withPaths(_ plain: ReportAnswer) throws(ReportError) -> ReportAnswer {
        guard var document = try? JSONValue(parsing: plain.json),
            var features = document["geojson"]?["features"]?.arrayValue
        else { throw .failed("the answer of fn_dashboard is not what was expected") }
        guard features.count <= ReportLimits.pathsMax else { throw .tooMany(ReportLimits.tooManyPaths) }
        let trips = features.compactMap { $0["id"]?.integerValue }
        let texts = try read { connection throws(PostgresError) in
            try connection.query(
                """
                SELECT reporting.fn_trip_path(t.id)::text FROM unnest($1) WITH ORDINALITY AS t (id, number)
                ORDER BY t.number
                """, trips, as: String?.self)
        }
        guard texts.count == features.count else { throw .failed("fn_dashboard gave a trip without its number") }
        for (index, text) in texts.enumerated() {
            guard let text, let line = try path(text).geometry, let geometry = try? JSONValue(parsing: line) else {
                continue
            }
            features[index]["geometry"] = geometry
        }
        document["geojson"]?["features"] = .array(features)
        return ReportAnswer(json: Array(document.text.utf8))
    }

    private func path(_ text: String) throws(ReportError) -> TripPath {
        guard let json = try? JSONValue(parsing: text), let path = TripPath(json) else {
            throw .failed("the answer of fn_trip_path is not what was expected")
        }
        guard path.fixCount <= ReportLimits.fixesMax else { throw .tooMany(ReportLimits.tooManyFixes) }
        return path
    }

    /// What a function of the schema gave, and a boolean of it.
    private struct Report {
        var text: String?
        var flag: Bool

        var answer: ReportAnswer {
            get throws(ReportError) {
                guard let text else { throw .failed("a function of the fleet schema gave nothing") }
                return ReportAnswer(json: Array(text.utf8))
            }
        }
    }

    private func report(
        _ call: String, _ values: [any PostgresParameter], flag: String = "ok"
    ) throws(ReportError) -> Report {
        try read { connection throws(PostgresError) in
            // OFFSET 0 keeps the server from calling the function twice.
            let result = try connection.query(
                "SELECT x.r::text, (x.r -> '\(flag)')::boolean FROM (SELECT \(call) AS r OFFSET 0) x", values: values)
            guard result.rowCount == 1 else { throw PostgresError(.client, "\(call) gave no row") }
            return Report(text: try result[0].get(0), flag: try result[0].get(1, as: Bool?.self) ?? true)
        }
    }

    private func read<Value>(
        _ body: (PostgresConnection) throws(PostgresError) -> Value
    ) throws(ReportError) -> Value {
        do throws(PostgresError) {
            return try connections.withConnection(body)
        } catch { throw ReportError(error) }
    }
}

extension ReportDay {
    fileprivate var postgres: PostgresDate { PostgresDate(days: Int32(clamping: days)) }
}

extension ReportError {
    /// What an error of the server means for whoever asked; statements and values stay out of it.
    fileprivate init(_ error: PostgresError) {
        switch error.sqlState {
        case "54000": self = .tooMany(ReportLimits.tooManyTrips)
        case "57014": self = .unavailable("PostgreSQL did not answer within 30 s")
        case "42883", "3F000", "42P01":
            self = .failed(
                "the fleet schema is missing in PostgreSQL, or older than this program: run odograph migrate")
        case "42501":
            self = .failed("PostgreSQL's user may not read the reports: it must be a member of odograph_reader")
        default:
            self =
                error.isRetryable
                ? .unavailable("PostgreSQL is away: \(error.message)") : .failed("PostgreSQL: \(error.message)")
        }
    }
}
