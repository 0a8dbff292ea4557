import SQLiteClient
import Telemetry

extension SQLitePrimaryStore {
    package func registry() throws(StoreError) -> RegistrySnapshot {
        try read { connection in try connection.transaction(isWriting: false) { try Self.snapshot(connection) } }
    }

    private static func snapshot(_ connection: Connection) throws -> RegistrySnapshot {
        let devices = try all(connection, "devices", RegistryTables.deviceColumns, 5, "id", RegistryTables.device)
        let calculators = try all(
            connection, "calcs", RegistryTables.calculatorColumns, 4, "id", RegistryTables.calculator)
        let assignments = try all(
            connection, "assignments", RegistryTables.assignmentColumns, RegistryTables.assignmentChecksumColumn,
            "device, calc", RegistryTables.assignment)
        return RegistrySnapshot(
            revision: try MetaTable.value(connection, "registry_revision") ?? 0, devices: devices,
            calculators: calculators, assignments: assignments.map(\.record),
            entities: try all(
                connection, "entities", EntityTables.entityColumns, 5, "kind, id", EntityTables.entity),
            links: try all(
                connection, "links", EntityTables.linkColumns, 4, "kind, from_id, to_id", EntityTables.link),
            assetIntervals: try all(
                connection, "asset_intervals", EntityTables.assetColumns, 6, "asset, begin_at",
                EntityTables.assetInterval))
    }

    package func registryChanges(since revision: Int64) throws(StoreError) -> RegistryChanges? {
        try read { connection in
            try connection.transaction(isWriting: false) {
                let present = try MetaTable.value(connection, "registry_revision") ?? 0
                guard let keys = registryKeys(after: revision, upTo: present) else { return nil }
                var changes = RegistryChanges(revision: present, keys: keys)
                // What is not there was deleted; that no row has vanished the totals tell, where all are read.
                for id in keys.devices.sorted() {
                    if let record = try RegistryTables.findDevice(connection, id) { changes.devices.append(record) }
                }
                for key in keys.assignments.sorted() {
                    let record = try RegistryTables.findAssignment(connection, key)
                    if let record { changes.assignments.append(record) }
                }
                return changes
            }
        }
    }

    package func registryKeys(after: Int64, upTo: Int64) -> RegistryKeys? {
        registryJournal?.keys(after: after, upTo: upTo)
    }

    /// Every row of a table; throws if one is missing. `checksumColumn` is where the checksum stands.
    private static func all<Row>(
        _ connection: Connection, _ table: String, _ columns: String, _ checksumColumn: Int32, _ order: String,
        _ make: (Statement) throws -> Row
    ) throws -> [Row] {
        var rows: [Row] = []
        var present = RunningTotal()
        try connection.statement("SELECT \(columns) FROM \(table) ORDER BY \(order)").forEachRow { row in
            present.add(row.int64(checksumColumn))
            rows.append(try make(row))
        }
        try Totals.check(connection, table, present)
        return rows
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
        _ id: DeviceID, ident: String, name: String, json: String, expecting: Int64?, at moment: Timestamp
    ) throws(StoreError) -> DeviceRecord {
        try write { writer in
            try writer.replaceDevice(id, ident: ident, name: name, json: json, expecting: expecting, at: moment)
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
            guard history.map(\.revision) == Array(1..<Int64(history.count + 1)) else {
                throw StoreError.corrupt("a revision of calculator \(id) is missing")
            }
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
