/// What the user says of a column: `field=column[:unit]`, or a constant, `field="text"`.
package struct ColumnMapping: Sendable, Equatable {
    package enum Source: Sendable, Equatable {
        /// A column, several joined by `+`, and what follows the last colon: their unit or format.
        case column(String)
        case constant(String)
    }

    /// A parameter, or a short name for one: `speed`, `lat`.
    package var field: String
    package var source: Source

    package init(_ text: String) throws(ImportError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            throw .wrongUse("'\(text)' is no mapping: write field=column, field=column:unit or field=\"text\"")
        }
        let name = String(parts[0])
        field = WellKnownColumn(name)?.parameter ?? name
        let right = parts[1]
        let isQuoted = right.count >= 2 && right.first == right.last && (right.first == "\"" || right.first == "'")
        source = isQuoted ? .constant(String(right.dropFirst().dropLast())) : .column(String(right))
    }
}

/// A column whose name tells what it holds.
struct WellKnownColumn {
    var parameter: String
    /// The unit that the name tells too.
    var unit: String?

    init?(_ header: String) {
        guard let found = Self.named[header.lowercased()] else { return nil }
        parameter = found.0
        unit = found.1
    }

    private static let named: [String: (String, String?)] = {
        var result: [String: (String, String?)] = [:]
        for (parameter, unit, headers) in rows {
            for header in headers.split(separator: " ") { result[String(header)] = (parameter, unit) }
        }
        return result
    }()

    private static let rows: [(String, String?, String)] = [
        ("timestamp", nil, "timestamp time time_utc utc datetime date_time gps_time ts unixtime epoch fixtime"),
        ("timestamp", "ms", "timestamp_ms time_ms"),
        ("ident", nil, "ident imei device_id deviceid device_ident unit_id"),
        ("position.latitude", nil, "lat latitude gps_lat gps_latitude"),
        ("position.longitude", nil, "lon lng long longitude gps_lon gps_lng gps_long gps_longitude"),
        ("position.speed", nil, "speed gps_speed gpsspeed speed_kmh speed_kph"),
        ("position.speed", "mph", "speed_mph"), ("position.speed", "kn", "speed_kn speed_knots"),
        ("position.speed", "m/s", "speed_ms speed_mps"),
        ("position.altitude", nil, "alt altitude elevation ele gps_alt gps_altitude gps_elevation"),
        (
            "position.direction", nil,
            "heading course bearing direction azimuth gps_heading gps_heading_raw gps_course gps_bearing"
        ),
        ("position.satellites", nil, "sats satellites sat num_sats gps_sats gps_satellites"),
        ("position.hdop", nil, "hdop gps_hdop"), ("position.pdop", nil, "pdop gps_pdop"),
        ("position.vdop", nil, "vdop gps_vdop"), ("position.accuracy", nil, "accuracy gps_accuracy"),
        ("engine.ignition.status", nil, "ignition acc"), ("engine.rpm", nil, "rpm engine_rpm"),
    ]
}
