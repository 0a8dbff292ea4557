import Telemetry

/// The way of a trip, fix by fix.
package struct TripPath: Sendable {
    package var trip: Int64
    package var points: [PathPoint]
    /// When each point was passed, as JSON.
    package var times: [[UInt8]]
    /// How many fixes there are; a single one may be without its point.
    package var fixCount: Int

    package init(trip: Int64, points: [PathPoint], times: [[UInt8]], fixCount: Int? = nil) {
        precondition(points.count == times.count, "every point has its time")
        self.trip = trip
        self.points = points
        self.times = times
        self.fixCount = fixCount ?? points.count
    }

    /// Which points a line is drawn through.
    private var kept: [Int] {
        PathSimplification.kept(points, toleranceMetres: ReportLimits.pathToleranceMetres)
    }

    /// `{"trip_id", "points", "geojson"}`; `points` counts the fixes, of which the line has fewer.
    package var json: [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.write(literal: "{\"trip_id\":")
        writer.write(integer: trip)
        writer.write(literal: ",\"points\":")
        writer.write(integer: Int64(fixCount))
        writer.write(literal: ",\"geojson\":{\"type\":\"FeatureCollection\",\"features\":[")
        if points.count > 1 { writeFeature(to: &writer) }
        writer.write(literal: "]}}")
        return writer.bytes
    }

    private func writeFeature(to writer: inout JSONWriter) {
        let kept = kept
        writer.write(literal: "{\"type\":\"Feature\",\"id\":")
        writer.write(integer: trip)
        writer.write(literal: ",\"geometry\":")
        Self.write(kept.map { points[$0] }, to: &writer)
        writer.write(literal: ",\"properties\":{\"kind\":\"path\",\"times\":[")
        for index in kept {
            writer.separate()
            writer.write(raw: times[index])
        }
        writer.write(literal: "]}}")
    }

    /// The line alone, for the trip's own feature; nil where a line has too few points.
    package var geometry: [UInt8]? {
        guard points.count >= 2 else { return nil }
        var writer = JSONWriter()
        Self.write(kept.map { points[$0] }, to: &writer)
        return writer.bytes
    }

    /// A line in GeoJSON.
    package static func write(_ line: [PathPoint], to writer: inout JSONWriter) {
        writer.write(literal: "{\"type\":\"LineString\",\"coordinates\":[")
        for point in line {
            writer.separate()
            writer.write(literal: "[")
            writer.write(number: point.longitude)
            writer.write(literal: ",")
            writer.write(number: point.latitude)
            writer.write(literal: "]")
        }
        writer.write(literal: "]}")
    }
}

extension TripPath {
    /// Reads the answer of `reporting.fn_trip_path`; nil if it is none.
    init?(_ json: JSONValue) {
        guard let trip = json["trip_id"]?.integerValue, let count = json["points"]?.integerValue,
            let features = json["geojson"]?["features"]?.arrayValue
        else { return nil }
        // A way of one fix has no line.
        let feature = features.first ?? .null
        let places = feature["geometry"]?["coordinates"]?.arrayValue ?? []
        let times = feature["properties"]?["times"]?.arrayValue ?? []
        let points = places.compactMap { place -> PathPoint? in
            guard let pair = place.arrayValue, pair.count == 2, let longitude = pair[0].numberValue,
                let latitude = pair[1].numberValue
            else { return nil }
            return PathPoint(latitude: latitude, longitude: longitude)
        }
        guard points.count == times.count, points.count == places.count else { return nil }
        self.init(trip: trip, points: points, times: times.map { Array($0.text.utf8) }, fixCount: Int(count))
    }
}
