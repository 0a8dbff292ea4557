import Expressions
import PrimaryStore
import Telemetry

extension API {
    /// The geofences around a position, those of the greatest priority first.
    func hitTest(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try entities(.geofence, call.segment("selector"))
        var input = try call.dataFields()
        let latitude = coordinate("lat", max: 90, &input)
        let longitude = coordinate("lon", max: 180, &input)
        input.refuseUnknown("a hit test")
        try input.check()
        let found = selection.items.compactMap(\.geofence).filter { geofence in
            geofence.isEnabled && geofence.contains(latitude: latitude, longitude: longitude)
        }
        return Answer(
            result: found.sorted { ($1.priority, $0.id) < ($0.priority, $1.id) }.map { geofence in
                .object([
                    .init("id", JSONValue(geofence.id)), .init("name", .string(geofence.name)),
                    .init("priority", .number(geofence.priority)),
                ])
            }, errors: selection.errors)
    }

    private func coordinate(_ key: String, max limit: Double, _ input: inout InputFields) -> Double {
        let before = input.problems.count
        if let number = input.number(key) {
            if abs(number) <= limit { return number }
            input.fail(key, "must be from -\(Int(limit)) to \(Int(limit)) degrees")
        } else if input.problems.count == before {
            input.fail(key, "is missing: data={\"lat\":…,\"lon\":…}")
        }
        return 0
    }
}
