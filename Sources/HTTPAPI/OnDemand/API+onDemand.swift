import PrimaryStore
import Telemetry

extension API {
    /// Calculates over devices with a definition that is not stored, or with a stored one that need not be assigned.
    func calculateDevices(_ call: Call) async throws(APIFailure) -> Answer {
        let request = try OnDemandRequest(call, takesCalculator: true)
        let selection = try devices(call.segment("selector"))
        let definition = try definition(request)
        let isTagged = selection.items.count > 1
        let moment = now()
        let runs = selection.items.map { device in
            OnDemandRun(
                // Nothing is assigned, so metadata() is null.
                calculation: OnDemandCalculation(
                    device: device, definition: definition, range: request.range, isAssigned: false, now: moment),
                tags: isTagged ? [.init("device_id", JSONValue(device.id.rawValue))] : [])
        }
        return try await answer(runs, errors: selection.errors)
    }

    /// Calculates stored calculators over their devices, with other fields where the body gives some.
    func calculateAssignments(_ call: Call) async throws(APIFailure) -> Answer {
        let request = try OnDemandRequest(call, takesCalculator: false)
        let selection = try assignments(call)
        let contents = catalog.present
        var errors = selection.errors
        var definitions: [CalculatorID: OnDemandDefinition] = [:]
        for calculator in Set(selection.items.map(\.key.calculator)).sorted() {
            guard let stored = contents.calculators[calculator] else { continue }
            do throws(APIFailure) {
                definitions[calculator] = try definition(stored, changedBy: request.fields)
            } catch {
                guard selection.items.contains(where: { $0.key.calculator != calculator }) else { throw error }
                errors += error.items.map { $0.with(id: calculator.rawValue) }
            }
        }
        let isTagged = selection.items.count > 1
        let moment = now()
        let runs = selection.items.compactMap { record -> OnDemandRun? in
            guard let device = contents.devices[record.key.device],
                let definition = definitions[record.key.calculator]
            else { return nil }
            let calculation = OnDemandCalculation(
                device: device, definition: definition, range: request.range, isAssigned: true, now: moment)
            return OnDemandRun(calculation: calculation, tags: isTagged ? record.key.members : [])
        }
        return try await answer(runs, errors: errors)
    }

    /// Runs one device after the other, each where it may block, so that other requests come between.
    private func answer(_ runs: [OnDemandRun], errors: [ErrorItem]) async throws(APIFailure) -> Answer {
        let limits = limits.onDemand
        guard runs.count <= limits.devicesMax else {
            throw APIFailure(
                .tooLarge, "a calculation takes at most \(limits.devicesMax) devices, not \(runs.count)",
                hint: "select fewer, or store the calculator: its intervals are kept")
        }
        var budget = OnDemandBudget(limits)
        var errors = errors
        var pages: [[UInt8]] = []
        for run in runs {
            let (page, damage, left) = try await pool.run { [store, budget] () throws(APIFailure) in
                var budget = budget
                let (page, damage) = try run.page(from: store, &budget)
                return (page, damage, budget)
            }
            budget = left
            errors += damage
            pages.append(page)
        }
        guard !runs.isEmpty || errors.isEmpty else { return Answer(result: [], errors: errors) }
        return Answer(resultBytes: pages, errors: errors)
    }
}

/// A calculation, and what each of its intervals says of its origin.
struct OnDemandRun: Sendable {
    let calculation: OnDemandCalculation
    let tags: [JSONValue.Member]

    /// The intervals as text, with commas between them, and which messages are missing.
    func page(
        from store: any PrimaryStore, _ budget: inout OnDemandBudget
    ) throws(APIFailure) -> (text: [UInt8], errors: [ErrorItem]) {
        let (intervals, errors): ([Interval], [ErrorItem])
        do throws(StoreError) {
            (intervals, errors) = try calculation.intervalsOfWhatCanBeRead(from: store, &budget)
        } catch { throw APIFailure(error) }
        try budget.check()
        var writer = JSONWriter(capacity: intervals.count * 256)
        writer.write(intervals, tags: tags, timestamp: calculation.now)
        budget.take(bytes: writer.bytes.count)
        try budget.check()
        return (writer.bytes, errors)
    }
}

extension ErrorItem {
    func with(id: Int64) -> ErrorItem {
        var item = self
        item.id = id
        return item
    }
}

extension DeviceEntity {
    var metadata: JSONValue { settings["metadata"] ?? .object([]) }
}
