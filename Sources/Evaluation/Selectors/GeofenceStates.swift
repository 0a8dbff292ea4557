import Calculators
import Expressions
import Telemetry

/// The states that a selector of type `geofence` gives to messages, with the geofence of each.
struct GeofenceStates {
    private(set) var states: [MarkupState] = []
    /// The place of each message's geofence among those looked at; nil outside and without a valid position.
    private(set) var places: [Int?] = []

    private let selector: GeofenceSelector
    private let geofences: GeofenceSet

    /// Runs over a block that follows what `track` remembers.
    init(
        _ selector: GeofenceSelector, gap: Int64, _ block: ExpressionBlock, _ environment: ExpressionEnvironment,
        track: inout SelectorTrack
    ) {
        self.selector = selector
        geofences = selector.geofences(environment)
        states.reserveCapacity(block.count)
        places.reserveCapacity(block.count)
        var before = track.lastSeen
        for row in 0..<block.count {
            if gap > 0, let before, block.timestamps[row] - before > gap { track.lastPoint = nil }
            before = block.timestamps[row]
            add(selector.position.point(block, row), &track)
        }
    }

    private mutating func add(_ point: GeoPoint?, _ track: inout SelectorTrack) {
        guard let point else {
            states.append(.unknown)
            places.append(nil)
            return
        }
        let place = place(of: point, after: track.lastPoint)
        if selector.detectsCrossing { track.lastPoint = point }
        places.append(place)
        guard let place else { return states.append(.off) }
        let identity = Value.number(selector.identity(place, geofences))
        states.append(identity == track.lastValue ? .on : .new)
        track.lastValue = identity
    }

    private func place(of point: GeoPoint, after last: GeoPoint?) -> Int? {
        if let inside = geofences.first(latitude: point.latitude, longitude: point.longitude) { return inside }
        guard selector.detectsCrossing, let last else { return nil }
        return geofences.crossed(from: last, to: point).first
    }
}

extension GeofenceSelector {
    /// The geofences that it looks at.
    func geofences(_ environment: ExpressionEnvironment) -> GeofenceSet { inline ?? environment.geofences }

    /// A number that stays with a geofence while others come and go; below 0 for inline ones.
    fileprivate func identity(_ place: Int, _ geofences: GeofenceSet) -> Double {
        inline == nil ? Double(geofences.geofences[place].id) : -Double(place) - 1
    }
}

extension RouteColumns {
    /// The valid position of a row: numeric latitude and longitude, and `position.valid` not false.
    public func point(_ block: ExpressionBlock, _ row: Int) -> GeoPoint? {
        guard block.columns[latitude].kind(row) == .number, block.columns[longitude].kind(row) == .number,
            block.columns[valid].numeric(row) != 0
        else { return nil }
        return GeoPoint(
            latitude: block.columns[latitude].numbers[row], longitude: block.columns[longitude].numbers[row])
    }
}
