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
            for calculator in entry.assignments.calculators {
                guard let assignment = entry.assignments[calculator], !assignment.pending.isEmpty else { continue }
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
            let statement = try connection.statement("INSERT INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            try bind(statement, key, interval, checksum)
            if try !insert(statement) {
                try removeHeld(key, firstOn: interval.firstOn)
                try statement.run()
            }
            try update(key) { $0.held.add(checksum) }
        }
    }
    /// Makes held intervals others: `replaced` holds pairs of what an interval was, as it is held, and what it is.
    package func changeHeld(
        _ key: AssignmentKey, removing removed: [HeldInterval],
        replacing replaced: [(old: HeldInterval, new: HeldInterval)],
        adding added: [HeldInterval]
    ) throws(CacheError) {
        try change {
            let moved = replaced.filter { $0.old.firstOn != $0.new.firstOn }
            for interval in removed + moved.map(\.old) { try removeHeld(key, firstOn: interval.firstOn) }
            try use(key.device)
            try update(key) { entry in
                for pair in replaced where pair.old.firstOn == pair.new.firstOn {
                    try replaceHeld(key, pair.old, pair.new, &entry.held)
                }
            }
            for interval in moved.map(\.new) + added { try setHeld(key, interval) }
        }
    }

    private func replaceHeld(
        _ key: AssignmentKey, _ old: HeldInterval, _ new: HeldInterval, _ total: inout RowTotal
    ) throws {
        let checksum = RowChecksum.held(key, new)
        let statement = try connection.statement(
            """
            UPDATE held SET id = ?4, begin = ?5, "end" = ?6, is_active = ?7, digest = ?8, crc = ?9
            WHERE device = ?1 AND calculator = ?2 AND first_on = ?3
            """)
        try bind(statement, key, new, checksum)
        try statement.run()
        guard connection.changeCount == 1 else {
            throw CacheError.corrupt("an interval of calculator \(key.calculator) on device \(key.device) is missing")
        }
        total.remove(RowChecksum.held(key, old))
        total.add(checksum)
    }

    private func bind(
        _ statement: Statement, _ key: AssignmentKey, _ interval: HeldInterval, _ checksum: Int64
    ) throws(SQLiteError) {
        try statement.bind(1, key.device.rawValue)
        try statement.bind(2, key.calculator.rawValue)
        try statement.bind(3, interval.firstOn.microseconds)
        try statement.bind(4, interval.id)
        try statement.bind(5, interval.begin.microseconds)
        try statement.bind(6, interval.end.microseconds)
        try statement.bind(7, Int64(interval.isActive ? 1 : 0))
        try statement.bind(8, Int64(bitPattern: interval.digest))
        try statement.bind(9, checksum)
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
