/// The answers of the dashboard, as finished JSON; docs/api.md has their shapes.
///
/// There are two ways to them with equal answers: SQL functions of the fleet schema, and the engine's own store. All
/// calls block, and may come from several threads at a time.
package protocol FleetReports: Sendable {
    /// Where every vehicle is: of a cost centre, and with the ignition on or off, or all.
    func livePositions(costCentre: String?, isIgnitionOn: Bool?) throws(ReportError) -> ReportAnswer
    /// The way of a vehicle in the last hours; not found if no vehicle is called so.
    func track(vehicleNumber: String, hours: Int) throws(ReportError) -> ReportAnswer
    /// The trips of some days.
    func dashboard(_ query: DashboardQuery) throws(ReportError) -> ReportAnswer
    /// The way of one trip, simplified; not found if there is no such trip, and then without text.
    func tripPath(_ trip: Int64) throws(ReportError) -> ReportAnswer
    /// Whether live positions are kept up to date.
    func ingestHealth() throws(ReportError) -> ReportAnswer
}

/// A finished answer, and what its text says of how the request went.
package struct ReportAnswer: Sendable {
    package var json: [UInt8]
    /// What was asked for is there.
    package var isFound: Bool
    /// Nothing is wrong.
    package var isHealthy: Bool

    package init(json: [UInt8], isFound: Bool = true, isHealthy: Bool = true) {
        self.json = json
        self.isFound = isFound
        self.isHealthy = isHealthy
    }

    /// There is nothing of that kind.
    package static let notFound = ReportAnswer(json: [], isFound: false)
}

/// Why there is no answer.
package enum ReportError: Error, Sendable, Hashable {
    /// More is asked for than one answer holds; it says what to ask for instead.
    case tooMany(String)
    /// The source of the answers is away or busy: the same request may succeed later.
    case unavailable(String)
    /// It failed, and would again.
    case failed(String)
}

/// The limits of the dashboard's answers, the same in both ways.
package enum ReportLimits {
    /// Trips of one answer.
    package static let tripsMax = 20_000
    /// Trips of one answer with their paths.
    package static let pathsMax = 50
    /// Days of one answer.
    package static let daysMax = 93
    /// Hours that a track goes back.
    package static let hoursRange = 1...168
    package static let hoursDefault = 24
    /// Fixes of one path or track.
    package static let fixesMax = 500_000
    /// What a simplified path may stray from the fixes, in metres.
    package static let pathToleranceMetres = 8.0

    /// What whoever asks for too many trips is told.
    package static let tooManyTrips =
        "more than \(tripsMax) trips: ask for fewer days, or for a vehicle, driver, cost centre or city"
    package static let tooManyPaths =
        "paths of more than \(pathsMax) trips: ask for fewer trips, or for the path of one trip at a time"
    package static let tooManyFixes = "more than \(fixesMax) fixes: ask for less time"
}
