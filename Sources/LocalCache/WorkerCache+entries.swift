import MessageChunks
import SQLiteClient
import Telemetry

extension WorkerCache {
    /// Changes what is kept of a device, which has been audited; its row is written when the transaction ends.
    func update(_ device: DeviceID, _ body: (inout DeviceEntry) throws -> Void) throws {
        try touch(device) { entry in
            entry.isChanged = true
            try body(&entry)
        }
    }

    /// Changes what is kept of an assignment; its row is written when the transaction ends.
    func update(_ key: AssignmentKey, _ body: (inout AssignmentEntry) throws -> Void) throws {
        func change(_ entry: inout AssignmentEntry?) throws {
            var present = entry.take() ?? AssignmentEntry()
            defer { entry = present }
            present.isChanged = true
            try body(&present)
        }
        try touch(key.device) { try change(&$0.assignments[key.calculator]) }
    }

    func touch(_ device: DeviceID, _ body: (inout DeviceEntry) throws -> Void = { _ in }) throws {
        func change(_ entry: inout DeviceEntry) throws {
            if !entry.isTouched {
                entry.isTouched = true
                touched.append(device)
            }
            try body(&entry)
        }
        try change(&entries[device, default: DeviceEntry(isAudited: true)])
    }

    /// Writes the rows of what the transaction has changed.
    func flush() throws {
        for device in touched {
            // Taken out while it is worked on, so that nothing of it is copied.
            guard entries[device]?.isTouched == true, var entry = entries.updateValue(DeviceEntry(), forKey: device)
            else { continue }
            if entry.isChanged { try write(device, &entry) }
            try entry.assignments.changeEach { calculator, assignment in
                guard let present = assignment, present.isChanged else { return }
                assignment = try written(AssignmentKey(calculator: calculator, device: device), present)
            }
            entry.isTouched = false
            entries[device] = entry.written == nil && entry.assignments.isEmpty && entry.isBlank ? nil : entry
        }
        guard totals != writtenTotals else { return }
        try totals.write(to: connection)
        writtenTotals = totals
    }

    private func write(_ device: DeviceID, _ entry: inout DeviceEntry) throws {
        entry.isChanged = false
        if let old = entry.written { totals.devices.remove(old) }
        guard !entry.isBlank else {
            entry.written = nil
            return try run("DELETE FROM devices WHERE device = ?", device.rawValue)
        }
        let checksum = RowChecksum.device(device, entry)
        let statement = try connection.statement("INSERT OR REPLACE INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        try statement.bind(1, device.rawValue)
        try statement.bind(2, optional: entry.sealed)
        try statement.bind(3, optional: entry.latest?.microseconds)
        try statement.bind(4, entry.chunks)
        try statement.bind(6, entry.tail)
        try statement.bind(8, entry.tailMessageCount)
        try statement.bind(9, checksum)
        try statement.run()
        entry.written = checksum
        totals.devices.add(checksum)
    }

    /// The entry once its row is written; nil if it needs none.
    private func written(_ key: AssignmentKey, _ entry: AssignmentEntry) throws -> AssignmentEntry? {
        if let old = entry.written { totals.assignments.remove(old) }
        guard !entry.isBlank else {
            try run(
                "DELETE FROM assignments WHERE device = ? AND calculator = ?", key.device.rawValue,
                key.calculator.rawValue)
            return nil
        }
        var entry = entry
        let checksum = RowChecksum.assignment(key, entry)
        try bind(key, entry, checksum).run()
        entry.isChanged = false
        entry.written = checksum
        totals.assignments.add(checksum)
        return entry
    }

    private func bind(_ key: AssignmentKey, _ entry: AssignmentEntry, _ checksum: Int64) throws -> Statement {
        let statement = try connection.statement(
            "INSERT OR REPLACE INTO assignments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        let cached = entry.cached
        try statement.bind(1, key.device.rawValue)
        try statement.bind(2, key.calculator.rawValue)
        try statement.bind(3, optional: cached?.calculatorRevision)
        try statement.bind(4, Int64(bitPattern: cached?.deviceDigest ?? 0))
        try statement.bind(5, Int64(bitPattern: cached?.geofenceDigest ?? 0))
        try statement.bind(6, cached?.applied ?? 0)
        try statement.bind(7, optional: cached?.timer?.microseconds)
        try statement.bind(8, Int64(cached?.isCalculated == true ? 1 : 0))
        try statement.bind(9, cached?.horizon.microseconds ?? 0)
        try statement.bind(10, entry.held)
        try statement.bind(12, entry.states)
        try statement.bind(14, checksum)
        try statement.bind(15, entry.pending)
        return statement
    }
}

extension Statement {
    fileprivate func bind(_ position: Int32, optional value: Int64?) throws(SQLiteError) {
        if let value { try bind(position, value) } else { try bindNull(position) }
    }

    fileprivate func bind(_ position: Int32, _ total: RowTotal) throws(SQLiteError) {
        try bind(position, total.count)
        try bind(position + 1, total.sum)
    }
}
