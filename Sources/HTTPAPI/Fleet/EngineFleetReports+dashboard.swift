import PrimaryStore
import Publishing
import Telemetry

extension EngineFleetReports {
    func dashboard(_ query: DashboardQuery) throws(ReportError) -> ReportAnswer {
        let contents = catalog.present
        let sources = TripSources(contents)
        let driven = vehicleBook.vehicles(contents).compactMap { vehicle in
            sources[vehicle.id].map { (vehicle: vehicle, source: $0) }
        }
        let drivers = try drivers()
        let trips = try stored { () throws(StoreError) in try self.trips.trips(of: driven.map(\.source)) }
        let days = query.days ?? today
        var choice = TripChoice(query, days: days, zone: zone, drivers: drivers)
        var filters = TripFilters(zone: zone, drivers: drivers)
        for (index, item) in driven.enumerated() {
            filters.add(item.vehicle, trips[index])
            choice.add(item.vehicle, trips[index])
            guard choice.rows.count <= ReportLimits.tripsMax else { throw .tooMany(ReportLimits.tooManyTrips) }
        }
        if query.includesPath, choice.rows.count > ReportLimits.pathsMax { throw .tooMany(ReportLimits.tooManyPaths) }
        var report = TripReport(days: days, zoneName: zone.name, rows: choice.sortedRows)
        if query.includesPath {
            report.paths = try report.rows.map { row throws(ReportError) in
                try path(of: row.trip, row.vehicle.id).geometry
            }
        }
        return ReportAnswer(json: report.json(filters))
    }

    private var today: ClosedRange<ReportDay> {
        var days = LocalDays(zone)
        let today = days.day(of: now())
        return today...today
    }
}

/// A trip with what it is called.
struct TripRow {
    let vehicle: VehicleBook.Vehicle
    let trip: Trip
    let driver: String
    let day: ReportDay

    var number: Int64 { vehicle.id.rawValue * Trip.intervalIDMax + trip.interval }
}

/// Picks the trips that a query asks for.
struct TripChoice {
    private let query: DashboardQuery
    private let days: ClosedRange<ReportDay>
    private let keys: Set<String>
    private let drivers: DriverBook
    private var localDays: LocalDays
    private(set) var rows: [TripRow] = []

    init(_ query: DashboardQuery, days: ClosedRange<ReportDay>, zone: TimeZoneTable, drivers: DriverBook) {
        self.query = query
        self.days = days
        self.drivers = drivers
        keys = Set(query.vehicleNumbers.flatMap { [PlateText.key($0), $0.present].compactMap { $0 } })
        localDays = LocalDays(zone)
    }

    mutating func add(_ vehicle: VehicleBook.Vehicle, _ trips: [Trip]) {
        guard isWanted(vehicle.labels) else { return }
        for trip in trips[trips.beginning(in: range)] {
            let day = localDays.day(of: trip.begin)
            guard days.contains(day) else { continue }
            let driver = drivers.name(vehicle.id, at: trip.begin)
            guard query.driver.map({ $0 == driver }) ?? true else { continue }
            rows.append(TripRow(vehicle: vehicle, trip: trip, driver: driver, day: day))
            if rows.count > ReportLimits.tripsMax { return }
        }
    }

    private func isWanted(_ labels: VehicleLabels) -> Bool {
        let isNamed = query.vehicleNumbers.isEmpty || keys.contains(labels.key) || keys.contains(labels.imei)
        return isNamed && query.costCentre.map { $0 == labels.costCentre } ?? true
            && query.city.map { $0 == labels.city } ?? true
    }

    /// No zone is further from UTC.
    private static let zoneSecondsMax = 26 * 3600.0

    /// What surely has the days, whatever the zone.
    private var range: TimeRange {
        func midnight(_ day: Int) -> Timestamp { Timestamp(microseconds: Int64(day) * 86_400_000_000) }
        return TimeRange(
            lower: midnight(days.lowerBound.days).advanced(bySeconds: -Self.zoneSecondsMax),
            upper: midnight(days.upperBound.days + 1).advanced(bySeconds: Self.zoneSecondsMax))
    }

    /// By begin, then by number.
    var sortedRows: [TripRow] {
        rows.sorted { ($0.trip.begin, $0.number) < ($1.trip.begin, $1.number) }
    }
}
