import PostgresClient
import PrimaryStore
import Telemetry

extension Staging {
    /// Stages all devices, calculators and assignments.
    static func registry(_ registry: RegistrySnapshot, to postgres: PostgresConnection) throws {
        try devices(registry.devices, to: postgres)
        try calculators(registry.calculators, to: postgres)
        try assignments(registry.assignments, to: postgres)
    }

    /// Stages the drivers of all devices.
    static func drivers(_ drivers: [DeviceDriver], to postgres: PostgresConnection) throws {
        try copy("odograph_drivers", ["device_id", "from_at", "name"], to: postgres) { writer in
            for driver in drivers {
                try writer.add(driver.device.rawValue)
                try writer.add(PostgresTimestamp(driver.from))
                try writer.add(driver.name.map(StagedText.plain))
                try writer.endRow()
            }
        }
    }

    private static func devices(_ devices: [DeviceRecord], to postgres: PostgresConnection) throws {
        let columns = ["device_id", "slot", "ident", "name", "revision", "is_deleted", "json"]
        try copy("odograph_devices", columns, to: postgres) { writer in
            for device in devices {
                try writer.add(device.id.rawValue)
                try writer.add(Int64(Slot(device: device.id).rawValue))
                try writer.add(StagedText.plain(device.ident))
                try writer.add(StagedText.plain(device.name))
                try writer.add(device.revision)
                try writer.add(false)
                try StagedText.json(Array(device.json.utf8)).withUnsafeBytes { try writer.add(text: $0) }
                try writer.endRow()
            }
        }
    }

    private static func calculators(_ calculators: [CalculatorRecord], to postgres: PostgresConnection) throws {
        let columns = ["calc_id", "name", "revision", "is_deleted", "json"]
        try copy("odograph_calculators", columns, to: postgres) { writer in
            for calculator in calculators {
                try writer.add(calculator.id.rawValue)
                try writer.add(StagedText.plain(calculator.name))
                try writer.add(calculator.revision)
                try writer.add(false)
                try StagedText.json(Array(calculator.json.utf8)).withUnsafeBytes { try writer.add(text: $0) }
                try writer.endRow()
            }
        }
    }

    private static func assignments(_ assignments: [AssignmentRecord], to postgres: PostgresConnection) throws {
        let columns = ["calc_id", "device_id", "enabled", "horizon", "is_deleted"]
        try copy("odograph_assignments", columns, to: postgres) { writer in
            for assignment in assignments {
                try writer.add(assignment.key.calculator.rawValue)
                try writer.add(assignment.key.device.rawValue)
                try writer.add(assignment.isEnabled)
                try writer.add(PostgresTimestamp(assignment.marks.horizon))
                try writer.add(false)
                try writer.endRow()
            }
        }
    }
}
