import SQLiteClient
import Telemetry

/// What the cache knows of an assignment.
package struct CachedAssignment: Sendable, Hashable {
    package var key: AssignmentKey
    package var calculatorRevision: Int64
    /// A digest of the device's facts and metadata, as far as the calculator may read them.
    package var deviceDigest: UInt64
    /// A digest of the geofences that the calculator looks at; 0 if it looks at none.
    package var geofenceDigest: UInt64
    /// The log position that its intervals take into account.
    package var applied: Int64
    /// When time alone changes its open interval.
    package var timer: Timestamp?
    /// Whether its intervals have been calculated once from all messages.
    package var isCalculated: Bool

    package init(
        key: AssignmentKey, calculatorRevision: Int64, deviceDigest: UInt64, geofenceDigest: UInt64 = 0,
        applied: Int64, timer: Timestamp?, isCalculated: Bool
    ) {
        self.key = key
        self.calculatorRevision = calculatorRevision
        self.deviceDigest = deviceDigest
        self.geofenceDigest = geofenceDigest
        self.applied = applied
        self.timer = timer
        self.isCalculated = isCalculated
    }
}

/// "This range of this assignment must be calculated again", with its cause.
package struct Invalidation: Sendable, Hashable {
    package var range: TimeRange
    /// When the first change in it came.
    package var since: Timestamp
    /// When it is to be calculated.
    package var due: Timestamp
    package var cause: String

    package init(range: TimeRange, since: Timestamp, due: Timestamp, cause: String) {
        self.range = range
        self.since = since
        self.due = due
        self.cause = cause
    }
}

extension Invalidation {
    fileprivate func write(to writer: inout ByteWriter) {
        for moment in [range.lower, range.upper, since, due] { writer.write(fixed: moment.microseconds) }
        writer.write(cause)
    }

    fileprivate init(from reader: inout ByteReader) throws(MalformedBytes) {
        var moments: [Timestamp] = []
        for _ in 0..<4 { moments.append(Timestamp(microseconds: try reader.readFixed(Int64.self))) }
        self.init(
            range: TimeRange(lower: moments[0], upper: moments[1]), since: moments[2], due: moments[3],
            cause: try reader.readString())
    }
}

/// A saved state of an evaluation: after all messages up to `moment`.
package struct SavedState: Sendable, Hashable {
    package var moment: Timestamp
    /// The first message of the earliest interval that was not settled; nil if all were.
    package var pendingFrom: Timestamp?
    /// Whether it stood at the end of the data, so that the next one may take its place.
    package var isLast: Bool
    /// The messages between the state before and this one.
    package var count: Int
    package var bytes: [UInt8]

    package init(moment: Timestamp, pendingFrom: Timestamp?, isLast: Bool, count: Int, bytes: [UInt8]) {
        self.moment = moment
        self.pendingFrom = pendingFrom
        self.isLast = isLast
        self.count = count
        self.bytes = bytes
    }
}

extension WorkerCache {
    package func assignments() throws(CacheError) -> [CachedAssignment] {
        try read(
            """
            SELECT device, calculator, calculator_revision, device_digest, geofence_digest, applied, timer,
            is_calculated FROM assignments
            """
        ) { row in
            CachedAssignment(
                key: AssignmentKey(calculator: CalculatorID(row.int64(1)), device: DeviceID(row.int64(0))),
                calculatorRevision: row.int64(2), deviceDigest: UInt64(bitPattern: row.int64(3)),
                geofenceDigest: UInt64(bitPattern: row.int64(4)), applied: row.int64(5),
                timer: row.optionalInt64(6).map { Timestamp(microseconds: $0) }, isCalculated: row.bool(7))
        }
    }

    package func setAssignment(_ assignment: CachedAssignment) throws(CacheError) {
        try run(
            "INSERT OR REPLACE INTO assignments VALUES (?, ?, ?, ?, ?, ?, ?, ?)", assignment.key.device.rawValue,
            assignment.key.calculator.rawValue, assignment.calculatorRevision,
            Int64(bitPattern: assignment.deviceDigest), Int64(bitPattern: assignment.geofenceDigest),
            assignment.applied, assignment.timer?.microseconds,
            assignment.isCalculated)
    }

    package func removeAssignment(_ key: AssignmentKey) throws(CacheError) {
        for table in ["assignments", "invalidations", "held", "states"] {
            try run(
                "DELETE FROM \(table) WHERE device = ? AND calculator = ?", key.device.rawValue, key.calculator.rawValue
            )
        }
    }

    package func invalidations() throws(CacheError) -> [(key: AssignmentKey, pending: [Invalidation])] {
        try read("SELECT device, calculator, data FROM invalidations") { row in
            let key = AssignmentKey(calculator: CalculatorID(row.int64(1)), device: DeviceID(row.int64(0)))
            var reader = ByteReader(row.bytes(2))
            var pending: [Invalidation] = []
            while !reader.isAtEnd { pending.append(try Invalidation(from: &reader)) }
            return (key, pending)
        }
    }

    /// Replaces what is pending for an assignment.
    package func setInvalidations(_ key: AssignmentKey, _ pending: [Invalidation]) throws(CacheError) {
        var writer = ByteWriter()
        for invalidation in pending { invalidation.write(to: &writer) }
        let sql =
            pending.isEmpty
            ? "DELETE FROM invalidations WHERE device = ?1 AND calculator = ?2 AND ?3 IS NOT NULL"
            : "INSERT OR REPLACE INTO invalidations VALUES (?1, ?2, ?3)"
        try run(sql, key.device.rawValue, key.calculator.rawValue, writer.bytes)
    }

    /// The intervals held whose first message lies in a range, in order.
    package func held(_ key: AssignmentKey, firstOnIn range: TimeRange) throws(CacheError) -> [HeldInterval] {
        try read(
            """
            SELECT id, first_on, begin, "end", is_active, digest FROM held
            WHERE device = ? AND calculator = ? AND first_on >= ? AND first_on < ? ORDER BY first_on
            """, key.device.rawValue, key.calculator.rawValue, range.lower.microseconds, range.upper.microseconds
        ) { row in
            HeldInterval(
                id: row.int64(0), firstOn: Timestamp(microseconds: row.int64(1)),
                begin: Timestamp(microseconds: row.int64(2)), end: Timestamp(microseconds: row.int64(3)),
                isActive: row.bool(4), digest: UInt64(bitPattern: row.int64(5)))
        }
    }

    package func removeHeld(_ key: AssignmentKey, firstOn: Timestamp) throws(CacheError) {
        try run(
            "DELETE FROM held WHERE device = ? AND calculator = ? AND first_on = ?", key.device.rawValue,
            key.calculator.rawValue, firstOn.microseconds)
    }

    package func removeAllHeld(_ key: AssignmentKey) throws(CacheError) {
        try run("DELETE FROM held WHERE device = ? AND calculator = ?", key.device.rawValue, key.calculator.rawValue)
    }

    package func setHeld(_ key: AssignmentKey, _ interval: HeldInterval) throws(CacheError) {
        try run(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?)", key.device.rawValue, key.calculator.rawValue,
            interval.firstOn.microseconds, interval.id, interval.begin.microseconds, interval.end.microseconds,
            interval.isActive, Int64(bitPattern: interval.digest))
    }
}

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
        try run(
            "INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?, ?, ?)", key.device.rawValue, key.calculator.rawValue,
            state.moment.microseconds, state.pendingFrom?.microseconds, state.isLast, state.count, state.bytes)
    }

    /// Forgets the states in a range of moments.
    package func removeStates(_ key: AssignmentKey, in range: TimeRange) throws(CacheError) {
        try run(
            "DELETE FROM states WHERE device = ? AND calculator = ? AND moment >= ? AND moment < ?",
            key.device.rawValue,
            key.calculator.rawValue, range.lower.microseconds, range.upper.microseconds)
    }

    private func states(_ key: AssignmentKey, _ condition: String, _ moment: Timestamp) throws(CacheError)
        -> [SavedState]
    {
        try read(
            """
            SELECT moment, pending_from, is_last, count, data FROM states
            WHERE device = ? AND calculator = ? AND \(condition)
            """, key.device.rawValue, key.calculator.rawValue, moment.microseconds
        ) { row in
            SavedState(
                moment: Timestamp(microseconds: row.int64(0)),
                pendingFrom: row.optionalInt64(1).map { Timestamp(microseconds: $0) }, isLast: row.bool(2),
                count: Int(row.int64(3)), bytes: row.bytes(4))
        }
    }
}
