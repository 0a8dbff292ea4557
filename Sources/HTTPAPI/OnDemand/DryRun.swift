import Calculators
import LocalCache
import PrimaryStore
import Recalculation
import Telemetry

/// A changed calculator over the history of its devices, compared with the intervals that are stored.
struct DryRun: Sendable {
    let definition: OnDemandDefinition
    let devices: [DeviceEntity]
    let samplesMax: Int
    let now: Timestamp
    let limits: OnDemandLimits

    /// Adds what would become of a device's intervals; a device that goes over a limit is left out as a whole. Blocks.
    func compare(
        _ device: DeviceEntity, from store: any PrimaryStore, _ report: inout DryRunReport,
        _ budget: inout OnDemandBudget
    ) throws(StoreError) {
        guard let calculator = definition.id else { return }
        let key = AssignmentKey(calculator: calculator, device: device.id)
        // An assignment that has ended meanwhile has nothing to compare with.
        guard let record = try store.assignment(key) else { return }
        let stored = try store.intervals(key, IntervalQuery(countMax: budget.intervalsLeft + 1))
        budget.take(intervals: stored.count)
        guard budget.excess == nil else { return }
        let custom = try store.intervalFields(key)
        // What is frozen stays whatever the definition says, and a changed one begins from nothing behind it.
        let horizon = record.marks.horizon
        let calculation = OnDemandCalculation(
            device: device, definition: definition, range: TimeRange(lower: horizon, upper: TimeRange.all.upper),
            isAssigned: true, now: now)
        let (calculated, errors) = try calculation.intervalsOfWhatCanBeRead(from: store, &budget)
        guard budget.excess == nil else { return }
        report.errors += errors
        report.add(
            device.id, before: stored.filter { $0.end >= horizon }, after: calculated.filter { $0.end >= horizon },
            custom: Dictionary(custom.map { ($0.id, Set($0.members.map(\.key))) }) { _, last in last })
    }
}

/// What a dry run found so far.
struct DryRunReport: Sendable {
    /// A sum before and after.
    struct Total: Sendable {
        var before: Double?
        var after: Double?

        mutating func add(before number: Double) { before = (before ?? 0) + number }
        mutating func add(after number: Double) { after = (after ?? 0) + number }

        var members: [JSONValue.Member] {
            [
                .init("before", before.json), .init("after", after.json),
                .init("difference", ((after ?? 0) - (before ?? 0)).finite.json),
            ]
        }
    }

    /// Which messages could not be read.
    var errors: [ErrorItem] = []
    private let calculator: CalculatorID?
    private let samplesMax: Int
    private var deviceCount = 0
    private var counts = (before: 0, after: 0, created: 0, updated: 0, deleted: 0, unchanged: 0)
    private var duration = Total()
    /// The names of counters in the order of the changed definition, then those that it lacks.
    private var names: [String]
    private var totals: [String: Total] = [:]
    private var samples: (created: [JSONValue], updated: [JSONValue], deleted: [JSONValue]) = ([], [], [])

    init(_ definition: OnDemandDefinition, samplesMax: Int) {
        calculator = definition.id
        self.samplesMax = samplesMax
        names = definition.calculator.counters.map(\.name)
    }

    /// `custom` are the names of the fields that people have added to intervals, by id.
    mutating func add(
        _ device: DeviceID, before: [StoredInterval], after: [Interval], custom: [Int64: Set<String>] = [:]
    ) {
        deviceCount += 1
        counts.before += before.count
        counts.after += after.count
        for interval in before { addTotals(interval, custom[interval.id] ?? []) }
        for interval in after { addTotals(interval) }
        let diff = IntervalDiff(held: before.map(\.cached), calculated: after.map(RenderedInterval.init))
        counts.unchanged += diff.unchangedCount
        counts.deleted += diff.deleted.count
        let texts = Dictionary(before.map { ($0.id, $0) }) { first, _ in first }
        for held in diff.deleted {
            Self.keep(&samples.deleted, samplesMax, device, before: texts[held.id], after: nil)
        }
        for (new, held) in diff.written {
            if let held {
                counts.updated += 1
                Self.keep(&samples.updated, samplesMax, device, before: texts[held.id], after: new)
            } else {
                counts.created += 1
                Self.keep(&samples.created, samplesMax, device, before: nil, after: new)
            }
        }
    }

    private mutating func addTotals(_ interval: StoredInterval, _ custom: Set<String>) {
        for field in interval.fields where !["begin", "end"].contains(field.key) && !custom.contains(field.key) {
            guard let number = field.value.numberValue else { continue }
            if field.key == "duration" {
                duration.add(before: number)
            } else {
                if totals[field.key] == nil, !names.contains(field.key) { names.append(field.key) }
                totals[field.key, default: Total()].add(before: number)
            }
        }
    }

    private mutating func addTotals(_ interval: Interval) {
        duration.add(after: interval.duration)
        for counter in interval.counters {
            if case .number(let number) = counter.value { totals[counter.name, default: Total()].add(after: number) }
        }
    }

    private static func keep(
        _ samples: inout [JSONValue], _ countMax: Int, _ device: DeviceID, before: StoredInterval?,
        after: RenderedInterval?
    ) {
        guard samples.count < countMax else { return }
        var members: [JSONValue.Member] = [.init("device_id", JSONValue(device.rawValue))]
        if let before { members.append(.init("before", (try? JSONValue(parsing: before.json)) ?? .null)) }
        if let after { members.append(.init("after", after.json(id: before?.id))) }
        samples.append(.object(members))
    }

    func json(assignedCount: Int) -> JSONValue {
        let numbers = [
            ("created", counts.created), ("updated", counts.updated), ("deleted", counts.deleted),
            ("unchanged", counts.unchanged),
        ]
        let counters = names.compactMap { name in
            totals[name].map { JSONValue.object([.init("name", .string(name))] + $0.members) }
        }
        var members: [JSONValue.Member] = [
            .init("calc_id", JSONValue(calculator?.rawValue ?? 0)), .init("devices", JSONValue(deviceCount)),
            .init(
                "intervals",
                .object([.init("before", JSONValue(counts.before)), .init("after", JSONValue(counts.after))])),
        ]
        members += numbers.map { .init($0.0, JSONValue($0.1)) }
        members += [.init("duration", .object(duration.members)), .init("counters", .array(counters))]
        members.append(
            .init(
                "samples",
                .object([
                    .init("created", .array(samples.created)), .init("updated", .array(samples.updated)),
                    .init("deleted", .array(samples.deleted)),
                ])))
        members.append(.init("is_partial", .boolean(deviceCount < assignedCount)))
        return .object(members)
    }
}

extension StoredInterval {
    /// As a worker holds it.
    fileprivate var cached: HeldInterval {
        HeldInterval(id: id, firstOn: firstOn, begin: begin, end: end, isActive: isActive, digest: digest)
    }
}

extension RenderedInterval {
    /// The interval as it would be stored, with the id that it would keep.
    fileprivate func json(id: Int64?) -> JSONValue {
        let json = (try? JSONValue(parsing: head + tail)) ?? .object([])
        guard let id, var members = json.members else { return json }
        members.insert(.init("id", JSONValue(id)), at: min(3, members.count))
        return .object(members)
    }
}

extension Double {
    /// The number, if JSON can hold it.
    fileprivate var finite: Double? { isFinite ? self : nil }
}

extension Double? {
    fileprivate var json: JSONValue { flatMap(\.finite).map { .number($0) } ?? .null }
}
