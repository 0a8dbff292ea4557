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
        return record
    }

    func replaceDevice(
        _ id: DeviceID, ident: String, name: String, json: String, expecting: Int64?
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
        return record
    }

    func deleteDevice(_ id: DeviceID, at moment: Timestamp) throws {
        try checkDevice(id)
        for key in try assignments("device = ?", id.rawValue) { try unassign(key, at: moment) }
        for table in ["ended_assignments", "chunks", "archive_marks"] {
            try connection.run("DELETE FROM \(table) WHERE device = ?", id.rawValue)
        }
        try trimLog(id, upTo: state.lastPosition)
        try connection.run("DELETE FROM devices WHERE id = ?", id.rawValue)
        try bumpRegistry()
    }

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
        guard try RegistryTables.findCalculator(connection, id) != nil else {
            throw StoreError.notFound("calculator \(id)")
        }
        for key in try assignments("calc = ?", id.rawValue) { try unassign(key, at: moment) }
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

    private func check(_ expected: Int64?, _ current: Int64, _ what: String) throws {
        guard let expected, expected != current else { return }
        throw StoreError.revisionConflict(what, expected: expected, current: current)
    }
}

// MARK: - Assignments

extension Writer {
    func assign(_ keys: [AssignmentKey], isEnabled: Bool, isAutoCreated: Bool) throws -> [AssignmentRecord] {
        var made: [AssignmentRecord] = []
        for key in keys where try RegistryTables.findAssignment(connection, key) == nil {
            try checkDevice(key.device)
            guard try RegistryTables.findCalculator(connection, key.calculator) != nil else {
                throw StoreError.notFound("calculator \(key.calculator)")
            }
            // A history that was here before has given ids, and none is given twice.
            let lastID = try connection.integer(
                "SELECT last_interval FROM ended_assignments WHERE device = ? AND calc = ?", key.device.rawValue,
                key.calculator.rawValue)
            let record = AssignmentRecord(
                key: key, isEnabled: isEnabled, isAutoCreated: isAutoCreated,
                marks: AssignmentMarks(lastIntervalID: lastID ?? 0))
            try RegistryTables.write(connection, record)
            made.append(record)
        }
        if !made.isEmpty { try bumpRegistry() }
        return made
    }

    /// Ends an assignment and deletes its intervals, each with a row in the feed; false if there is none. The caller
    /// gives the change its number.
    @discardableResult
    func unassign(_ key: AssignmentKey, at moment: Timestamp) throws -> Bool {
        guard let record = try RegistryTables.findAssignment(connection, key) else { return false }
        try deleteIntervals(of: key, at: moment)
        try connection.run(
            "DELETE FROM assignments WHERE device = ? AND calc = ?", key.device.rawValue, key.calculator.rawValue)
        try connection.run(
            "INSERT OR REPLACE INTO ended_assignments VALUES (?, ?, ?)", key.calculator.rawValue,
            key.device.rawValue, record.marks.lastIntervalID)
        return true
    }

    private func deleteIntervals(of key: AssignmentKey, at moment: Timestamp) throws {
        let slot = Slot(device: key.device)
        var revision = try connection.integer("SELECT rev FROM slots WHERE slot = ?", Int(slot.rawValue)) ?? 0
        try IntervalTable.forEach(connection, key, IntervalQuery()) { held, row in
            revision += 1
            try FeedTable.append(
                connection,
                FeedRow(
                    slot: slot, revision: revision, operation: .deleted, key: key, id: held.id, begin: held.begin,
                    end: held.end, timestamp: moment, json: row.bytes(9)))
        }
        try connection.run(
            "DELETE FROM intervals WHERE calc = ? AND device = ?", key.calculator.rawValue, key.device.rawValue)
        try setFeedRevision(slot, revision)
    }

    /// Notes how far the feed of a slot has come.
    func setFeedRevision(_ slot: Slot, _ revision: Int64) throws {
        let statement = try connection.statement("UPDATE slots SET rev = ? WHERE slot = ? AND rev <> ?1")
        try statement.bind(1, revision)
        try statement.bind(2, Int64(slot.rawValue))
        try statement.run()
        state.changedSlots.insert(slot)
    }

    private func assignments(_ condition: String, _ id: Int64) throws -> [AssignmentKey] {
        var keys: [AssignmentKey] = []
        try connection.statement("SELECT calc, device FROM assignments WHERE \(condition)", id).forEachRow { row in
            keys.append(AssignmentKey(calculator: CalculatorID(row.int64(0)), device: DeviceID(row.int64(1))))
        }
        return keys
    }
}
