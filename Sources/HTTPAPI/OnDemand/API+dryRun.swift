import Calculators
import PrimaryStore
import Telemetry

extension API {
    /// Tells what a change of calculators would do to their intervals, without changing anything.
    func dryRun(_ call: Call) async throws(APIFailure) -> Answer {
        var selection = try calculators(call.segment("selector"))
        let request = try DryRunRequest(call, limits: limits)
        let contents = catalog.present
        let devices = contents.devices(request.devices)
        selection.errors += devices.errors
        var keys: [AssignmentKey] = []
        var answer = try await eachDone(selection) { calculator throws(APIFailure) in
            let input = CalculatorInput(limits: limits, timeZones: timeZones)
            let checked = try input.changed(calculator.definition, by: request.changes, merging: false)
            let definition = try compiled(checked, id: calculator.id)
            let assigned = devices.items.filter { device in
                contents.assignments[AssignmentKey(calculator: calculator.id, device: device.id)]?.isEnabled ?? false
            }
            keys += assigned.map { AssignmentKey(calculator: calculator.id, device: $0.id) }
            let run = DryRun(
                definition: definition, devices: assigned, samplesMax: request.samplesMax, now: now(),
                limits: limits.onDemand)
            let report = try await report(run)
            return Done(
                result: [report.json(assignedCount: assigned.count)],
                warnings: checked.warnings.map { Self.warning($0, of: calculator.id) }, errors: report.errors)
        }
        // What is compared with may itself be behind the messages.
        answer.headers.append(contentsOf: Freshness(calculation.statuses(of: keys)).fields)
        return answer
    }

    private static func warning(_ problem: CalculatorProblem, of id: CalculatorID) -> JSONValue {
        .object([.init("id", JSONValue(id.rawValue)), .init("reason", .string("\(problem)"))])
    }

    /// Runs one device after the other, each where it may block, until all are done or a limit is reached.
    private func report(_ run: DryRun) async throws(APIFailure) -> DryRunReport {
        var report = DryRunReport(run.definition, samplesMax: run.samplesMax)
        var budget = OnDemandBudget(run.limits)
        for device in run.devices.prefix(run.limits.devicesMax) {
            let (next, left) = try await pool.run { [store, report, budget] () throws(APIFailure) in
                var (report, budget) = (report, budget)
                do throws(StoreError) {
                    try run.compare(device, from: store, &report, &budget)
                } catch { throw APIFailure(error) }
                return (report, budget)
            }
            (report, budget) = (next, left)
            if budget.excess != nil { break }
        }
        return report
    }
}

/// What a dry run is asked for.
struct DryRunRequest: Sendable {
    /// The fields of the calculator that would change.
    let changes: JSONValue
    /// Of the assigned devices, those that are wanted.
    let devices: ItemSelector
    /// The most samples of each kind.
    let samplesMax: Int

    init(_ call: Call, limits: APILimits) throws(APIFailure) {
        let body = try call.json()
        var input = InputFields(body)
        let selector = input.value("devices")
        let samples = input.integer("samples", 0...Int64(limits.onDemand.samplesMax))
        for key in CalculatorEntity.settable { _ = input.value(key) }
        input.refuseUnknown("a dry run", readOnly: CalculatorEntity.readOnly)
        if let selector, selector.stringValue == nil, selector.integerValue == nil {
            input.fail("devices", "must be a selector such as \"all\" or \"1,2\", not \(selector.typeName)")
        }
        try input.check()
        changes = .object((body.members ?? []).filter { !["devices", "samples"].contains($0.key) })
        devices = try ItemSelector(selector?.selectorText ?? "all", of: .device, limits: limits)
        samplesMax = samples.map(Int.init) ?? limits.onDemand.samplesDefault
    }
}
