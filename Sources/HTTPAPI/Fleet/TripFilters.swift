import Publishing
import Telemetry

/// What may be chosen: vehicles, drivers, cost centres and cities with the trips of all time.
struct TripFilters {
    private struct Count {
        var trips: Int64 = 0
        var vehicleKeys: Set<String> = []
    }

    private struct VehicleCount {
        var costCentre: String
        var city: String
        var trips: Int64
        var last: ReportDay
    }

    private let drivers: DriverBook
    private var localDays: LocalDays
    private var byVehicle: [String: VehicleCount] = [:]
    private var byDriver: [String: Count] = [:]
    private var byCostCentre: [String: Count] = [:]
    private var byCity: [String: Count] = [:]

    init(zone: TimeZoneTable, drivers: DriverBook) {
        self.drivers = drivers
        localDays = LocalDays(zone)
    }

    /// All trips of a vehicle, in the order of their begin.
    mutating func add(_ vehicle: VehicleBook.Vehicle, _ trips: [Trip]) {
        guard let last = trips.last else { return }
        let labels = vehicle.labels
        let count = Int64(trips.count)
        let day = localDays.day(of: last.begin)
        if var known = byVehicle[labels.number] {
            known.trips += count
            known.last = max(known.last, day)
            if labels.costCentre.comesBefore(known.costCentre) { known.costCentre = labels.costCentre }
            if labels.city.comesBefore(known.city) { known.city = labels.city }
            byVehicle[labels.number] = known
        } else {
            byVehicle[labels.number] = VehicleCount(
                costCentre: labels.costCentre, city: labels.city, trips: count, last: day)
        }
        Self.add(count, labels.key, to: &byCostCentre[labels.costCentre, default: Count()])
        Self.add(count, labels.key, to: &byCity[labels.city, default: Count()])
        if let driver = drivers.onlyName(vehicle.id) {
            Self.add(count, labels.key, to: &byDriver[driver, default: Count()])
        } else {
            for trip in trips {
                let driver = drivers.name(vehicle.id, at: trip.begin)
                Self.add(1, labels.key, to: &byDriver[driver, default: Count()])
            }
        }
    }

    private static func add(_ trips: Int64, _ key: String, to count: inout Count) {
        count.trips += trips
        count.vehicleKeys.insert(key)
    }

    func write(to writer: inout JSONWriter) {
        writer.write(literal: "{\"vehicles\":[")
        for (number, count) in Self.sorted(byVehicle) {
            writer.separate()
            writer.write(literal: "{\"vehicle_number\":")
            writer.write(string: number)
            writer.write(literal: ",\"cost_centre\":")
            writer.write(string: count.costCentre)
            writer.write(literal: ",\"assigned_city\":")
            writer.write(string: count.city)
            writer.write(literal: ",\"trips\":")
            writer.write(integer: count.trips)
            writer.write(literal: ",\"last_trip_date\":")
            writer.write(report: count.last)
            writer.write(literal: "}")
        }
        for (list, name, counts) in [
            ("drivers", "driver_name", byDriver), ("cost_centres", "cost_centre", byCostCentre),
            ("cities", "city", byCity),
        ] {
            writer.write(literal: "]")
            writer.write(key: list)
            writer.write(literal: "[")
            Self.write(counts, as: name, to: &writer)
        }
        writer.write(literal: "]}")
    }

    private static func write(_ counts: [String: Count], as name: String, to writer: inout JSONWriter) {
        for (label, count) in sorted(counts) {
            writer.separate()
            writer.write(literal: "{")
            writer.write(key: name)
            writer.write(string: label)
            writer.write(literal: ",\"trips\":")
            writer.write(integer: count.trips)
            writer.write(literal: ",\"vehicles\":")
            writer.write(integer: Int64(count.vehicleKeys.count))
            writer.write(literal: "}")
        }
    }

    private static func sorted<Value>(_ counts: [String: Value]) -> [(key: String, value: Value)] {
        counts.sorted { $0.key.comesBefore($1.key) }
    }
}
