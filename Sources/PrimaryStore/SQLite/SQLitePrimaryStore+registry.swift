import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func registry() throws(StoreError) -> RegistrySnapshot {
        try read { connection in
            try connection.transaction(isWriting: false) {
                let revision = try connection.integer("SELECT value FROM meta WHERE key = 'registry_revision'")
                var snapshot = RegistrySnapshot(
                    revision: revision ?? 0, devices: [], calculators: [], assignments: [])
                try connection.statement("SELECT \(RegistryTables.deviceColumns) FROM devices ORDER BY id")
                    .forEachRow { snapshot.devices.append(try RegistryTables.device($0)) }
                try connection.statement("SELECT \(RegistryTables.calculatorColumns) FROM calcs ORDER BY id")
                    .forEachRow { snapshot.calculators.append(try RegistryTables.calculator($0)) }
                try connection.statement(
                    "SELECT \(RegistryTables.assignmentColumns) FROM assignments ORDER BY device, calc"
                ).forEachRow { snapshot.assignments.append(try RegistryTables.assignment($0)) }
                try Self.readEntities(connection, &snapshot)
                return snapshot
            }
        }
    }

    private static func readEntities(_ connection: Connection, _ snapshot: inout RegistrySnapshot) throws {
        try connection.statement("SELECT \(EntityTables.entityColumns) FROM entities ORDER BY kind, id")
            .forEachRow { snapshot.entities.append(try EntityTables.entity($0)) }
        try connection.statement("SELECT \(EntityTables.linkColumns) FROM links ORDER BY kind, from_id, to_id")
            .forEachRow { snapshot.links.append(try EntityTables.link($0)) }
        try connection.statement(
            "SELECT \(EntityTables.assetColumns) FROM asset_intervals ORDER BY asset, begin_at"
        ).forEachRow { snapshot.assetIntervals.append(try EntityTables.assetInterval($0)) }
    }

    package func createDevice(ident: String, name: String, json: String) throws(StoreError) -> DeviceRecord {
        try write { writer in try writer.createDevice(ident: ident, name: name, json: json) }
    }

    package func createDevices(_ devices: [NewDevice]) -> [Result<DeviceRecord, StoreError>] {
        guard !devices.isEmpty else { return [] }
        return writeEach(
            devices.map { device in
                { writer in try writer.createDevice(ident: device.ident, name: device.name, json: device.json) }
            })
    }

    package func replaceDevice(
        _ id: DeviceID, ident: String, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> DeviceRecord {
        try write { writer in
            try writer.replaceDevice(id, ident: ident, name: name, json: json, expecting: expecting)
        }
    }

    package func deleteDevice(_ id: DeviceID, at moment: Timestamp) throws(StoreError) {
        try write { writer in try writer.deleteDevice(id, at: moment) }
    }

    package func createCalculator(name: String, json: String) throws(StoreError) -> CalculatorRecord {
        try write { writer in try writer.createCalculator(name: name, json: json) }
    }

    package func replaceCalculator(
        _ id: CalculatorID, name: String, json: String, expecting: Int64?
    ) throws(StoreError) -> CalculatorRecord {
        try write { writer in try writer.replaceCalculator(id, name: name, json: json, expecting: expecting) }
    }

    package func deleteCalculator(_ id: CalculatorID, at moment: Timestamp) throws(StoreError) {
        try write { writer in try writer.deleteCalculator(id, at: moment) }
    }

    package func calculatorHistory(_ id: CalculatorID) throws(StoreError) -> [CalculatorRecord] {
        try read { connection in
            var history: [CalculatorRecord] = []
            try connection.statement(
                "SELECT calc, name, json, revision, crc FROM calc_revisions WHERE calc = ? ORDER BY revision",
                id.rawValue
            ).forEachRow { history.append(try RegistryTables.calculator($0)) }
            return history
        }
    }

    package func assign(
        _ keys: [AssignmentKey], isEnabled: Bool, isAutoCreated: Bool
    ) throws(StoreError) -> [AssignmentRecord] {
        try write { writer in try writer.assign(keys, isEnabled: isEnabled, isAutoCreated: isAutoCreated) }
    }

    package func setAssignments(_ keys: [AssignmentKey], isEnabled: Bool) throws(StoreError) {
        try write { writer in try writer.setAssignments(keys, isEnabled: isEnabled) }
    }

    package func unassign(_ keys: [AssignmentKey], at moment: Timestamp) throws(StoreError) -> Int {
        try write { writer in try writer.unassign(keys, at: moment) }
    }

    package func assignment(_ key: AssignmentKey) throws(StoreError) -> AssignmentRecord? {
        try read { connection in try RegistryTables.findAssignment(connection, key) }
    }
}
