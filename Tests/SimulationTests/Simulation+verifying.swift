import LocalCache
import PrimaryStore
import ReferenceEvaluator
import Telemetry

@testable import CalcProcess

extension Simulation {
    /// What a verification finds in all of the store at a rest; nil if that is nothing.
    func otherIntervals(_ registry: RegistrySnapshot) throws -> String? {
        let store = store
        var verification = try Verification(timeZones: timeZones, now: clock.now) { store }
        let isRightful = rightful(registry)
        var found: String?
        func note(_ finding: VerificationFinding) {
            if found == nil, !isRightful(finding) { found = "\(finding)\n\(story(finding.key))" }
        }
        for device in Set(registry.assignments.map(\.key.device)).sorted() {
            try verification.verify(device, nil, note)
        }
        if troubles.verifiesParts, found == nil {
            try verification.run(somePart(registry), report: note)
            faults.count("parts verified")
            try verifyHalf(registry)
        }
        return found.map { "stored is not what the messages give: \($0)" }
    }

    private func somePart(_ registry: RegistrySnapshot) -> Verification.Selection {
        let key = registry.assignments.randomElement(using: &random)?.key
        return Verification.Selection(
            device: random.among(2) ? key?.device : nil, calculator: random.among(2) ? key?.calculator : nil)
    }

    /// One that is told to stop says so.
    private func verifyHalf(_ registry: RegistrySnapshot) throws {
        let store = store
        var verification = try Verification(timeZones: timeZones, now: clock.now) { store }
        var count = 0
        verification.mayGoOn = {
            count += $0; return false
        }
        try verification.run(Verification.Selection()) { _ in }
        if count > 0, !verification.isCut { fail("a verification that was stopped says that it is complete") }
    }

    /// Tells what may be found by right: what is disabled, and what reads it, waits; so does what takes effect with
    /// the next message only; damage that was done is told.
    private func rightful(_ registry: RegistrySnapshot) -> (VerificationFinding) -> Bool {
        let disabled = Set(registry.assignments.filter { !$0.isEnabled }.map(\.key.device))
        let waiting = waitingForMessages(registry)
        return { [self] finding in
            guard let key = finding.key else { return isOfDamage(finding) }
            if finding.kind == .pending, disabled.contains(key.device) { return true }
            return waiting.contains(key) || isOfDamage(finding)
        }
    }

    /// What is known of an assignment: its marks and its last jobs.
    private func story(_ key: AssignmentKey?) -> String {
        guard let key, let record = (try? store.assignment(key)) ?? nil else { return "" }
        let horizon = record.marks.horizon > .distantPast ? "\(record.marks.horizon.seconds)" : "none"
        let jobs = ((try? store.jobs(key, countMax: 12)) ?? []).map { job in
            """
            \(job.started.seconds) \(job.cause) \(job.rangeAsked.lower.seconds)...\(job.rangeAsked.upper.seconds): \
            \(job.rangeRun.lower.seconds)...\(job.rangeRun.upper.seconds), +\(job.createdCount) \(job.updatedCount) \
            -\(job.deletedCount) \(job.outcome)
            """
        }
        let held = ((try? store.heldIntervals(key)) ?? []).suffix(12).map {
            "\($0.id): \($0.begin.seconds)...\($0.end.seconds)"
        }
        return "horizon \(horizon)\n\(jobs.joined(separator: "\n"))\n\(held.joined(separator: "\n"))"
    }

    /// Assignments whose calculator was changed in a way that takes effect with the next message only.
    private func waitingForMessages(_ registry: RegistrySnapshot) -> Set<AssignmentKey> {
        let records = registry.calculators.filter { $0.json.contains("\"update_onchange\":false") }
        let revisions = Dictionary(records.map { ($0.id, $0.revision) }) { first, _ in first }
        let devices = Dictionary(registry.devices.map { ($0.id, $0.revision) }) { first, _ in first }
        let waiting = registry.assignments.filter { record in
            guard let revision = revisions[record.key.calculator] else { return false }
            return record.marks.calculatorRevision != revision
                || record.marks.deviceRevision != devices[record.key.device] ?? record.marks.deviceRevision
        }
        return Set(waiting.map(\.key))
    }

    // MARK: Caches

    /// Why what workers hold in their caches is not what the store has, or not what its checksums say; nil if it is.
    func otherCaches() throws -> String? {
        // A bit that flipped may be noticed later.
        guard rates.flippedBits == 0 else { return nil }
        for worker in nodes.compactMap(\.process).filter(\.keeper.mayWork).flatMap(\.seats).compactMap(\.worker) {
            do { try worker.cache.audit(readsBodies: true) } catch {
                return "the cache of worker \(worker.setup.index): \(error)"
            }
            for key in worker.assignments.filter(\.value.isEnabled).map(\.key) {
                let held = try worker.cache.held(key, firstOnIn: .all)
                let stored = try store.heldIntervals(key).sorted { ($0.firstOn, $0.id) < ($1.firstOn, $1.id) }
                guard held == stored else {
                    return "\(key): the cache holds \(held.count) intervals, the store others: \(stored.count)"
                }
            }
        }
        return nil
    }

    /// What of the store's counts and checksums does not fit its rows; nil if all do.
    func otherTotals() throws -> String? {
        guard damagedDevices.isEmpty else { return nil }
        let streams = devices.map(\.id) + assets.map { DeviceID(asset: $0) }
        return try store.audit(slots: SlotSet(streams.map { Slot(device: $0) })).first
    }

    // MARK: Custom fields

    /// Why the fields of an interval are not those that somebody set and was told of; nil if they are.
    func otherFields(_ registry: RegistrySnapshot) throws -> String? {
        for record in registry.assignments where toldFields.keys.contains(where: { $0.key == record.key }) {
            let ids = Set(try store.heldIntervals(record.key).map(\.id))
            let fields = try store.intervalFields(record.key)
            for (name, value) in toldFields where name.key == record.key && ids.contains(name.id) {
                let members = fields.first { $0.id == name.id }?.members ?? []
                faults.count("fields at a rest")
                guard members.contains(JSONValue.Member("custom.note", .number(value))) else {
                    return "\(record.key): interval \(name.id) has the fields \(members), not the note \(value)"
                }
            }
        }
        return nil
    }
}
