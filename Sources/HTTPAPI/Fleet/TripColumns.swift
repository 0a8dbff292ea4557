import PrimaryStore
import Telemetry

/// What a report tells of a trip beside its times.
enum TripColumn: Int, Sendable, CaseIterable {
    case distance, maxSpeed, averageSpeed, idle, startLatitude, startLongitude, endLatitude, endLongitude
    case startAddress, endAddress

    /// Its name in `metadata.report_counters`, and in PostgreSQL.
    var name: String {
        switch self {
        case .distance: "distance_km"
        case .maxSpeed: "max_speed_kmh"
        case .averageSpeed: "avg_speed_kmh"
        case .idle: "idle_s"
        case .startLatitude: "start_lat"
        case .startLongitude: "start_lng"
        case .endLatitude: "end_lat"
        case .endLongitude: "end_lng"
        case .startAddress: "start_address"
        case .endAddress: "end_address"
        }
    }

    /// The counters that it is taken from, the first that an interval has: `odograph.role_counters` in PostgreSQL.
    var counters: [String] {
        switch self {
        case .distance: ["distance", "mileage", "distance_km"]
        case .maxSpeed: ["speed.max", "max.speed", "max_speed"]
        case .averageSpeed: ["speed.average", "avg.speed", "avg_speed"]
        case .idle: ["standing.duration", "idle.duration", "idling.duration"]
        case .startLatitude: ["begin.latitude", "start.latitude", "latitude", "position.latitude"]
        case .startLongitude: ["begin.longitude", "start.longitude", "longitude", "position.longitude"]
        case .endLatitude: ["end.latitude", "finish.latitude"]
        case .endLongitude: ["end.longitude", "finish.longitude"]
        case .startAddress: ["begin.address", "address.start", "address"]
        case .endAddress: ["end.address", "address.end"]
        }
    }
}

/// Which counters of a calculator's intervals tell what of a trip.
struct TripColumns: Sendable, Hashable {
    /// Where a counter counts, and how early among those that may stand for the same column.
    struct Place: Sendable, Hashable {
        var column: TripColumn
        var rank: Int
    }

    let places: [String: [Place]]

    /// The names of `metadata.report_counters` go before the known ones.
    init(_ calculator: CalculatorEntity) {
        let named = calculator.definition["metadata"]?["report_counters"]
        var places: [String: [Place]] = [:]
        for column in TripColumn.allCases {
            let own = named?[column.name].flatMap(\.reportText).map { [$0] } ?? []
            for (rank, counter) in (own + column.counters).enumerated() {
                places[counter, default: []].append(Place(column: column, rank: rank))
            }
        }
        self.places = places
    }
}

/// Which calculator's intervals are the trips of each device.
struct TripSources: Sendable {
    struct Source: Sendable {
        var key: AssignmentKey
        var columns: TripColumns
    }

    /// Assets and whatever else is numbered beyond are not vehicles.
    static let deviceIDMax: Int64 = 9_000_000

    private let columns: [CalculatorID: TripColumns]
    private let assignments: PagedTable<AssignmentKey, AssignmentRecord>

    /// Calculators whose `metadata.report` says `trips`; where none does, those that are named Trips.
    init(_ contents: EntityCatalog.Contents) {
        let all = contents.calculators.values
        let chosen = all.filter { $0.definition["metadata"]?["report"] == .string("trips") }
        let sources = chosen.isEmpty ? all.filter { $0.name.withoutSpaces.lowercased() == "trips" } : chosen
        columns = Dictionary(uniqueKeysWithValues: sources.map { ($0.id, TripColumns($0)) })
        assignments = contents.assignments
    }

    /// Of several calculators the one with the least id; nil where a device has none.
    subscript(device: DeviceID) -> Source? {
        guard device.rawValue < Self.deviceIDMax else { return nil }
        for (key, _) in assignments.rows(of: device.rawValue) {
            if let columns = columns[key.calculator] { return Source(key: key, columns: columns) }
        }
        return nil
    }
}
