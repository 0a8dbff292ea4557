import Calculators
import PrimaryStore
import Telemetry

extension API {
    private var calculatorInput: CalculatorInput { CalculatorInput(limits: limits, timeZones: timeZones) }

    private func calculatorFields(_ call: Call) throws(APIFailure) -> [String]? {
        try CollectionQuery.fields(call.value("fields"), known: CalculatorEntity.fields, noun: "calculator")
    }

    func createCalculators(_ call: Call) async throws(APIFailure) -> Answer {
        let input = calculatorInput
        let fields = try calculatorFields(call)
        return try await create(call) { value, path throws(APIFailure) in
            let checked = try input.created(from: value, path: path)
            let record = try await change { store throws(StoreError) in
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
            let record = try await change { store throws(StoreError) in
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
        return try await each(try calculators(call.segment("selector"))) { calculator throws(APIFailure) in
            try await change { store throws(StoreError) in
                try store.deleteCalculator(calculator.id, at: moment)
            } then: { contents, _ in
                contents.remove(calculator.id)
            }
            return ([.object([.init("id", JSONValue(calculator.id.rawValue))])], [])
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
