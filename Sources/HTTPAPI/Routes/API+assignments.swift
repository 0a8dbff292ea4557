import CalcProcess
import PrimaryStore
import Telemetry

extension API {
    /// The assignments a path names, with what it named and is not there.
    struct AssignmentSelection {
        var items: [AssignmentRecord] = []
        /// Pairs that could be assigned and are not.
        var unassigned: [AssignmentKey] = []
        var errors: [ErrorItem] = []
        var names: [DeviceID: String] = [:]
    }

    /// The assignments of a path; where both sides are named by id, a pair without one is an error.
    func assignments(_ call: Call) throws(APIFailure) -> AssignmentSelection {
        let contents = catalog.present
        let calculatorSelector = try ItemSelector(call.segment("selector"), of: .calculator, limits: limits)
        let calculators = contents.calculators(calculatorSelector)
        let (targets, namesTargets) = try targets(call, contents)
        let namesPairs = calculatorSelector.namesIDs && namesTargets
        guard !namesPairs || calculators.items.count * targets.items.count <= limits.assignmentsMax else {
            throw APIFailure(.tooLarge, "the path names more than \(limits.assignmentsMax) assignments")
        }
        var selection = AssignmentSelection(errors: calculators.errors + targets.errors)
        for calculator in calculators.items {
            for target in targets.items {
                let key = AssignmentKey(calculator: calculator.id, device: target.id)
                if let record = contents.assignments[key] {
                    selection.items.append(record)
                    selection.names[target.id] = target.name
                } else if namesPairs {
                    selection.unassigned.append(key)
                }
            }
        }
        selection.errors += selection.unassigned.map { key in
            ErrorItem(
                .notFound, "calculator \(key.calculator) is not assigned to \(key.device.noted)",
                hint: "assign it with POST \(key.path)", id: key.device.assetID ?? key.device.rawValue)
        }
        return selection
    }

    func assign(_ call: Call) async throws(APIFailure) -> Answer {
        let isEnabled = call.body.isEmpty ? true : try enabling(call) ?? true
        let calculators = try calculators(call.segment("selector"))
        let targets = try targets(call, catalog.present).selection
        guard calculators.items.count * targets.items.count <= limits.assignmentsMax else {
            throw APIFailure(.tooLarge, "more than \(limits.assignmentsMax) assignments at once")
        }
        let keys = calculators.items.flatMap { calculator in
            targets.items.map { AssignmentKey(calculator: calculator.id, device: $0.id) }
        }
        if !keys.isEmpty {
            _ = try await change { store throws(StoreError) in
                try store.assign(keys, isEnabled: isEnabled, isAutoCreated: false)
            } then: { contents, made in
                contents.assign(keys, made)
            }
        }
        let names = Dictionary(targets.items.map { ($0.id, $0.name) }) { first, _ in first }
        let present = catalog.present
        let errors = calculators.errors + targets.errors
        let made = keys.compactMap { present.assignments[$0] }
        guard !made.isEmpty else { return Answer(result: [], errors: errors) }
        // As text at once: those of a whole fleet, as values, would be the largest thing in memory.
        var page = JSONWriter()
        for (index, record) in made.enumerated() {
            if index > 0 { page.write(literal: ",") }
            rendered(record, name: names[record.key.device]).write(to: &page)
        }
        return Answer(resultBytes: [page.bytes], errors: errors)
    }

    func readAssignments(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try assignments(call)
        var query = try CollectionQuery(call, known: assignmentFields(call), noun: "assignment", limits: limits)
        let items = query.page(of: selection.items)
        return Answer(
            result: items.map { rendered($0, name: selection.names[$0.key.device]).cut(to: query.fields) },
            errors: selection.errors, page: query.shown)
    }

    func enableAssignments(_ call: Call) async throws(APIFailure) -> Answer {
        guard let isEnabled = try enabling(call) else {
            throw APIFailure(
                .badRequest, "enabled is missing: {\"enabled\":true} or {\"enabled\":false}", path: "enabled")
        }
        let selection = try assignments(call)
        var result: [JSONValue] = []
        for record in selection.items {
            var changed = record
            changed.isEnabled = isEnabled
            if record.isEnabled != isEnabled {
                let stored = changed
                try await change { store throws(StoreError) in
                    try store.setAssignment(stored.key, isEnabled: isEnabled)
                } then: { contents, _ in
                    contents.set(stored)
                }
            }
            result.append(rendered(changed, name: selection.names[record.key.device]))
        }
        return Answer(result: result, errors: selection.errors)
    }

    func unassign(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try assignments(call)
        let contents = catalog.present
        let keys = selection.items.map(\.key)
        let implied = keys.map(Implication.init).filter { !contents.groups(implying: $0).isEmpty }
        let ending = keys.filter { contents.groups(implying: Implication($0)).isEmpty }
        try await confirm(call, deletingIntervalsOf: ending, by: "unassigning")
        let moment = now()
        if !keys.isEmpty {
            _ = try await change { store throws(StoreError) in
                try store.unassign(keys, at: moment)
            } then: { contents, _ in
                contents.unassign(keys)
            }
        }
        return Answer(
            result: ending.map(\.json), errors: selection.errors + implied.map { contents.held(by: $0) })
    }

    /// What ends assignments deletes intervals for good, so it asks first where there are some.
    func confirm(
        _ call: Call, deletingIntervalsOf keys: [AssignmentKey], by deed: String
    ) async throws(APIFailure) {
        if let confirmation = call.value("confirm") {
            guard confirmation == "intervals" else {
                throw APIFailure(
                    .badRequest, "confirm must be \"intervals\", not \"\(confirmation.prefix(40))\"", path: "confirm")
            }
            return
        }
        let holder = try await stored { store throws(StoreError) -> AssignmentKey? in
            for key in keys {
                let page = try store.intervalPage(key, IntervalQuery(isLastOnly: true, countMax: 1))
                if page.count > 0 { return key }
            }
            return nil
        }
        guard let holder else { return }
        throw APIFailure(
            .conflict,
            "calculator \(holder.calculator) has intervals on \(holder.device.noted); \(deed) deletes them for good",
            hint: "repeat the request with ?confirm=intervals")
    }

    /// The only field of an assignment that may be set.
    func enabling(_ call: Call) throws(APIFailure) -> Bool? {
        var fields = InputFields(try call.json())
        let isEnabled = fields.boolean("enabled")
        fields.refuseUnknown("an assignment", readOnly: assignmentFields(call))
        try fields.check()
        return isEnabled
    }

    private func assignmentFields(_ call: Call) -> [String] {
        [
            "calc_id", call.path["assets"] == nil ? "device_id" : "asset_id", "name", "enabled", "auto_created",
            "synced", "state", "pending_since", "failure", "held_job", "horizon",
        ]
    }

    private func rendered(_ record: AssignmentRecord, name: String?) -> JSONValue {
        let status = calculation.status(of: record.key)
        var members = record.key.members
        members += [
            .init("name", .string(name ?? "")), .init("enabled", .boolean(record.isEnabled)),
            .init("auto_created", .boolean(record.isAutoCreated)), .init("synced", .boolean(status.sync == .synced)),
            .init("state", .string(status.sync.rawValue)), .init("pending_since", JSONValue(status.pendingSince)),
        ]
        if let failure = status.failure { members.append(.init("failure", .string(failure))) }
        if let job = status.heldJob { members.append(.init("held_job", JSONValue(job))) }
        if let horizon = status.horizon { members.append(.init("horizon", JSONValue(horizon))) }
        return .object(members)
    }
}
