import Publishing
import Telemetry

/// The parameters that tell where a vehicle is, as ids of one table; nil where no message has had one yet.
struct FixParameters: Sendable {
    let latitude, longitude, isValid, speed, direction, satellites, kind: ParameterID?
    let ignition, busMileage, mileage, address: ParameterID?

    init(_ table: ParameterTable) {
        latitude = table.existing("position.latitude")
        longitude = table.existing("position.longitude")
        isValid = table.existing("position.valid")
        speed = table.existing("position.speed")
        direction = table.existing("position.direction")
        satellites = table.existing("position.satellites")
        kind = table.existing("position.type")
        ignition = table.existing("engine.ignition.status")
        busMileage = table.existing("can.vehicle.mileage")
        mileage = table.existing("vehicle.mileage")
        address = table.existing("position.address")
    }

    var all: [ParameterID] {
        [
            latitude, longitude, isValid, speed, direction, satellites, kind, ignition, busMileage, mileage, address,
        ].compactMap { $0 }
    }
}

/// The columns of a batch by those parameters, and what they say; the bounds are those of the fleet schema.
struct FixColumns {
    private let latitude, longitude, isValid, speedColumn, directionColumn, satelliteColumn, kindColumn: ValueColumn?
    private let ignitionColumn, busMileage, mileageColumn, addressColumn: ValueColumn?

    init(_ batch: MessageBatch, _ parameters: FixParameters) {
        latitude = parameters.latitude.flatMap(batch.values)
        longitude = parameters.longitude.flatMap(batch.values)
        isValid = parameters.isValid.flatMap(batch.values)
        speedColumn = parameters.speed.flatMap(batch.values)
        directionColumn = parameters.direction.flatMap(batch.values)
        satelliteColumn = parameters.satellites.flatMap(batch.values)
        kindColumn = parameters.kind.flatMap(batch.values)
        ignitionColumn = parameters.ignition.flatMap(batch.values)
        busMileage = parameters.busMileage.flatMap(batch.values)
        mileageColumn = parameters.mileage.flatMap(batch.values)
        addressColumn = parameters.address.flatMap(batch.values)
    }

    /// Whether no message of the batch tells a place.
    var isPlaceless: Bool { latitude == nil || longitude == nil }

    /// The position; nil where there is none, or none that can be.
    func place(_ row: Int) -> PathPoint? {
        guard let latitude = Self.number(latitude, row), let longitude = Self.number(longitude, row),
            (-90...90).contains(latitude), (-180...180).contains(longitude), latitude != 0 || longitude != 0
        else { return nil }
        if Self.flag(isValid, row) == false { return nil }
        return PathPoint(latitude: latitude, longitude: longitude)
    }

    func speed(_ row: Int) -> Double? {
        Self.number(speedColumn, row).flatMap { $0 >= 0 && $0 < 10_000 ? $0 : nil }
    }

    func direction(_ row: Int) -> Double? {
        Self.number(directionColumn, row).flatMap { (0...360).contains($0) ? $0 : nil }
    }

    func satellites(_ row: Int) -> Int64? {
        Self.number(satelliteColumn, row).flatMap { (0...999).contains($0) ? Int64($0.rounded(.toNearestOrEven)) : nil }
    }

    func kind(_ row: Int) -> String { Self.text(kindColumn, row) ?? "GPS" }

    func isIgnitionOn(_ row: Int) -> Bool? { Self.flag(ignitionColumn, row) }

    func mileage(_ row: Int) -> Double? {
        (Self.number(busMileage, row) ?? Self.number(mileageColumn, row)).flatMap { abs($0) < 1e9 ? $0 : nil }
    }

    func address(_ row: Int) -> String? { Self.text(addressColumn, row) }

    private static func number(_ column: ValueColumn?, _ row: Int) -> Double? {
        guard let column, column.kind(row) == .number, column.numbers[row].isFinite else { return nil }
        return column.numbers[row]
    }

    /// A boolean, or a number that is not 0.
    private static func flag(_ column: ValueColumn?, _ row: Int) -> Bool? {
        guard let column else { return nil }
        switch column.kind(row) {
        case .boolean, .number: return column.numbers[row] != 0
        default: return nil
        }
    }

    /// A longer text is cut.
    private static let textCountMax = 2_000

    /// Any value but null as a text; none where it is empty.
    private static func text(_ column: ValueColumn?, _ row: Int) -> String? {
        guard let value = column?[row], let text = JSONValue(value).reportText, !text.isEmpty else { return nil }
        return text.utf8.count <= textCountMax ? text : String(text.unicodeScalars.prefix(textCountMax))
    }
}
