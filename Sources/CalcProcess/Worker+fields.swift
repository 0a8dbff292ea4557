import Calculators
import Expressions
import LocalCache
import PrimaryStore
import Recalculation
import Telemetry

/// Fields that a person adds to an interval, on their way to the worker that owns it.
struct FieldsChange: Sendable {
    var key: AssignmentKey
    var id: Int64
    var fields: [JSONValue.Member]
    /// Called once, from the worker's thread.
    var reply: @Sendable (Result<Void, StoreError>) -> Void
}

extension Worker {
    /// Adds fields to an interval and makes what may read them pending.
    func setFields(_ change: FieldsChange) throws {
        do {
            try change.reply(.success(set(change)))
        } catch let error as StoreError {
            change.reply(.failure(error))
        }
    }

    private func set(_ change: FieldsChange) throws {
        guard let interval = try store.intervals(change.key, IntervalQuery(ids: [change.id])).first else {
            throw StoreError.notFound("interval \(change.id)")
        }
        assignments[change.key]?.customFields = nil
        if readsPrevious(change.key) {
            // Pending before it is written: a crash between the two costs a job, not a result.
            let range = TimeRange(inclusive: interval.begin, interval.end)
            try invalidate(
                change.key, Invalidation(range: range, since: now, due: now, cause: "fields", isConfigured: true))
        }
        let slot = Slot(device: change.key.device)
        _ = try store.setIntervalFields(
            slot: slot, epoch: setup.epochs[slot] ?? 0, key: change.key, id: change.id, fields: change.fields, at: now)
    }

    /// What people have added to the intervals of an assignment, as far as its calculator may read it.
    func customFields(
        _ key: AssignmentKey, _ compiled: CompiledCalculator, _ work: inout AssignmentWork
    ) throws(StoreError) -> [Timestamp: [String: Value]] {
        guard readsPrevious(key) else { return [:] }
        var known = work.customFields ?? []
        if work.customFields == nil { known = try store.intervalFields(key) }
        work.customFields = known
        return known.valuesByFirstOn
    }

    func readsPrevious(_ key: AssignmentKey) -> Bool {
        picture.calculators[key.calculator]?.calculator.readsPreviousInterval ?? false
    }
}

extension IntervalDiff {
    /// The range of intervals that have fields and another first message now; nil if there is none.
    func moved(among fields: [IntervalFields]) -> TimeRange? {
        let ids = Set(fields.map(\.id))
        let ranges = written.compactMap { written -> TimeRange? in
            guard let held = written.held, ids.contains(held.id), held.firstOn != written.new.interval.firstOn else {
                return nil
            }
            return TimeRange(inclusive: written.new.interval.begin, written.new.interval.end)
        }
        return ranges.first.map { first in ranges.dropFirst().reduce(first) { $0.union($1) } }
    }
}
