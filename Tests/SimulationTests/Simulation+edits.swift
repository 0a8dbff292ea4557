import PrimaryStore
import ReferenceEvaluator
import SeededRandom
import Synchronization
import Telemetry

@testable import CalcProcess

extension Simulation {
    /// Somebody changes what is calculated, or of what. What the store refuses stays as it is.
    func edit() {
        // The reference evaluator knows of no edits.
        if given != nil, seed % 4 != 0 { return }
        hasEdits = true
        do {
            switch random.below(assets.isEmpty ? 14 : 18) {
            case 0, 1: try editCalculator()
            case 2: try editGeofence()
            case 3, 4, 13: try editDevice()
            case 5, 6: try unassign()
            case 7, 8: try assign()
            case 9: try disable()
            case 10 where random.among(3): try deleteCalculator()
            case 11 where random.among(3): try deleteDevice()
            case 12: try changeGroup()
            case 14...: try overlayAsset()
            default: break
            }
        } catch {
            noteStoreError(error)
            note("edit refused: \(error)")
        }
    }

    /// An edit between two rounds of somebody who is at work.
    func editAtWork() {
        let isAtWork = random.among(2)
        if isAtWork, let node = somebody() { round(node, random.below(rates.workerCount), []) }
        edit()
        if isAtWork, let node = somebody() { round(node, random.below(rates.workerCount), []) }
    }

    private func editCalculator() throws {
        guard let index = calculators.indices.randomElement(using: &random) else { return }
        let calculator = calculators[index]
        let sources = calculators.map(\.id).filter { $0 < calculator.id }
        let json = maker.json(&random, sources: sources)
        note("edit calculator \(calculator.id) \(json)")
        _ = try store.replaceCalculator(calculator.id, name: "made", json: json, expecting: nil)
    }

    private func editGeofence() throws {
        guard let id = geofences.randomElement(using: &random) else { return try addGeofence() }
        let json = maker.geofence(&random)
        note("edit geofence \(id) \(json)")
        _ = try store.replaceEntity(.geofence, id, name: "fence", json: json, expecting: nil)
    }

    private func editDevice() throws {
        let present = devices.indices.filter { !devices[$0].isGone }
        guard let index = present.randomElement(using: &random) else { return }
        let json = deviceJSON(&devices[index])
        note("edit device \(devices[index].id) \(json)")
        _ = try store.replaceDevice(
            devices[index].id, ident: devices[index].ident, name: "van", json: json, expecting: nil)
    }

    private func someKey() -> AssignmentKey? {
        guard let calculator = calculators.randomElement(using: &random),
            let device = devices.filter({ !$0.isGone }).randomElement(using: &random)
        else { return nil }
        return AssignmentKey(calculator: calculator.id, device: device.id)
    }

    private func unassign() throws {
        guard let key = someKey() else { return }
        note("unassign \(key.calculator) from \(key.device)")
        _ = try store.unassign([key], at: clock.now)
    }

    private func assign() throws {
        guard let key = someKey() else { return }
        note("assign \(key.calculator) to \(key.device)")
        _ = try store.assign([key], isEnabled: true, isAutoCreated: false)
        _ = try store.setAssignments([key], isEnabled: true)
    }

    private func disable() throws {
        guard let key = someKey() else { return }
        note("disable \(key.calculator) on \(key.device)")
        try store.setAssignments([key], isEnabled: false)
    }

    private func deleteCalculator() throws {
        guard let last = calculators.last, calculators.count > 1 else { return }
        note("delete calculator \(last.id)")
        try store.deleteCalculator(last.id, at: clock.now)
        calculators.removeLast()
        if random.among(2) {
            try addCalculator()
            if let key = someKey() { _ = try store.assign([key], isEnabled: true, isAutoCreated: false) }
        }
    }

    private func deleteDevice() throws {
        let present = devices.indices.filter { !devices[$0].isGone }
        guard let index = present.randomElement(using: &random), devices.count < 7 else { return }
        note("delete device \(devices[index].id)")
        try store.deleteDevice(devices[index].id, at: clock.now)
        devices[index].isGone = true
        devices[index].batches = []
        guard random.among(2) else { return }
        try addDevice(10)
        let id = devices[devices.count - 1].id
        let keys = calculators.map { AssignmentKey(calculator: $0.id, device: id) }
        _ = try store.assign(keys, isEnabled: true, isAutoCreated: false)
    }

    private func changeGroup() throws {
        guard let group = groups.randomElement(using: &random), let key = someKey() else { return try addGroup() }
        let link = LinkRecord(kind: .groupDevice, from: group, to: key.device.rawValue)
        let isLinking = random.among(2)
        note("\(isLinking ? "put" : "take") \(key.device) in group \(group)")
        _ = isLinking ? try store.link([link], at: clock.now) : try store.unlink([link], at: clock.now)
    }

    /// Adds a field to an interval that is there, as a person does.
    func addFields() {
        guard let key = someKey() else { return }
        let ids = ((try? store.heldIntervals(key)) ?? []).map(\.id)
        guard let id = ids.randomElement(using: &random) else { return }
        note("fields for \(id) of \(key.calculator) on \(key.device)")
        let value = Double(random.below(10))
        let name = FieldsName(key: key, id: id)
        let answer = Answered()
        let field = JSONValue.Member("custom.note", .number(value))
        ask(key.device, .setFields(FieldsChange(key: key, id: id, fields: [field]) { answer.note($0) }))
        switch answer.isSuccess {
        case true?: toldFields[name] = unansweredFields.contains(name) ? nil : value
        case false?: toldFields[name] = nil
        case nil:
            toldFields[name] = nil
            unansweredFields.insert(name)
        }
    }

    /// Asks for a range to be calculated again.
    func recalculate() {
        guard let key = someKey() else { return }
        let lower = clock.now.advanced(bySeconds: -Double(random.below(maker.step * 60)))
        let range = random.among(3) ? .all : TimeRange(lower: lower, upper: clock.now)
        note("recalculate \(key.calculator) on \(key.device) from \(range.lower.seconds)")
        ask(key.device, .recalculate(key, range))
    }

    /// Decides about the jobs that are held.
    func decideJobs() {
        for job in (try? store.heldJobs()) ?? [] {
            let isReleased = isCalm || random.among(2)
            note("job \(job.id) is \(isReleased ? "released" : "discarded")")
            faults.count("held job")
            if !isReleased { discarded.insert(job.key) }
            ask(job.key.device, .decideJob(JobDecision(key: job.key, id: job.id, isReleased: isReleased) { _ in }))
        }
    }

    /// Somebody thinks better of what was discarded: it is calculated again, and released if it is held again.
    func recalculateDiscarded() {
        for key in discarded.sorted() {
            for node in nodes where mayStep(node) {
                beat(node)
                settle(node)
            }
            ask(key.device, .recalculate(key, .all))
        }
        discarded = []
    }

    /// Asks whoever has a device.
    private func ask(_ device: DeviceID, _ request: WorkerRequest) {
        for node in nodes where mayStep(node) {
            if let seat = node.seat(of: device) { return _ = round(node, seat, [request]) }
        }
    }
}

/// The fields of one interval.
struct FieldsName: Hashable {
    var key: AssignmentKey
    var id: Int64
}

/// Whether something asked of a worker was done.
private final class Answered: Sendable {
    private let answer = Mutex<Bool?>(nil)

    /// Nil while there is no answer.
    var isSuccess: Bool? { answer.withLock { $0 } }

    func note(_ result: Result<Void, StoreError>) {
        answer.withLock { answer in
            if case .success = result { answer = true } else { answer = false }
        }
    }
}
