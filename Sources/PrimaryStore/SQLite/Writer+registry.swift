import SQLiteClient
import Telemetry

// MARK: - Devices

extension Writer {
    func createDevice(ident: String, name: String, json: String) throws -> DeviceRecord {
        try checkIdent(ident, of: nil)
        try connection.run(
            "INSERT INTO devices (ident, name, json, revision, crc) VALUES (?, ?, ?, 1, 0)", ident, name, json)
        let record = DeviceRecord(
            id: DeviceID(connection.lastInsertID), ident: ident, name: name, json: json, revision: 1)
        try write(record)
        // The first name counts from the beginning on, whenever that is.
        if DeviceDriver.name(in: json) != nil { try DriverTable.note(connection, record, at: .distantPast) }
        return record
    }

    func replaceDevice(
        _ id: DeviceID, ident: String, name: String, json: String, expecting: Int64?, at moment: Timestamp
    ) throws -> DeviceRecord {
        guard var record = try RegistryTables.findDevice(connection, id) else {
            throw StoreError.notFound("device \(id)")
        }
        try check(expecting, record.revision, "device \(id)")
        try checkIdent(ident, of: id)
        record.ident = ident
        record.name = name
        record.json = json
        record.revision += 1
        try write(record)
        try DriverTable.note(connection, record, at: moment)
        return record
    }

    func deleteDevice(_ id: DeviceID, at moment: Timestamp) throws {
        try checkDevice(id)
        try endAssignments(of: id, at: moment)
        try deleteLinks([.groupDevice], to: id.rawValue)
        try deleteAssetIntervals(of: id)
        for table in Self.deviceTables {
            try connection.run("DELETE FROM \(table) WHERE device = ?", id.rawValue)
        }
        try trimLog(id, upTo: state.lastPosition)
        try connection.run("DELETE FROM devices WHERE id = ?", id.rawValue)
        try bumpRegistry()
    }

    /// What a device has beside its log and its assignments.
    private static let deviceTables = [
        "chunks", "chunk_months", "archive_marks", "horizons", "apart_messages", "apart_counts", "damaged_chunks",
        "device_drivers",
    ]

    private func checkIdent(_ ident: String, of id: DeviceID?) throws {
        let holder = try connection.integer("SELECT id FROM devices WHERE ident = ?", ident)
        guard holder == nil || holder == id?.rawValue else { throw StoreError.identInUse(ident) }
    }

    private func write(_ record: DeviceRecord) throws {
        try connection.run(
            "UPDATE devices SET ident = ?, name = ?, json = ?, revision = ?, crc = ? WHERE id = ?", record.ident,
            record.name, record.json, record.revision, RegistryTables.checksum(record), record.id.rawValue)
        try bumpRegistry()
    }
}

// MARK: - Calculators

extension Writer {
    func createCalculator(name: String, json: String) throws -> CalculatorRecord {
        try connection.run("INSERT INTO calcs (name, json, revision, crc) VALUES (?, ?, 1, 0)", name, json)
        let record = CalculatorRecord(
            id: CalculatorID(connection.lastInsertID), name: name, json: json, revision: 1)
        try write(record)
        return record
    }

    func replaceCalculator(
        _ id: CalculatorID, name: String, json: String, expecting: Int64?
    ) throws -> CalculatorRecord {
        guard var record = try RegistryTables.findCalculator(connection, id) else {
            throw StoreError.notFound("calculator \(id)")
        }
        try check(expecting, record.revision, "calculator \(id)")
        record.name = name
        record.json = json
        record.revision += 1
        try write(record)
        return record
    }

    func deleteCalculator(_ id: CalculatorID, at moment: Timestamp) throws {
        try checkCalculator(id)
        for key in try assignments("calc = ?", id.rawValue) { try unassign(key, at: moment) }
        try deleteLinks([.calculatorGeofence, .calculatorGroup], from: id.rawValue)
        try connection.run("DELETE FROM ended_assignments WHERE calc = ?", id.rawValue)
        try connection.run("DELETE FROM calc_revisions WHERE calc = ?", id.rawValue)
        try connection.run("DELETE FROM calcs WHERE id = ?", id.rawValue)
        try bumpRegistry()
    }

    private func write(_ record: CalculatorRecord) throws {
        let checksum = RegistryTables.checksum(record)
        try connection.run(
            "UPDATE calcs SET name = ?, json = ?, revision = ?, crc = ? WHERE id = ?", record.name, record.json,
            record.revision, checksum, record.id.rawValue)
        try connection.run(
            "INSERT INTO calc_revisions VALUES (?, ?, ?, ?, ?)", record.id.rawValue, record.revision, record.name,
            record.json, checksum)
        try bumpRegistry()
    }

    func checkCalculator(_ id: CalculatorID) throws {
        let statement = try connection.statement("SELECT 1 FROM calcs WHERE id = ?")
        try statement.bind(1, id.rawValue)
        guard try statement.first({ _ in true }) != nil else { throw StoreError.notFound("calculator \(id)") }
    }
}

// MARK: - Assignments

extension Writer {
    func assign(_ keys: [AssignmentKey], isEnabled: Bool, isAutoCreated: Bool) throws -> [AssignmentRecord] {
        var made: [AssignmentRecord] = []
        var isChanged = false
        for key in keys {
            if let record = try makeAssignment(key, isEnabled: isEnabled, isAutoCreated: isAutoCreated) {
                made.append(record)
            } else if !isAutoCreated, try setAutoCreated(key, false) {
                isChanged = true
            }
        }
        if isChanged || !made.isEmpty { try bumpRegistry() }
        return made
    }

    /// Makes an assignment unless it is there; the caller gives the change its number.
    func makeAssignment(_ key: AssignmentKey, isEnabled: Bool, isAutoCreated: Bool) throws -> AssignmentRecord? {
        guard try RegistryTables.findAssignment(connection, key) == nil else { return nil }
        if let asset = key.device.assetID { _ = try entity(.asset, asset) } else { try checkDevice(key.device) }
        try checkCalculator(key.calculator)
        // A history that was here before has given ids, and none is given twice.
        let ended = try CheckedTable.endedAssignments.find(
            connection, key.device.rawValue, key.calculator.rawValue)
        let record = AssignmentRecord(
            key: key, isEnabled: isEnabled, isAutoCreated: isAutoCreated,
            marks: AssignmentMarks(
                lastIntervalID: ended?[2].integer ?? 0, horizon: try HorizonTable.horizon(connection, key.device)))
        try RegistryTables.write(connection, AssignmentRow(record))
        return record
    }

    func setAssignments(_ keys: [AssignmentKey], isEnabled: Bool) throws {
        var isChanged = false
        for key in keys {
            guard var row = try RegistryTables.findAssignmentRow(connection, key) else {
                throw StoreError.notFound("assignment of calculator \(key.calculator) to device \(key.device)")
            }
            guard row.record.isEnabled != isEnabled else { continue }
            row.record.isEnabled = isEnabled
            try RegistryTables.writeFlags(connection, row)
            isChanged = true
        }
        if isChanged { try bumpRegistry() }
    }

    /// Takes away assignments that a person made; those that a group implies stay as the group's. Returns how many
    /// ended.
    func unassign(_ keys: [AssignmentKey], at moment: Timestamp) throws -> Int {
        var endedCount = 0
        var isChanged = false
        for key in keys {
            if try LinkTransaction.isImplied(key, connection) {
                if try setAutoCreated(key, true) { isChanged = true }
            } else if try unassign(key, at: moment) {
                endedCount += 1
            }
        }
        if isChanged || endedCount > 0 { try bumpRegistry() }
        return endedCount
    }

    /// Notes who made an assignment; false if there is none or it is known.
    private func setAutoCreated(_ key: AssignmentKey, _ isAutoCreated: Bool) throws -> Bool {
        guard var row = try RegistryTables.findAssignmentRow(connection, key),
            row.record.isAutoCreated != isAutoCreated
        else { return false }
        row.record.isAutoCreated = isAutoCreated
        try RegistryTables.writeFlags(connection, row)
        return true
    }

    /// Ends all assignments of a device or an asset that is about to go.
    func endAssignments(of device: DeviceID, at moment: Timestamp) throws {
        for key in try assignments("device = ?", device.rawValue) { try unassign(key, at: moment) }
        try connection.run("DELETE FROM ended_assignments WHERE device = ?", device.rawValue)
    }

    /// Ends an assignment and deletes its intervals with their versions and fields, each interval with a row in the
    /// feed; false if there is none. The caller gives the change its number.
    @discardableResult
    func unassign(_ key: AssignmentKey, at moment: Timestamp) throws -> Bool {
        guard let record = try RegistryTables.findAssignment(connection, key) else { return false }
        try deleteIntervals(of: key, at: moment)
        for var job in try JobTable.held(connection) where job.key == key {
            job.outcome = .discarded
            try JobTable.write(connection, job)
        }
        try connection.run(
            "DELETE FROM assignments WHERE device = ? AND calc = ?", key.device.rawValue, key.calculator.rawValue)
        try CheckedTable.horizonStates.delete(connection, key.device.rawValue, key.calculator.rawValue)
        try CheckedTable.endedAssignments.put(
            connection,
            [
                .integer(key.device.rawValue), .integer(key.calculator.rawValue),
                .integer(record.marks.lastIntervalID),
            ])
        return true
    }

    private func deleteIntervals(of key: AssignmentKey, at moment: Timestamp) throws {
        var rows: [FeedRow] = []
        try IntervalTable.forEach(connection, key, IntervalQuery()) { held, row in
            rows.append(FeedRow(deleting: held, of: key, json: row.bytes(9), at: moment))
        }
        for table in ["intervals", "interval_versions", "interval_fields"] {
            try connection.run(
                "DELETE FROM \(table) WHERE calc = ? AND device = ?", key.calculator.rawValue, key.device.rawValue)
        }
        if !rows.isEmpty { try appendFeed(Slot(device: key.device), rows) }
    }

    private func assignments(_ condition: String, _ id: Int64) throws -> [AssignmentKey] {
        var keys: [AssignmentKey] = []
        try connection.statement("SELECT calc, device FROM assignments WHERE \(condition)", id).forEachRow { row in
            keys.append(AssignmentKey(calculator: CalculatorID(row.int64(0)), device: DeviceID(row.int64(1))))
        }
        return keys
    }
}
