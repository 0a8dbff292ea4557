import Calculators
import PrimaryStore
import Telemetry

extension API {
    private var calculatorInput: CalculatorInput {
        CalculatorInput(limits: limits, timeZones: timeZones, calculators: catalog.present.calculators)
    }

    private func calculatorFields(_ call: Call) throws(APIFailure) -> [String]? {
        try CollectionQuery.fields(call.value("fields"), known: CalculatorEntity.fields, noun: "calculator")
    }

    func createCalculators(_ call: Call) async throws(APIFailure) -> Answer {
        let input = calculatorInput
        let fields = try calculatorFields(call)
        return try await create(call) { value, path throws(APIFailure) in
            let checked = try input.created(from: value, path: path)
            let record = try await change { contents throws(APIFailure) in
                try contents.check(checked.sources, of: nil)
            } and: { store throws(StoreError) in
                try store.createCalculator(name: checked.name, json: checked.definition.text)
            } then: { contents, record in
                contents.set(CalculatorEntity(record))
            }
            return ([CalculatorEntity(record).json.cut(to: fields)], checked.warnings.map { $0.json(of: record.id) })
        }
    }

    func readCalculators(_ call: Call) async throws(APIFailure) -> Answer {
        let selection = try calculators(call.segment("selector"))
        var query = try CollectionQuery(call, known: CalculatorEntity.fields, noun: "calculator", limits: limits)
        let items = query.page(of: selection.items)
        return Answer(
            result: items.map { $0.json.cut(to: query.fields) }, errors: selection.errors, page: query.shown)
    }

    func replaceCalculators(_ call: Call) async throws(APIFailure) -> Answer {
        try await changeCalculators(call, merging: false)
    }

    func mergeCalculators(_ call: Call) async throws(APIFailure) -> Answer {
        try await changeCalculators(call, merging: true)
    }

    private func changeCalculators(_ call: Call, merging: Bool) async throws(APIFailure) -> Answer {
        let input = calculatorInput
        let fields = try calculatorFields(call)
        let value = try call.json()
        let selection = try calculators(call.segment("selector"))
        return try await each(selection) { calculator throws(APIFailure) in
            let checked = try input.changed(calculator.definition, by: value, merging: merging)
            let warnings = checked.warnings.map { $0.json(of: calculator.id) }
            guard checked.definition != calculator.definition else {
                return ([calculator.json.cut(to: fields)], warnings)
            }
            let record = try await change { contents throws(APIFailure) in
                try contents.check(checked.sources, of: calculator.id)
            } and: { store throws(StoreError) in
                try store.replaceCalculator(
                    calculator.id, name: checked.name, json: checked.definition.text, expecting: calculator.revision)
            } then: { contents, record in
                contents.set(CalculatorEntity(record))
            }
            return ([CalculatorEntity(record).json.cut(to: fields)], warnings)
        }
    }

    func deleteCalculators(_ call: Call) async throws(APIFailure) -> Answer {
        let moment = now()
        var query = call.queryFields
        let isForced = query.boolean("force") ?? false
        try query.check()
        var selection = try calculators(call.segment("selector"))
        selection.items = catalog.present.readersFirst(selection.items)
        return try await each(selection) { calculator throws(APIFailure) in
            try await change { contents throws(APIFailure) in
                if !isForced { try contents.checkUnread(calculator.id) }
            } and: { store throws(StoreError) in
                try store.deleteCalculator(calculator.id, at: moment)
            } then: { contents, _ in
                contents.remove(calculator.id)
            }
            return ([.object([.init("id", JSONValue(calculator.id.rawValue))])], [])
        }
    }

    /// Checks what calculators read of each other, then changes them; nobody else changes them meanwhile.
    private func change<Value: Sendable>(
        _ check: @escaping @Sendable (EntityCatalog.Contents) throws(APIFailure) -> Void,
        and change: @escaping @Sendable (any PrimaryStore) throws(StoreError) -> Value,
        then apply: @escaping @Sendable (inout EntityCatalog.Contents, Value) -> Void
    ) async throws(APIFailure) -> Value {
        let (store, catalog) = (store, catalog)
        return try await pool.run { () throws(APIFailure) in
            try catalog.changing(
                { () throws(APIFailure) in
                    try check(catalog.present)
                    do throws(StoreError) { return try change(store) } catch { throw APIFailure(error) }
                }, then: apply)
        }
    }
}

extension CalculatorProblem {
    /// A warning, with the calculator it is about.
    fileprivate func json(of id: CalculatorID) -> JSONValue {
        var members: [JSONValue.Member] = [.init("id", JSONValue(id.rawValue)), .init("reason", .string(reason))]
        if !path.isEmpty { members.append(.init("path", .string(path))) }
        if let column { members.append(.init("column", JSONValue(column))) }
        return .object(members)
    }
}
