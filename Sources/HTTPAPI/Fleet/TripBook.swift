import PrimaryStore
import Synchronization
import Telemetry

/// The trips of all vehicles in memory, brought up to date by the change feed whenever somebody asks.
///
/// What the dashboard's filters offer counts every trip there is, so reading them anew for each answer would cost more
/// than all the rest. What goes beyond the bound is read anew all the same.
final class TripBook: Sendable {
    private struct Held: Sendable {
        var columns: TripColumns
        /// In the order of begin and id.
        var trips: [Trip]
    }

    private struct State {
        var held: [AssignmentKey: Held] = [:]
        var count = 0
        /// How far the feed of each slot has been followed.
        var revisions: [Slot: Int64] = [:]
    }

    /// Rows of the feed that are read at once.
    private static let rowsMax = 5_000
    /// With more intervals of an assignment changed it is read as a whole.
    private static let changesMax = 500

    private let store: any PrimaryStore
    private let tripsMax: Int
    private let state = Mutex(State())

    init(store: any PrimaryStore, tripsMax: Int) {
        self.store = store
        self.tripsMax = tripsMax
    }

    /// How many trips are held.
    var count: Int { state.withLock { $0.count } }

    /// The trips of each source, in the order of begin and id.
    func trips(of sources: [TripSources.Source]) throws(StoreError) -> [[Trip]] {
        let result = state.withLock { state in
            Result { () throws(StoreError) in
                forget(&state, allBut: sources)
                try follow(&state)
                var trips: [[Trip]] = []
                trips.reserveCapacity(sources.count)
                for source in sources { trips.append(try self.trips(of: source, &state)) }
                return trips
            }
        }
        return try result.get()
    }

    private func trips(of source: TripSources.Source, _ state: inout State) throws(StoreError) -> [Trip] {
        if let held = state.held[source.key] { return held.trips }
        let trips = try store.intervals(source.key, IntervalQuery()).compactMap { Trip($0, source.columns) }.inOrder
        if state.count + trips.count <= tripsMax {
            state.held[source.key] = Held(columns: source.columns, trips: trips)
            state.count += trips.count
        }
        return trips
    }

    /// Lets go of what is no source any more, or is read otherwise now.
    private func forget(_ state: inout State, allBut sources: [TripSources.Source]) {
        let columns = Dictionary(sources.map { ($0.key, $0.columns) }, uniquingKeysWith: { first, _ in first })
        for (key, held) in state.held where columns[key] != held.columns { drop(key, &state) }
    }

    private func drop(_ key: AssignmentKey, _ state: inout State) {
        state.count -= state.held.removeValue(forKey: key)?.trips.count ?? 0
    }

    /// Applies what the feeds of all slots tell since the last time.
    private func follow(_ state: inout State) throws(StoreError) {
        let revisions = try store.slotRevisions()
        for (number, revision) in revisions.enumerated() {
            let slot = Slot(rawValue: UInt8(number))
            let known = state.revisions[slot] ?? 0
            guard revision != known else { continue }
            if state.held.keys.contains(where: { Slot(device: $0.device) == slot }) {
                try follow(&state, slot, after: known)
            }
            // Intervals that are read from here on are at least as new.
            state.revisions[slot] = max(state.revisions[slot] ?? 0, revision)
        }
    }

    private func follow(_ state: inout State, _ slot: Slot, after known: Int64) throws(StoreError) {
        let rows: [FeedRow]
        do throws(StoreError) {
            rows = try store.changes(slot: slot, after: known, countMax: Self.rowsMax, withBodies: false)
        } catch .cursorTooOld {
            return dropAll(of: slot, &state)
        }
        guard rows.count < Self.rowsMax else { return dropAll(of: slot, &state) }
        var changed: [AssignmentKey: Set<Int64>] = [:]
        for row in rows where state.held[row.key] != nil { changed[row.key, default: []].insert(row.id) }
        for (key, ids) in changed {
            guard ids.count <= Self.changesMax, var held = state.held[key] else {
                drop(key, &state)
                continue
            }
            let present = try store.intervals(key, IntervalQuery(ids: ids.sorted()))
            state.count -= held.trips.count
            held.trips.removeAll { ids.contains($0.interval) }
            held.trips = (held.trips + present.compactMap { Trip($0, held.columns) }).inOrder
            state.count += held.trips.count
            state.held[key] = held
        }
        state.revisions[slot] = rows.last?.revision ?? known
    }

    private func dropAll(of slot: Slot, _ state: inout State) {
        for key in state.held.keys where Slot(device: key.device) == slot { drop(key, &state) }
    }
}

extension [Trip] {
    fileprivate var inOrder: [Trip] { sorted { ($0.begin, $0.interval) < ($1.begin, $1.interval) } }

    /// The indices of those that begin in a range.
    func beginning(in range: TimeRange) -> Range<Int> {
        let lower = firstIndex(notBefore: range.lower)
        return lower..<Swift.max(lower, firstIndex(notBefore: range.upper))
    }

    private func firstIndex(notBefore moment: Timestamp) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].begin < moment { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
