import HTTPTypes

extension Route {
    /// The dashboard: where vehicles are, what they drove.
    static let fleet: [Route] = [
        Route(
            .get, "/webhook/live-positions", "Where every vehicle is, as GeoJSON with a summary",
            parameters: [
                Parameter("cost_centre", .string, "only vehicles of it"),
                Parameter("acc_status", .string, "only with the ignition on or off: on, off, 1, 0"),
            ], answer: "LivePositions", handler: API.livePositions),
        Route(
            .get, "/webhook/live-positions/track", "The way of a vehicle in the last hours",
            parameters: [
                Parameter("vehicle_number", .string, "its plate, else its ident, else its name"),
                Parameter("hours", .integer, "1 to 168; 24 if left out"),
            ], answer: "VehicleTrack", handler: API.vehicleTrack),
        Route(
            .post, "/webhook/fleet-dashboard", "The trips of some days, with what may be chosen as filters",
            body: "FleetQuery", answer: "FleetDashboard", handler: API.fleetDashboard),
        Route(
            .get, "/webhook/fleet-dashboard", "The same by query",
            parameters: [
                Parameter("vehicle_numbers", .string, "a plate or ident; may be given several times"),
                Parameter("driver", .string, "as the answers name him or her"),
                Parameter("cost_centre", .string, "as the answers name it"),
                Parameter("city", .string, "as the answers name it"),
                Parameter("start_date", .string, "the first day; today if both are left out"),
                Parameter("end_date", .string, "the last day"),
                Parameter("include_path", .boolean, "the way of each trip instead of a straight line, up to 50 trips"),
            ], answer: "FleetDashboard", handler: API.fleetDashboard),
        Route(
            .get, "/webhook/fleet-dashboard/path", "The way of one trip, simplified to 8 m",
            parameters: [Parameter("trip_id", .integer, "the number of the trip")], answer: "TripPath",
            handler: API.tripPath),
        Route(
            .get, "/health/ingest", "Whether live positions are kept up to date; 503 if not", answer: "IngestHealth",
            handler: API.ingestHealth),
    ]
}
