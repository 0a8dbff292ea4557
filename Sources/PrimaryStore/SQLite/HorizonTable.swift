import SQLiteClient
import Telemetry

/// The rows of the tables `horizons` and `horizon_states`.
enum HorizonTable {
    static func horizon(_ connection: Connection, _ device: DeviceID) throws -> Timestamp {
        let row = try CheckedTable.horizons.find(connection, device.rawValue)
        return row?[1].integer.map(Timestamp.init(microseconds:)) ?? .distantPast
    }

    static func setHorizon(_ connection: Connection, _ device: DeviceID, _ horizon: Timestamp) throws {
        try CheckedTable.horizons.put(connection, [.integer(device.rawValue), .integer(horizon.microseconds)])
    }

    static func state(_ connection: Connection, _ key: AssignmentKey) throws -> HorizonState? {
        let row = try CheckedTable.horizonStates.find(connection, key.device.rawValue, key.calculator.rawValue)
        return row.map { HorizonState(calculatorRevision: $0[2].integer ?? 0, bytes: $0[3].blob ?? []) }
    }

    static func setState(_ connection: Connection, _ key: AssignmentKey, _ state: HorizonState?) throws {
        guard let state else {
            return try CheckedTable.horizonStates.delete(connection, key.device.rawValue, key.calculator.rawValue)
        }
        try CheckedTable.horizonStates.put(
            connection,
            [
                .integer(key.device.rawValue), .integer(key.calculator.rawValue),
                .integer(state.calculatorRevision), .blob(state.bytes),
            ])
    }
}
