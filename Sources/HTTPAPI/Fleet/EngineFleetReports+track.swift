import PrimaryStore
import Publishing
import Telemetry

extension EngineFleetReports {
    func track(vehicleNumber: String, hours: Int) throws(ReportError) -> ReportAnswer {
        let hours = min(max(hours, ReportLimits.hoursRange.lowerBound), ReportLimits.hoursRange.upperBound)
        let moment = now()
        guard let vehicle = vehicleBook.vehicles(catalog.present).named(vehicleNumber) else {
            return ReportAnswer(json: TrackReport(vehicle: nil, hours: hours, fixes: []).json, isFound: false)
        }
        let begin = Timestamp(microseconds: moment.microseconds - Int64(hours) * 3_600_000_000)
        let report = TrackReport(
            vehicle: (vehicle.labels, try drivers().name(vehicle.id, at: moment)), hours: hours,
            fixes: try fixes(of: vehicle.id, TimeRange(inclusive: begin, moment)))
        return ReportAnswer(json: report.json)
    }

    func tripPath(_ trip: Int64) throws(ReportError) -> ReportAnswer {
        let (device, interval) = trip.quotientAndRemainder(dividingBy: Trip.intervalIDMax)
        guard interval > 0, let source = TripSources(catalog.present)[DeviceID(device)] else { return .notFound }
        let found = try stored { () throws(StoreError) in
            try store.intervals(source.key, IntervalQuery(ids: [interval]))
        }
        guard let trip = found.first.flatMap({ Trip($0, source.columns) }) else { return .notFound }
        return ReportAnswer(json: try path(of: trip, DeviceID(device)).json)
    }

    func path(of trip: Trip, _ device: DeviceID) throws(ReportError) -> TripPath {
        let fixes = try fixes(of: device, TimeRange(inclusive: trip.begin, trip.end))
        return TripPath(
            trip: device.rawValue * Trip.intervalIDMax + trip.interval, points: fixes.map(\.place),
            times: fixes.map { fix in
                var writer = JSONWriter()
                writer.write(report: fix.moment)
                return writer.bytes
            })
    }

    /// The messages of a range that have a valid position, those of one time merged.
    func fixes(of device: DeviceID, _ range: TimeRange) throws(ReportError) -> [TrackFix] {
        var fixes: [TrackFix] = []
        try stored { () throws(StoreError) in
            try MessageHistory(store: store).forEachBlock(device: device, range: range) { block in
                Self.append(block, FixParameters(store.parameters), to: &fixes)
                return fixes.count <= ReportLimits.fixesMax
            }
        }
        guard fixes.count <= ReportLimits.fixesMax else { throw .tooMany(ReportLimits.tooManyFixes) }
        return fixes
    }

    private static func append(_ block: MessageBatch, _ parameters: FixParameters, to fixes: inout [TrackFix]) {
        let all = FixColumns(block, parameters)
        guard !all.isPlaceless else { return }
        // A payload without a position is a sign of life; it lends nothing to the fix of its time.
        let placed = block.gather((0..<block.count).filter { all.place($0) != nil })
        guard !placed.isEmpty else { return }
        let merged = placed.coalesced(latitude: parameters.latitude, longitude: parameters.longitude)
        let columns = FixColumns(merged, parameters)
        for row in 0..<merged.count {
            guard let place = columns.place(row) else { continue }
            fixes.append(
                TrackFix(
                    moment: Timestamp(microseconds: merged.timestamps[row]), place: place, speed: columns.speed(row),
                    direction: columns.direction(row), isIgnitionOn: columns.isIgnitionOn(row)))
        }
    }
}
