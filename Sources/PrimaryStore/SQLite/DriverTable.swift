import SQLiteClient
import Telemetry

/// The rows of the table `device_drivers`.
enum DriverTable {
    /// Notes the name that a device's entity now gives, from a moment on. The first name counts from the beginning.
    static func note(_ connection: Connection, _ record: DeviceRecord, at moment: Timestamp) throws {
        let name = DeviceDriver.name(in: record.json)
        let present = try all(connection, record.id).last
        guard name != present?.name else { return }
        // The last change holds, even where the clock went back.
        let from = present.map { max($0.from, moment) } ?? .distantPast
        try put(connection, DeviceDriver(device: record.id, from: from, name: name))
    }

    static func put(_ connection: Connection, _ driver: DeviceDriver) throws {
        try CheckedTable.deviceDrivers.put(
            connection,
            [
                .integer(driver.device.rawValue), .integer(driver.from.microseconds),
                driver.name.map(Cell.text) ?? .null,
            ])
    }

    /// Those of a device, or of all, in the order of device and time.
    static func all(_ connection: Connection, _ device: DeviceID?) throws -> [DeviceDriver] {
        var drivers: [DeviceDriver] = []
        let condition = device == nil ? "ORDER BY device, since" : "WHERE device = ? ORDER BY since"
        let values: [any Bindable] = device.map { [$0.rawValue] } ?? []
        try CheckedTable.deviceDrivers.forEach(connection, condition, all: values) { row in
            drivers.append(
                DeviceDriver(
                    device: DeviceID(row[0].integer ?? 0), from: Timestamp(microseconds: row[1].integer ?? 0),
                    name: row[2].text))
        }
        return drivers
    }
}

extension SQLitePrimaryStore {
    package func deviceDrivers(_ device: DeviceID?) throws(StoreError) -> [DeviceDriver] {
        try read { connection in
            try connection.transaction(isWriting: false) {
                try Totals.check(connection, "device_drivers")
                return try DriverTable.all(connection, device)
            }
        }
    }
}
