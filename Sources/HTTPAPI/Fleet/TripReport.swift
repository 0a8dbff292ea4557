import Publishing
import PrimaryStore
import Telemetry

/// Writes the answer of the dashboard.
struct TripReport {
    let days: ClosedRange<ReportDay>
    let zoneName: String
    /// In their order.
    let rows: [TripRow]
    /// In the order of the rows: the way of each trip; nil draws a straight line. Empty where no paths are wanted.
    var paths: [[UInt8]?] = []

    init(days: ClosedRange<ReportDay>, zoneName: String, rows: [TripRow]) {
        self.days = days
        self.zoneName = zoneName
        self.rows = rows
    }

    func json(_ filters: TripFilters) -> [UInt8] {
        var writer = JSONWriter(capacity: 4_096 + 720 * rows.count)
        writer.write(literal: "{\"range\":{\"start\":")
        writer.write(report: days.lowerBound)
        writer.write(literal: ",\"end\":")
        writer.write(report: days.upperBound)
        writer.write(literal: ",\"tz\":")
        writer.write(string: zoneName)
        writer.write(literal: "},\"summary\":{\"trips\":")
        writeSummary(to: &writer)
        writer.write(literal: "},\"geojson\":{\"type\":\"FeatureCollection\",\"features\":[")
        for index in rows.indices {
            if index > 0 { writer.write(literal: ",") }
            write(rows[index], path: paths.isEmpty ? nil : paths[index], to: &writer)
        }
        writer.write(literal: "]},\"filters\":")
        filters.write(to: &writer)
        writer.write(literal: "}")
        return writer.bytes
    }

    private func writeSummary(to writer: inout JSONWriter) {
        writer.write(integer: Int64(rows.count))
        writer.write(literal: ",\"vehicles\":")
        writer.write(integer: Int64(Set(rows.map(\.vehicle.labels.key)).count))
        writer.write(literal: ",\"drivers\":")
        writer.write(integer: Int64(Set(rows.map(\.driver)).subtracting([VehicleLabels.unassigned]).count))
        writer.write(literal: ",\"distance_km\":")
        let kilometres = rows.reduce(0) { sum, row in row.trip.distance.map { sum + $0 } ?? sum }
        writer.write(number: Kilometres.roundedToMetres(kilometres))
        writer.write(literal: ",\"drive_s\":")
        writer.write(integer: rows.reduce(0) { $0 + $1.trip.durationSeconds })
        writer.write(literal: ",\"idle_s\":")
        writer.write(integer: rows.reduce(0) { $0 + ($1.trip.idleSeconds ?? 0) })
        writer.write(literal: ",\"max_speed_kmh\":")
        writer.write(report: rows.compactMap(\.trip.maxSpeed).max())
    }

    private func write(_ row: TripRow, path: [UInt8]?, to writer: inout JSONWriter) {
        writer.write(literal: "{\"type\":\"Feature\",\"id\":")
        writer.write(integer: row.number)
        writer.write(literal: ",\"geometry\":")
        if let path {
            writer.write(raw: path)
        } else if let start = row.trip.start, let finish = row.trip.finish {
            TripPath.write([start, finish], to: &writer)
        } else {
            writer.write(literal: "null")
        }
        writer.write(literal: ",\"properties\":{\"trip_id\":")
        writer.write(integer: row.number)
        writeLabels(row, to: &writer)
        writeFigures(row.trip, to: &writer)
        writer.write(literal: "}}")
    }

    private func writeLabels(_ row: TripRow, to writer: inout JSONWriter) {
        writer.write(literal: ",")
        row.vehicle.labels.write(driver: row.driver, to: &writer)
        writer.write(literal: ",\"trip_date\":")
        writer.write(report: row.day)
    }

    private func writeFigures(_ trip: Trip, to writer: inout JSONWriter) {
        writer.write(literal: ",\"start_time\":")
        writer.write(report: trip.begin)
        writer.write(literal: ",\"end_time\":")
        writer.write(report: trip.end)
        writer.write(literal: ",\"is_active\":")
        trip.isActive ? writer.write(literal: "true") : writer.write(literal: "false")
        writer.write(literal: ",\"duration_s\":")
        writer.write(integer: trip.durationSeconds)
        writer.write(literal: ",\"idle_s\":")
        writer.write(report: trip.idleSeconds)
        writer.write(literal: ",\"distance_km\":")
        writer.write(report: trip.distance)
        writer.write(literal: ",\"avg_speed_kmh\":")
        writer.write(report: trip.averageSpeed)
        writer.write(literal: ",\"max_speed_kmh\":")
        writer.write(report: trip.maxSpeed)
        writer.write(literal: ",\"start_address\":")
        writer.write(report: trip.startAddress)
        writer.write(literal: ",\"end_address\":")
        writer.write(report: trip.endAddress)
    }
}
