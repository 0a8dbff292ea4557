import Publishing
import Telemetry

/// A message with a valid position.
struct TrackFix: Sendable {
    var moment: Timestamp
    var place: PathPoint
    var speed: Double?
    var direction: Double?
    var isIgnitionOn: Bool?
}

/// Writes the way of a vehicle.
struct TrackReport {
    /// Slower steps are drift, not distance.
    static let movingSpeedMin = 5.0

    let vehicle: (labels: VehicleLabels, driver: String)?
    let hours: Int
    let fixes: [TrackFix]

    var json: [UInt8] {
        var writer = JSONWriter(capacity: 1_024 + 160 * fixes.count)
        writer.write(literal: "{\"found\":")
        vehicle == nil ? writer.write(literal: "false") : writer.write(literal: "true")
        writer.write(literal: ",\"vehicle\":")
        writeVehicle(to: &writer)
        writer.write(literal: ",\"hours\":")
        writer.write(integer: Int64(hours))
        writeSummary(to: &writer)
        writer.write(literal: ",\"geojson\":{\"type\":\"FeatureCollection\",\"features\":[")
        if fixes.count > 1 {
            writer.write(literal: "{\"type\":\"Feature\",\"geometry\":")
            TripPath.write(fixes.map(\.place), to: &writer)
            writer.write(literal: ",\"properties\":{\"kind\":\"track\"}}")
        }
        writer.write(literal: "]},\"points\":[")
        for index in fixes.indices { writePoint(index, to: &writer) }
        writer.write(literal: "]}")
        return writer.bytes
    }

    private func writeVehicle(to writer: inout JSONWriter) {
        guard let vehicle else { return writer.write(literal: "null") }
        writer.write(literal: "{")
        vehicle.labels.write(driver: vehicle.driver, to: &writer)
        writer.write(literal: "}")
    }

    private func writeSummary(to writer: inout JSONWriter) {
        writer.write(literal: ",\"summary\":{\"points\":")
        writer.write(integer: Int64(fixes.count))
        writer.write(literal: ",\"first_fix\":")
        writer.write(report: fixes.first?.moment)
        writer.write(literal: ",\"last_fix\":")
        writer.write(report: fixes.last?.moment)
        writer.write(literal: ",\"distance_km\":")
        writer.write(number: Kilometres.roundedToMetres(distance))
        writer.write(literal: ",\"max_speed_kmh\":")
        writer.write(report: fixes.compactMap(\.speed).max())
        writer.write(literal: ",\"max_gap_s\":")
        writer.write(report: fixes.indices.compactMap(gap).max())
        writer.write(literal: "}")
    }

    /// The steps to fixes at speed, added in the order of time.
    private var distance: Double {
        var sum = 0.0
        for index in fixes.indices.dropFirst() where fixes[index].speed ?? 0 >= Self.movingSpeedMin {
            sum += Kilometres.between(fixes[index - 1].place, fixes[index].place)
        }
        return sum
    }

    /// Whole seconds since the fix before.
    private func gap(_ index: Int) -> Int64? {
        index == 0 ? nil : ReportSeconds.between(fixes[index - 1].moment, fixes[index].moment)
    }

    private func writePoint(_ index: Int, to writer: inout JSONWriter) {
        let fix = fixes[index]
        writer.separate()
        writer.write(literal: "{\"t\":")
        writer.write(report: fix.moment)
        writer.write(literal: ",\"lat\":")
        writer.write(number: fix.place.latitude)
        writer.write(literal: ",\"lng\":")
        writer.write(number: fix.place.longitude)
        writer.write(literal: ",\"speed_kmh\":")
        writer.write(report: fix.speed)
        writer.write(literal: ",\"direction\":")
        writer.write(report: fix.direction)
        writer.write(literal: ",\"acc\":")
        writer.write(report: fix.isIgnitionOn.map { $0 ? Int64(1) : 0 })
        writer.write(literal: ",\"gap_s\":")
        writer.write(report: gap(index))
        writer.write(literal: "}")
    }
}
