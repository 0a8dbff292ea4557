import PrimaryStore
import Publishing
import Telemetry

/// A trip as the dashboard shows it: an interval with the counters that its role knows.
struct Trip: Sendable, Hashable {
    let interval: Int64
    let begin: Timestamp
    let end: Timestamp
    let isActive: Bool
    let distance: Double?
    let maxSpeed: Double?
    let averageSpeed: Double?
    let idleSeconds: Int64?
    let start: PathPoint?
    let finish: PathPoint?
    let startAddress: String?
    let endAddress: String?

    /// The number of a trip wherever it is told; intervals numbered beyond are no trips.
    static let intervalIDMax: Int64 = 1_000_000_000

    /// The trip of an interval; nil for one that has no length yet, as those of a single message.
    init?(_ stored: StoredInterval, _ columns: TripColumns) {
        guard stored.end > stored.begin, stored.id < Self.intervalIDMax else { return nil }
        var values = TripValues()
        guard values.read(stored.json, columns) else { return nil }
        interval = stored.id
        (begin, end, isActive) = (stored.begin, stored.end, stored.isActive)
        let seconds = Double(end.microseconds - begin.microseconds) / 1e6
        distance = values.number(.distance)
        maxSpeed = values.number(.maxSpeed)
        averageSpeed = values.number(.averageSpeed) ?? values.number(.distance).map { $0 / seconds * 3600 }
        idleSeconds = values.number(.idle).flatMap(Self.wholeSeconds)
        start = values.place(.startLatitude, .startLongitude)
        finish = values.place(.endLatitude, .endLongitude)
        startAddress = values.text(.startAddress)
        endAddress = values.text(.endAddress)
    }

    /// Seconds rounded half to even; nil where no trip is that long.
    private static func wholeSeconds(_ seconds: Double) -> Int64? {
        abs(seconds) <= 2e9 ? Int64(seconds.rounded(.toNearestOrEven)) : nil
    }

    var durationSeconds: Int64 {
        Self.wholeSeconds(Double(end.microseconds - begin.microseconds) / 1e6) ?? 0
    }
}

/// What the counters of one interval say, by column.
private struct TripValues {
    private var values = [JSONValue?](repeating: nil, count: TripColumn.allCases.count)
    private var ranks = [Int](repeating: .max, count: TripColumn.allCases.count)

    /// Reads an interval's text; false if it is not what was written.
    mutating func read(_ json: [UInt8], _ columns: TripColumns) -> Bool {
        json.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(buffer)
            do throws(JSONError) {
                try read(&scanner, columns)
                return true
            } catch { return false }
        }
    }

    private mutating func read(_ scanner: inout JSONScanner, _ columns: TripColumns) throws(JSONError) {
        try scanner.expect(UInt8(ascii: "{"))
        if scanner.take(UInt8(ascii: "}")) { return }
        repeat {
            let places = columns.places[try scanner.string()]
            try scanner.expect(UInt8(ascii: ":"))
            guard let places else {
                _ = try scanner.value()
                continue
            }
            let value = try JSONValue(&scanner)
            for place in places { take(value, place) }
        } while scanner.take(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "}"))
    }

    private mutating func take(_ value: JSONValue, _ place: TripColumns.Place) {
        let index = place.column.rawValue
        guard value != .null, place.rank < ranks[index] else { return }
        ranks[index] = place.rank
        values[index] = value
    }

    func number(_ column: TripColumn) -> Double? {
        switch values[column.rawValue] {
        case .number(let number): number
        case .boolean(let flag): flag ? 1 : 0
        default: nil
        }
    }

    func text(_ column: TripColumn) -> String? { values[column.rawValue].flatMap(\.reportText) }

    func place(_ latitude: TripColumn, _ longitude: TripColumn) -> PathPoint? {
        guard let latitude = number(latitude), let longitude = number(longitude) else { return nil }
        return PathPoint(latitude: latitude, longitude: longitude)
    }
}
