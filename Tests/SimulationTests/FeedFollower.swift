import PrimaryStore
import Telemetry

/// A reader of the change feed as a publisher is one: it reads when it is told that there is something new, and
/// remembers every row.
///
/// Unchecked: it is told on the store's own thread while the test's thread waits for the store.
final class FeedFollower: @unchecked Sendable {
    private weak var store: SQLitePrimaryStore?
    private(set) var rows: [Slot: [FeedRow]] = [:]
    /// Slots whose rows could not be read when there was something to read.
    private var missed: SlotSet = []

    /// Follows a store that has been opened, also again.
    func follow(_ store: SQLitePrimaryStore) {
        self.store = store
        store.addCommitObserver { [weak self] notice in
            if let self { for slot in notice.changedSlots.slots { self.read(slot) } }
        }
        // What came while it could not be told.
        guard let revisions = try? store.slotRevisions() else { return missed = .all }
        for (slot, revision) in zip(SlotSet.all.slots, revisions) where revision > (rows[slot]?.last?.revision ?? 0) {
            read(slot)
        }
    }

    private func read(_ slot: Slot) {
        guard let store else { return }
        do {
            let after = rows[slot]?.last?.revision ?? 0
            rows[slot, default: []] += try store.changes(slot: slot, after: after, countMax: 100_000, withBodies: false)
        } catch { missed.insert(slot) }
    }

    /// Reads what it was told of and could not read.
    func catchUp(_ store: SQLitePrimaryStore) {
        self.store = store
        let again = missed
        missed = []
        for slot in again.slots { read(slot) }
    }

    /// Why the feed from its first row on is not what has been seen of it; nil if it is. Only rows that were superseded
    /// before a moment may be gone.
    func vanished(in store: SQLitePrimaryStore, supersededBefore moment: Timestamp) throws -> String? {
        for (slot, seen) in rows.sorted(by: { $0.key < $1.key }) {
            let now = try store.changes(slot: slot, after: 0, countMax: 1_000_000, withBodies: false)
            let present = Dictionary(now.map { ($0.revision, $0) }) { first, _ in first }
            var superseded: Set<Name> = []
            for row in seen.reversed() {
                let isOld = !superseded.insert(Name(key: row.key, id: row.id)).inserted && row.timestamp < moment
                guard present[row.revision] == row || present[row.revision] == nil && isOld else {
                    return "slot \(slot.rawValue): row \(row.revision), once seen, is gone or another"
                }
            }
            if missed.isEmpty, let last = now.last, last.revision != seen.last?.revision {
                return "slot \(slot.rawValue): row \(last.revision) was never told of"
            }
        }
        return nil
    }

    private struct Name: Hashable {
        var key: AssignmentKey
        var id: Int64
    }

    /// The intervals by what it has read.
    func table() -> [AssignmentKey: [Int64: TimeRange]] {
        var table: [AssignmentKey: [Int64: TimeRange]] = [:]
        for (_, rows) in rows {
            for row in rows {
                let range = TimeRange(lower: row.begin, upper: row.end)
                table[row.key, default: [:]][row.id] = row.operation == .deleted ? nil : range
            }
        }
        return table.filter { !$0.value.isEmpty }
    }
}
