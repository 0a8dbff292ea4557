import PrimaryStore
import Telemetry

/// The change feed of one slot from its first row on, applied to an empty table of intervals.
struct FeedReplay {
    /// Rows read in one transaction.
    static let pageRowsMax = 10_000
    /// After so many damaged rows the rest of a feed is not read.
    static let corruptMax = 1_000

    private struct Borders: Equatable {
        var begin: Timestamp
        var end: Timestamp
    }

    let slot: Slot
    private(set) var rowCount = 0
    /// Rows whose bytes are not what was written.
    private(set) var corrupt: [String] = []
    private var revision: Int64 = 0
    private var table: [AssignmentKey: [Int64: Borders]] = [:]
    private var lastIDs: [AssignmentKey: Int64] = [:]

    init(_ slot: Slot) { self.slot = slot }

    /// The assignments that have intervals by it.
    var keys: Set<AssignmentKey> { Set(table.filter { !$0.value.isEmpty }.keys) }

    /// Applies the rows behind those that have been read.
    mutating func read(_ store: any PrimaryStore) throws(StoreError) {
        while true {
            let rows: [FeedRow]
            do {
                rows = try store.changes(slot: slot, after: revision, countMax: Self.pageRowsMax, withBodies: false)
            } catch StoreError.corrupt {
                guard try readPastCorrupt(store) else { return }
                continue
            }
            for row in rows { apply(row) }
            guard rows.count == Self.pageRowsMax else { return }
        }
    }

    /// Goes on row by row up to the damaged one, and over it; false if it is no row that is damaged but all of the
    /// feed.
    private mutating func readPastCorrupt(_ store: any PrimaryStore) throws(StoreError) -> Bool {
        while true {
            do {
                guard let row = try store.changes(slot: slot, after: revision, countMax: 1, withBodies: false).first
                else { return true }
                apply(row)
            } catch StoreError.corrupt(let what) {
                guard what != corrupt.last, corrupt.count < Self.corruptMax else { return false }
                corrupt.append(what)
                revision += 1
                return true
            }
        }
    }

    private mutating func apply(_ row: FeedRow) {
        rowCount += 1
        revision = row.revision
        lastIDs[row.key] = max(lastIDs[row.key] ?? 0, row.id)
        if row.operation == .deleted {
            table[row.key]?[row.id] = nil
        } else {
            table[row.key, default: [:]][row.id] = Borders(begin: row.begin, end: row.end)
        }
    }

    /// What the table of an assignment lacks, has too much or has otherwise.
    func findings(_ key: AssignmentKey, held: [HeldInterval], lastID: Int64) -> [VerificationFinding] {
        let told = table[key] ?? [:]
        var findings: [VerificationFinding] = []
        func note(_ id: Int64, _ text: String) {
            var finding = VerificationFinding(.feed, key, text: text)
            finding.id = id
            findings.append(finding)
        }
        for interval in held {
            switch told[interval.id] {
            case nil: note(interval.id, "the interval is stored and the feed does not tell of it")
            case .some(Borders(begin: interval.begin, end: interval.end)): break
            case .some: note(interval.id, "the feed tells other borders of the interval than are stored")
            }
            if interval.id > lastID { note(interval.id, "the id is above the last one given, \(lastID)") }
        }
        let present = Set(held.map(\.id))
        for id in told.keys.sorted() where !present.contains(id) {
            note(id, "the feed tells of the interval and it is not stored")
        }
        if let last = lastIDs[key], last > lastID, !held.contains(where: { $0.id == last }) {
            note(last, "the id is above the last one given, \(lastID)")
        }
        return findings
    }
}
