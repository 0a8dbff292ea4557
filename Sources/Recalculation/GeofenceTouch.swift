import Calculators
import Evaluation
import Expressions
import LocalCache
import Telemetry

/// Finds where changed geofences touch a device's messages: nothing else of its history can come out otherwise.
package struct GeofenceTouch {
    private let geofences: GeofenceSet
    private let detectsCrossing: Bool
    private var ranges: [TimeRange] = []
    private var last: GeoPoint?
    /// Whether the message before was touched.
    private var isInside = false

    /// What is in one set and not, or otherwise, in the other.
    package init(changedBetween before: GeofenceSet, and after: GeofenceSet, detectsCrossing: Bool) {
        let old = Set(before.geofences)
        let new = Set(after.geofences)
        geofences = GeofenceSet(
            before.geofences.filter { !new.contains($0) } + after.geofences.filter { !old.contains($0) })
        self.detectsCrossing = detectsCrossing
    }

    /// The stretches of a device's messages that lie in one of them, or whose way from the message before crosses one.
    package func ranges(
        of device: DeviceID, _ table: ParameterTable, _ cache: WorkerCache
    ) throws -> [TimeRange] {
        guard !geofences.isEmpty else { return [] }
        var layout = ColumnLayout()
        let position = RouteColumns(&layout)
        let binding = ColumnBinding(layout, table: table, facts: DeviceFacts(id: device, ident: "", name: ""))
        let reader = MessageReader(device: device, binding: binding)
        var finder = self
        var moment = Timestamp.distantPast
        while let block = try reader.block(after: moment, cache), let last = block.content.timestamps.last {
            finder.look(at: block.content, position)
            moment = Timestamp(microseconds: last)
        }
        return finder.ranges
    }

    private mutating func look(at block: ExpressionBlock, _ position: RouteColumns) {
        for row in 0..<block.count {
            let isTouched = isTouched(position.point(block, row))
            if isTouched { note(Timestamp(microseconds: block.timestamps[row])) }
            isInside = isTouched
        }
    }

    private mutating func note(_ moment: Timestamp) {
        let range = TimeRange(inclusive: moment, moment)
        if isInside, let open = ranges.popLast() {
            ranges.append(open.union(range))
        } else {
            ranges.append(range)
        }
    }

    private mutating func isTouched(_ point: GeoPoint?) -> Bool {
        guard let point else { return false }
        defer { last = point }
        if geofences.first(latitude: point.latitude, longitude: point.longitude) != nil { return true }
        guard detectsCrossing, let last else { return false }
        return !geofences.crossed(from: last, to: point).isEmpty
    }
}
