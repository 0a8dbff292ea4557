import MessageChunks
import SQLiteClient
import Telemetry

extension WorkerCache {
    /// Compares the rows of a device and of its assignments with what counts them; throws `CacheError.corrupt` if one
    /// is damaged, missing or too many. The messages and states themselves are read only if asked for.
    package func audit(_ device: DeviceID, readsBodies: Bool = false) throws(CacheError) {
        try refresh()
        do {
            try auditEntry(device)
            try auditMessages(device, readsBodies)
            try auditAssignments(device, readsBodies)
        } catch { throw CacheError(error) }
        entries[device]?.isAudited = true
    }

    /// The same for the whole file, with what belongs to no device.
    package func audit(readsBodies: Bool = false) throws(CacheError) {
        try refresh()
        for device in Array(entries.keys) { try audit(device, readsBodies: readsBodies) }
        do {
            if !isInTransaction {
                let contents = try CacheContents(connection)
                guard contents.totals == totals else { throw CacheError.corrupt("its totals") }
            }
            for (table, count) in rowCounts() {
                let found = try connection.integer("SELECT COUNT(*) FROM \(table)")
                guard found == count else { throw CacheError.corrupt("rows of \(table) that belong to nothing") }
            }
        } catch { throw CacheError(error) }
    }

    /// Audits a device before its first use after opening.
    func use(_ device: DeviceID) throws(CacheError) {
        if entries[device]?.isAudited == true, !isStale { return }
        try audit(device)
    }

    private func rowCounts() -> [(table: CacheTable, count: Int64)] {
        let assignments = entries.values.flatMap(\.assignments.values)
        return [
            (.chunks, entries.values.reduce(0) { $0 + $1.chunks.count }),
            (.tail, entries.values.reduce(0) { $0 + $1.tail.count }),
            (.held, assignments.reduce(0) { $0 + $1.held.count }),
            (.states, assignments.reduce(0) { $0 + $1.states.count }),
        ]
    }
}

extension WorkerCache {
    /// Compares the rows of the device and its assignments with those in memory that are not to be written yet.
    private func auditEntry(_ device: DeviceID) throws {
        let entry = entries[device] ?? DeviceEntry()
        let found = try CacheContents.entries(connection, of: device)[device] ?? DeviceEntry()
        guard found.written == entry.written,
            found.assignments.written == entry.assignments.written
        else { throw CacheError.corrupt("rows of device \(device)") }
    }

    private func auditMessages(_ device: DeviceID, _ readsBodies: Bool) throws {
        let chunks = try total(.chunks, "first", device, readsBodies)
        let tail = try total(.tail, "position", device, readsBodies)
        let entry = entries[device] ?? DeviceEntry()
        guard chunks.rows == entry.chunks else {
            throw CacheError.corrupt("a chunk of device \(device) is missing or not its own")
        }
        guard tail.rows == entry.tail, tail.messageCount == entry.tailMessageCount else {
            throw CacheError.corrupt("a batch of device \(device) is missing or not its own")
        }
    }

    private func total(
        _ table: CacheTable, _ key: String, _ device: DeviceID, _ readsBodies: Bool
    ) throws -> (rows: RowTotal, messageCount: Int64) {
        var total = RowTotal()
        var messageCount: Int64 = 0
        let statement = try statement(
            """
            SELECT \(key), first, last, count, body, crc, device\(readsBodies ? ", data" : "") FROM \(table)
            WHERE device = ? ORDER BY \(key)
            """, device.rawValue)
        try statement.forEachRow { row in
            let message = try MessageRow(row, table, device)
            try checkPlace(of: row, 6, device, in: table)
            if readsBodies { _ = try message.chunks(row, 7) }
            total.add(row.int64(5))
            messageCount += message.count
        }
        return (total, messageCount)
    }

    /// A search that goes upwards passes a key that is too small, and gives its row as one of the device's; one that
    /// goes downwards would end there.
    private func checkPlace(of row: Statement, _ column: Int32, _ device: DeviceID, in table: CacheTable) throws {
        guard row.int64(column) == device.rawValue else {
            throw CacheError.corrupt("a row of \(table) stands in the place of one of device \(device)")
        }
    }

    private func auditAssignments(_ device: DeviceID, _ readsBodies: Bool) throws {
        let held = try heldTotals(device)
        let states = try stateTotals(device, readsBodies)
        let assignments = entries[device]?.assignments ?? AssignmentEntries()
        for calculator in Set(assignments.calculators).union(held.keys).union(states.keys) {
            let entry = assignments[calculator] ?? AssignmentEntry()
            guard held[calculator] ?? RowTotal() == entry.held, states[calculator] ?? RowTotal() == entry.states else {
                throw CacheError.corrupt(
                    "a row of calculator \(calculator) on device \(device) is missing or not its own")
            }
        }
    }

    private func heldTotals(_ device: DeviceID) throws -> [CalculatorID: RowTotal] {
        var totals: [CalculatorID: RowTotal] = [:]
        let statement = try statement(
            """
            SELECT calculator, id, first_on, begin, "end", is_active, digest, crc, device FROM held WHERE device = ?
            """, device.rawValue)
        try statement.forEachRow { row in
            try checkPlace(of: row, 8, device, in: .held)
            let calculator = CalculatorID(row.int64(0))
            _ = try HeldInterval(row, of: AssignmentKey(calculator: calculator, device: device))
            totals[calculator, default: RowTotal()].add(row.int64(7))
        }
        return totals
    }

    private func stateTotals(_ device: DeviceID, _ readsBodies: Bool) throws -> [CalculatorID: RowTotal] {
        var totals: [CalculatorID: RowTotal] = [:]
        let statement = try statement(
            """
            SELECT calculator, moment, pending_from, is_last, count, body, crc, device\(readsBodies ? ", data" : "")
            FROM states WHERE device = ?
            """, device.rawValue)
        try statement.forEachRow { row in
            let state = try StateRow(row, of: device)
            try checkPlace(of: row, 7, device, in: .states)
            if readsBodies { _ = try state.state(row, 8) }
            totals[state.key.calculator, default: RowTotal()].add(row.int64(6))
        }
        return totals
    }
}
