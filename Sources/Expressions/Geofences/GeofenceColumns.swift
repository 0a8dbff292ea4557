import Telemetry

/// The geofences around each row of a block.
struct GeofenceColumns {
    private let set: GeofenceSet

    init(_ set: GeofenceSet) { self.set = set }

    /// The place of the first geofence around each position, null outside of all; an error without a position.
    func first(_ positions: Positions, _ failure: Int) -> ValueColumn {
        var kinds = [ValueKind](repeating: .null, count: positions.count)
        var numbers = [Double](repeating: 0, count: positions.count)
        for row in 0..<positions.count {
            guard let fix = positions[row] else {
                kinds[row] = .error
                numbers[row] = Double(failure)
                continue
            }
            guard let place = set.first(latitude: fix.latitude, longitude: fix.longitude) else { continue }
            kinds[row] = .number
            numbers[row] = Double(place)
        }
        return ValueColumn(kinds: kinds, numbers: numbers)
    }

    /// A field of the geofences at these places.
    func field(_ paths: ValueColumn, _ places: ValueColumn, _ failure: Int) -> ValueColumn {
        var result = RowBuilder(capacity: places.count, failure: failure)
        // Neighbouring rows are mostly in the same geofence.
        var last: (place: Int, path: String, value: Value)?
        for row in 0..<places.count {
            guard let path = Self.path(paths, row, &result) else { continue }
            switch places.kind(row) {
            case .number:
                let place = Int(places.numbers[row])
                if last?.place != place || last?.path != path {
                    last = (place, path, set.geofences[place].field(path))
                }
                result.append(last?.value)
            case .error: result.appendError(places.numbers[row])
            default: result.append(.null)
            }
        }
        return result.build()
    }

    /// A field of every geofence around each position, as an array.
    func all(_ paths: ValueColumn, _ positions: Positions, _ failure: Int) -> ValueColumn {
        var result = RowBuilder(capacity: positions.count, failure: failure)
        var last: (places: [Int], path: String, value: Value)?
        for row in 0..<positions.count {
            guard let path = Self.path(paths, row, &result) else { continue }
            guard let fix = positions[row] else {
                result.append(nil)
                continue
            }
            let places = set.containing(latitude: fix.latitude, longitude: fix.longitude)
            if last?.places != places || last?.path != path {
                let fields = places.map { JSONValue(set.geofences[$0].field(path)) }
                last = (places, path, JSONValue.array(fields).value)
            }
            result.append(last?.value)
        }
        return result.build()
    }

    /// The path in a row; what is no string becomes an error.
    private static func path(_ paths: ValueColumn, _ row: Int, _ result: inout RowBuilder) -> String? {
        switch paths.kind(row) {
        case .string: return paths.texts[Int(paths.numbers[row])]
        case .error: result.appendError(paths.numbers[row])
        default: result.append(nil)
        }
        return nil
    }
}
