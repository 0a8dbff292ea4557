import MessageChunks
import SQLiteClient
import Telemetry

extension WorkerCache {
    package func assignments() throws(CacheError) -> [CachedAssignment] {
        try refresh()
        return entries.values.flatMap { $0.assignments.values.compactMap(\.cached) }.sorted { $0.key < $1.key }
    }

    package func setAssignment(_ assignment: CachedAssignment) throws(CacheError) {
        try change {
            try use(assignment.key.device)
            try update(assignment.key) { $0.cached = assignment }
        }
    }

    package func removeAssignment(_ key: AssignmentKey) throws(CacheError) {
        try change {
            try use(key.device)
            for table in ["held", "states"] {
                try run(
                    "DELETE FROM \(table) WHERE device = ? AND calculator = ?", key.device.rawValue,
                    key.calculator.rawValue)
            }
            // A blank one loses its row when the transaction ends.
            try update(key) { $0 = AssignmentEntry(written: $0.written, isChanged: true) }
        }
    }

    package func invalidations() throws(CacheError) -> [(key: AssignmentKey, pending: [Invalidation])] {
        try refresh()
        var all: [(key: AssignmentKey, pending: [Invalidation])] = []
        for (device, entry) in entries {
            for (calculator, assignment) in entry.assignments where !assignment.pending.isEmpty {
                do {
                    let key = AssignmentKey(calculator: calculator, device: device)
                    all.append((key, try Invalidation.decode(assignment.pending)))
                } catch { throw CacheError(error) }
            }
        }
        return all.sorted { $0.key < $1.key }
    }

    /// Replaces what is pending for an assignment.
    package func setInvalidations(_ key: AssignmentKey, _ pending: [Invalidation]) throws(CacheError) {
        try change {
            try use(key.device)
            let bytes = Invalidation.encode(pending)
            guard entries[key.device]?.assignments[key.calculator]?.pending ?? [] != bytes else { return }
            try update(key) { $0.pending = bytes }
        }
    }
}

// MARK: - Intervals held

extension WorkerCache {
    /// The intervals held whose first message lies in a range, in order.
    package func held(_ key: AssignmentKey, firstOnIn range: TimeRange) throws(CacheError) -> [HeldInterval] {
        try use(key.device)
        return try read(
            """
            SELECT calculator, id, first_on, begin, "end", is_active, digest, crc FROM held
            WHERE device = ? AND calculator = ? AND first_on >= ? AND first_on < ? ORDER BY first_on
            """, key.device.rawValue, key.calculator.rawValue, range.lower.microseconds, range.upper.microseconds
        ) { try HeldInterval($0, of: key) }
    }

    package func removeHeld(_ key: AssignmentKey, firstOn: Timestamp) throws(CacheError) {
        try change {
            try use(key.device)
            try update(key) { entry in
                try Deletion.interval.run(
                    connection, key.device.rawValue, key.calculator.rawValue, firstOn.microseconds, from: &entry.held)
            }
        }
    }

    package func removeAllHeld(_ key: AssignmentKey) throws(CacheError) {
        try change {
            try use(key.device)
            try update(key) { entry in
                try Deletion.intervals.run(
                    connection, key.device.rawValue, key.calculator.rawValue, from: &entry.held)
            }
        }
    }

    package func setHeld(_ key: AssignmentKey, _ interval: HeldInterval) throws(CacheError) {
        try change {
            try use(key.device)
            let checksum = RowChecksum.held(key, interval)
            let statement = try statement(
                "INSERT INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", key.device.rawValue, key.calculator.rawValue,
                interval.firstOn.microseconds, interval.id, interval.begin.microseconds, interval.end.microseconds,
                interval.isActive ? 1 : 0, Int64(bitPattern: interval.digest), checksum)
            if try !insert(statement) {
                try removeHeld(key, firstOn: interval.firstOn)
                try statement.run()
            }
            try update(key) { $0.held.add(checksum) }
        }
    }
}

extension HeldInterval {
    /// Reads a row, from its calculator to its checksum, and compares the last with the others.
    init(_ row: Statement, of key: AssignmentKey) throws(CacheError) {
        self.init(
            id: row.int64(1), firstOn: Timestamp(microseconds: row.int64(2)),
            begin: Timestamp(microseconds: row.int64(3)), end: Timestamp(microseconds: row.int64(4)),
            isActive: row.bool(5), digest: UInt64(bitPattern: row.int64(6)))
        guard RowChecksum.held(key, self) == row.int64(7) else {
            throw .corrupt("an interval of calculator \(key.calculator) on device \(key.device)")
        }
    }
}

// MARK: - States

extension WorkerCache {
    /// The last state saved before a moment.
    package func state(_ key: AssignmentKey, before moment: Timestamp) throws(CacheError) -> SavedState? {
        try states(key, "moment < ? ORDER BY moment DESC LIMIT 1", moment).first
    }

    /// The first state saved at or after a moment.
    package func state(_ key: AssignmentKey, atOrAfter moment: Timestamp) throws(CacheError) -> SavedState? {
        try states(key, "moment >= ? ORDER BY moment LIMIT 1", moment).first
    }

    package func setState(_ key: AssignmentKey, _ state: SavedState) throws(CacheError) {
        try change {
            try use(key.device)
            let row = StateRow(key, state)
            let statement = try row.bind(
                to: connection.statement("INSERT INTO states VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"))
            try statement.bind(9, state.bytes)
            if try !insert(statement) {
                try removeStates(key, from: row.moment, to: row.moment + 1)
                try statement.run()
            }
            try update(key) { $0.states.add(row.checksum) }
        }
    }

    /// Forgets the states in a range of moments.
    package func removeStates(_ key: AssignmentKey, in range: TimeRange) throws(CacheError) {
        try change {
            try use(key.device)
            try removeStates(key, from: range.lower.microseconds, to: range.upper.microseconds)
        }
    }

    private func removeStates(_ key: AssignmentKey, from lower: Int64, to upper: Int64) throws {
        try update(key) { entry in
            try Deletion.states.run(
                connection, key.device.rawValue, key.calculator.rawValue, lower, upper, from: &entry.states)
        }
    }

    private func states(_ key: AssignmentKey, _ condition: String, _ moment: Timestamp) throws(CacheError)
        -> [SavedState]
    {
        try use(key.device)
        return try read(
            """
            SELECT calculator, moment, pending_from, is_last, count, body, crc, data FROM states
            WHERE device = ? AND calculator = ? AND \(condition)
            """, key.device.rawValue, key.calculator.rawValue, moment.microseconds
        ) { try StateRow($0, of: key.device).state($0, 7) }
    }
}
