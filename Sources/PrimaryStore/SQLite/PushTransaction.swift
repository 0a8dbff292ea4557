import SQLiteClient
import Telemetry

/// Applies one push as a part of a group of writes: fence, comparison with the rows held, intervals, feed, marks, job.
struct PushTransaction {
    private let push: Push
    private let connection: Connection
    private var lastIntervalID: Int64
    private var totals: AssignmentTotals
    /// Whether the assignment never had an interval, so that none needs to be looked for.
    private let isFresh: Bool
    /// Whether any interval of the assignment has custom fields; nil until it must be known.
    private var knownHasFields: Bool?
    /// The ids that an upsert of this push stands for; two upserts must not mean one interval.
    private var claimed: Set<Int64> = []
    /// Whether a row was written anew of which the feed tells nothing.
    private var hasQuietChange = false
    /// The first ON messages that intervals of this push have moved to.
    private var movedTo: [Timestamp] = []
    /// Rows that the next upserts are about, the last one first.
    private var rowsAhead: [Existing] = []
    /// What happened, in the order of the upserts, for the feed.
    private var changes: [ChangeOperation: [FeedEntry]] = [:]

    private struct FeedEntry {
        var id: Int64
        var begin: Timestamp
        var end: Timestamp
        var json: [UInt8]?
    }

    /// What the store holds of an interval that a push wants to be otherwise.
    private struct Existing {
        var held: HeldInterval
        var details: IntervalDetails
        /// Its text, read where it is to be kept; nil elsewhere.
        var text: [UInt8]?
    }

    /// The fence is made where the push is asked for.
    static func apply(_ push: Push, _ fence: Fence, in writer: Writer) throws -> PushReceipt {
        try writer.check(fence)
        let assignment = try currentAssignment(push, writer.connection)
        var transaction = PushTransaction(push, writer, assignment)
        try transaction.applyDeletes()
        let ids = try transaction.applyUpserts()
        let rows = transaction.feedRows()
        if !rows.isEmpty { try writer.appendFeed(push.slot, rows) }
        // What the feed does not tell, such as a revision alone, changes what is read all the same.
        if transaction.hasQuietChange { writer.changedAssignments.insert(push.key) }
        try transaction.writeMarks(assignment)
        let receipt = transaction.receipt(ids, try writer.slot(push.slot).revision)
        try transaction.writeJob(receipt)
        return receipt
    }

    private init(_ push: Push, _ writer: Writer, _ assignment: AssignmentRow) {
        self.push = push
        connection = writer.connection
        knownHasFields = writer.state.hasIntervalFields ? nil : false
        lastIntervalID = assignment.record.marks.lastIntervalID
        totals = assignment.totals
        isFresh = lastIntervalID == 0
    }

    /// The assignment, if it is still the one that the job ran for.
    private static func currentAssignment(_ push: Push, _ connection: Connection) throws -> AssignmentRow {
        guard let assignment = try RegistryTables.findAssignmentRow(connection, push.key) else {
            throw StoreError.stale(push.key, reason: "not assigned any more")
        }
        let statement = try connection.statement("SELECT revision FROM calcs WHERE id = ?")
        try statement.bind(1, push.key.calculator.rawValue)
        let revision = try statement.first { $0.int64(0) }
        let position = assignment.record.marks.logPosition
        if let base = push.basePosition, base != position {
            throw StoreError.stale(push.key, reason: "its marks are at \(position), not at \(base)")
        }
        guard revision == push.calculatorRevision else {
            throw StoreError.stale(
                push.key, reason: "calculator revision \(push.calculatorRevision), now \(revision ?? 0)")
        }
        return assignment
    }

    private mutating func note(_ operation: ChangeOperation, _ entry: FeedEntry) {
        changes[operation, default: []].append(entry)
    }
}

// MARK: - Intervals

extension PushTransaction {
    /// An interval that is gone already is none to delete.
    private mutating func applyDeletes() throws {
        for id in push.deletes where !isFresh {
            let found = try IntervalTable.find(connection, push.key, id: id) { held, row in
                (held, IntervalText(bytes: row.bytes(IntervalTable.textColumn), details: IntervalTable.details(row)))
            }
            guard let (held, text) = found else { continue }
            try VersionTable.keep(connection, push.key, held, text, until: push.timestamp, &totals.versions)
            try IntervalTable.delete(
                connection, push.key, held, checksum: text.details.checksum, &totals.intervals)
            if try hasFields() { try FieldsTable.delete(connection, push.key, id: id, &totals.fields) }
            note(.deleted, FeedEntry(id: id, begin: held.begin, end: held.end, json: text.bytes))
        }
    }

    /// Those with ids first: they may move off the first ON message that a new one takes over.
    private mutating func applyUpserts() throws -> [Int64] {
        var ids = [Int64](repeating: 0, count: push.upserts.count)
        for (index, write) in push.upserts.enumerated() {
            guard let id = write.id else { continue }
            guard let existing = try existing(index, id: id) else {
                throw StoreError.stale(push.key, reason: "interval \(id) is not held")
            }
            try claim(id)
            try apply(write, to: existing)
            if existing.held.firstOn != write.firstOn { movedTo.append(write.firstOn) }
            ids[index] = id
        }
        for (index, write) in push.upserts.enumerated() where write.id == nil {
            ids[index] = try applyWithoutID(write)
        }
        try checkFirstOn()
        return ids
    }

    private mutating func applyWithoutID(_ write: IntervalWrite) throws -> Int64 {
        if let existing = try existing(write) {
            try claim(existing.held.id)
            try apply(write, to: existing)
            return existing.held.id
        }
        lastIntervalID += 1
        try claim(lastIntervalID)
        let entry = FeedEntry(id: lastIntervalID, begin: write.begin, end: write.end)
        try IntervalTable.insert(
            connection, push.key, held(write, id: lastIntervalID), render(write, id: lastIntervalID),
            &totals.intervals)
        note(.created, entry)
        if write.isActive { note(.activated, entry) }
        return lastIntervalID
    }

    private mutating func apply(_ write: IntervalWrite, to existing: Existing) throws {
        let old = existing.held
        var new = held(write, id: old.id)
        guard new != old || revision(of: write) != existing.details.revision else { return }
        let isUpdated = write.changes(old)
        let entry = FeedEntry(id: new.id, begin: new.begin, end: new.end)
        if isUpdated {
            if !old.isActive { try keepVersion(existing) }
            let text = try text(write, over: existing)
            try IntervalTable.replace(
                connection, push.key, old, checksum: existing.details.checksum, new, text, &totals.intervals)
            note(.updated, entry)
        } else {
            // Only flags, the revision or the first ON message differ: the text and its timestamp stay as they are.
            new.digest = old.digest
            try keepText(existing, new, revision: revision(of: write))
        }
        if new.isActive != old.isActive { note(new.isActive ? .activated : .deactivated, entry) }
    }

    private mutating func claim(_ id: Int64) throws {
        guard claimed.insert(id).inserted else {
            throw StoreError.invalid("a push writes interval \(id) twice")
        }
    }

    /// Refuses a push that leaves two intervals with one first ON message: one that kept its own, or was found by it,
    /// shares it only with one that moved there.
    private func checkFirstOn() throws {
        let firsts = Set(push.upserts.lazy.map(\.firstOn))
        if firsts.count != push.upserts.count {
            var seen: Set<Timestamp> = []
            for write in push.upserts where !seen.insert(write.firstOn).inserted { throw twice(write.firstOn) }
        }
        let statement = try connection.statement(
            "SELECT COUNT(*) FROM intervals WHERE calc = ? AND device = ? AND first_on = ?")
        try IntervalTable.bind(statement, push.key)
        for firstOn in movedTo {
            try statement.bind(3, firstOn.microseconds)
            guard try statement.first({ $0.int64(0) }) == 1 else { throw twice(firstOn) }
        }
    }

    private func twice(_ firstOn: Timestamp) -> StoreError {
        .invalid("a push leaves two intervals with the first message \(firstOn.microseconds)")
    }

    private func held(_ write: IntervalWrite, id: Int64) -> HeldInterval {
        HeldInterval(
            id: id, firstOn: write.firstOn, begin: write.begin, end: write.end, isActive: write.isActive,
            digest: write.digest)
    }

    /// So many rows are read at one time, and no more once their texts have so many bytes.
    private static let rowsAheadMax = 256
    private static let bytesAheadMax = 1 << 20

    /// Most keep their first ON message, and often those that follow one another change together: they are read in one
    /// run. No upsert changes the row of another, so that what was read ahead stays true.
    private mutating func existing(_ index: Int, id: Int64) throws -> Existing? {
        let write = push.upserts[index]
        if rowsAhead.isEmpty { try readAhead(from: index) }
        if let next = rowsAhead.last, next.held.id == id, next.held.firstOn == write.firstOn {
            return rowsAhead.removeLast()
        }
        return try IntervalTable.find(connection, push.key, id: id, existing(write))
    }

    /// Reads the rows of the upserts from one on, for as long as the table has the same ones in the same order.
    private mutating func readAhead(from first: Int) throws {
        var next = push.upserts[first...].lazy.filter { $0.id != nil }.makeIterator()
        var rows: [Existing] = []
        var byteCount = 0
        var write = next.next()
        try IntervalTable.forEach(
            connection, push.key, from: push.upserts[first].firstOn,
            while: { firstOn, id in write?.firstOn == firstOn && write?.id == id },
            { held, row in
                if let write { rows.append(existing(write)(held, row)) }
                byteCount += rows.last?.text?.count ?? 0
                write = next.next()
                return write != nil && rows.count < Self.rowsAheadMax && byteCount < Self.bytesAheadMax
            })
        rowsAhead = rows.reversed()
    }

    private func existing(_ write: IntervalWrite) throws -> Existing? {
        isFresh ? nil : try IntervalTable.find(connection, push.key, firstOn: write.firstOn, existing(write))
    }

    private func existing(_ write: IntervalWrite) -> (HeldInterval, Statement) -> Existing {
        { held, row in
            let isKept = !held.isActive && write.changes(held)
            return Existing(
                held: held, details: IntervalTable.details(row),
                text: isKept ? row.bytes(IntervalTable.textColumn) : nil)
        }
    }
}

extension IntervalWrite {
    /// Whether an interval has another text or range than what is held.
    fileprivate func changes(_ held: HeldInterval) -> Bool {
        digest != held.digest || begin != held.begin || end != held.end
    }
}

// MARK: - Texts

extension PushTransaction {
    private func render(_ write: IntervalWrite, id: Int64) -> IntervalText {
        var writer = JSONWriter(capacity: write.head.count + write.tail.count + 56)
        writer.write(raw: write.head)
        writer.write(literal: ",\"id\":")
        writer.write(integer: id)
        writer.write(literal: ",\"timestamp\":")
        writer.write(push.timestamp)
        writer.write(raw: write.tail)
        let details = IntervalDetails(
            timestamp: push.timestamp, since: push.timestamp, headCount: write.head.count,
            revision: revision(of: write))
        return IntervalText(bytes: writer.bytes, details: details)
    }

    /// The text of an interval that was there: its custom fields stay, and so does the moment from which it answers
    /// if what it had is not kept.
    private mutating func text(_ write: IntervalWrite, over existing: Existing) throws -> IntervalText {
        var text = render(write, id: existing.held.id)
        if existing.held.isActive { text.details.since = existing.details.since }
        guard try hasFields() else { return text }
        let fields = try FieldsTable.find(connection, push.key, id: existing.held.id)
        return fields?.appended(to: text) ?? text
    }

    private mutating func hasFields() throws -> Bool {
        if let knownHasFields { return knownHasFields }
        let isFound = try FieldsTable.hasAny(connection, push.key)
        knownHasFields = isFound
        return isFound
    }

    private func revision(of write: IntervalWrite) -> Int64 { write.calculatorRevision ?? push.calculatorRevision }

    private mutating func keepVersion(_ existing: Existing) throws {
        let text = try storedText(existing)
        try VersionTable.keep(connection, push.key, existing.held, text, until: push.timestamp, &totals.versions)
    }

    private mutating func keepText(_ existing: Existing, _ new: HeldInterval, revision: Int64) throws {
        var text = try storedText(existing)
        text.details.revision = revision
        hasQuietChange = true
        try IntervalTable.replace(
            connection, push.key, existing.held, checksum: existing.details.checksum, new, text, &totals.intervals)
    }

    private func storedText(_ existing: Existing) throws -> IntervalText {
        let bytes =
            try existing.text
            ?? IntervalTable.find(connection, push.key, id: existing.held.id) { _, row in
                row.bytes(IntervalTable.textColumn)
            }
        return IntervalText(bytes: bytes ?? [], details: existing.details)
    }
}

// MARK: - Feed, marks, ledger

extension PushTransaction {
    /// The feed rows, operation by operation.
    private func feedRows() -> [FeedRow] {
        ChangeOperation.allCases.flatMap { operation in
            (changes[operation] ?? []).map { entry in
                FeedRow(
                    slot: push.slot, revision: 0, operation: operation, key: push.key, id: entry.id,
                    begin: entry.begin, end: entry.end, timestamp: push.timestamp, json: entry.json)
            }
        }
    }

    /// The horizon is moved by expiries alone.
    private func writeMarks(_ assignment: AssignmentRow) throws {
        var row = assignment
        row.record.marks = push.marks
        row.record.marks.lastIntervalID = lastIntervalID
        row.record.marks.horizon = assignment.record.marks.horizon
        row.totals = totals
        if row != assignment { try RegistryTables.write(connection, row) }
    }

    private func receipt(_ ids: [Int64], _ revision: Int64) -> PushReceipt {
        PushReceipt(
            ids: ids, createdCount: changes[.created]?.count ?? 0, updatedCount: changes[.updated]?.count ?? 0,
            deletedCount: changes[.deleted]?.count ?? 0, slotRevision: revision)
    }

    private func writeJob(_ receipt: PushReceipt) throws {
        guard var job = push.job else { return }
        job.createdCount = receipt.createdCount
        job.updatedCount = receipt.updatedCount
        job.deletedCount = receipt.deletedCount
        _ = try JobTable.append(connection, job)
    }
}
