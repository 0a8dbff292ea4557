import Calculators
import Expressions
import Telemetry
import TimeZones

/// Makes a calculator's definition of what a client sent, and checks it as a whole.
struct CalculatorInput {
    /// A definition that is right, and what is allowed in it but rarely meant.
    struct Checked {
        var name: String
        var definition: JSONValue
        var warnings: [CalculatorProblem]
        /// The calculators that it reads, which may not be there.
        var sources: [CalculatorSource]
    }

    var limits: APILimits
    var timeZones: TimeZoneDatabase
    /// Those that a name in the place of an id may mean.
    var calculators: [CalculatorID: CalculatorEntity] = [:]

    func created(from value: JSONValue, path: String) throws(APIFailure) -> Checked {
        try InputFields.refuseID(of: value, path: path)
        return try check(Self.withoutReadOnly(value), path: path)
    }

    /// The definition after a change: PUT replaces the fields given, PATCH merges those that are objects.
    func changed(_ definition: JSONValue, by value: JSONValue, merging: Bool) throws(APIFailure) -> Checked {
        guard let changes = Self.withoutReadOnly(value).members else {
            throw APIFailure(.badRequest, "the body must be an object, not \(value.typeName)")
        }
        var result = definition
        for change in changes {
            // The two names of the delay are one field: the one given last is the one that is kept.
            if CalculatorEntity.delayNames.contains(change.key) {
                for name in CalculatorEntity.delayNames where name != change.key { result[name] = nil }
            }
            let old = result[change.key]
            let merges = merging && old?.members != nil && change.value.members != nil
            result[change.key] = merges ? old?.merged(with: change.value) : change.value
        }
        return try check(result, path: "")
    }

    private func check(_ definition: JSONValue, path: String) throws(APIFailure) -> Checked {
        let calculator: Calculator
        do throws(InvalidCalculator) {
            calculator = try Calculator(definition, requiresName: true)
        } catch { throw failure(error, definition, path) }
        var problems: [ErrorItem] = []
        if let reason = timeZoneProblem(calculator.timeZoneName) {
            problems.append(ErrorItem(.badRequest, reason, path: Self.join(path, "timezone")))
        }
        if calculator.name.utf8.count > limits.nameBytesMax {
            problems.append(
                ErrorItem(.badRequest, "name is over \(limits.nameBytesMax) bytes", path: Self.join(path, "name")))
        }
        if (definition["metadata"]?.text.utf8.count ?? 0) > limits.metadataBytesMax {
            problems.append(
                ErrorItem(
                    .badRequest, "metadata is over \(limits.metadataBytesMax) bytes", path: Self.join(path, "metadata"))
            )
        }
        if !problems.isEmpty { throw APIFailure(problems) }
        return Checked(
            name: calculator.name, definition: definition, warnings: calculator.warnings,
            sources: calculator.sources(in: definition).map { source in
                CalculatorSource(path: Self.join(path, source.path), calculator: source.calculator)
            })
    }

    private func timeZoneProblem(_ name: String) -> String? {
        do throws(TimeZoneError) {
            _ = try timeZones.table(name)
            return nil
        } catch { return "timezone: \(error)" }
    }

    private func failure(_ error: InvalidCalculator, _ definition: JSONValue, _ path: String) -> APIFailure {
        let items = error.problems.map { problem in
            let field = Self.join(path, problem.path)
            var item = ErrorItem(
                .badRequest, problem.path.isEmpty ? problem.reason : "\(problem.path): \(problem.reason)",
                path: field.isEmpty ? nil : field)
            item.column = problem.column
            item.hint = sourceHint(problem, definition)
            return item
        }
        let known = CalculatorEntity.settable
        let unknown = (definition.members ?? []).map(\.key).filter { !known.contains($0) }
        guard let first = unknown.first else { return APIFailure(items) }
        return APIFailure(
            items, schemaHint: SchemaHint(fields: known, suggestion: nearestName(to: first, among: known)))
    }

    /// The id of the calculator that a name in the place of an id means.
    private func sourceHint(_ problem: CalculatorProblem, _ definition: JSONValue) -> String? {
        guard CalculatorSource.keys.contains(where: { problem.path.hasSuffix(".\($0)") }),
            let text = definition.value(atProblem: problem.path)?.stringValue
        else { return nil }
        if let id = Int64(text), calculators[CalculatorID(id)] != nil { return "write it without quotes: \(id)" }
        let names = calculators.values.map(\.name)
        let name = names.contains(text) ? text : nearestName(to: text, among: names)
        return calculators.values.filter { $0.name == name }.map(\.id).min().map { id in
            "calculator \(id) is named \"\(name ?? "")\""
        }
    }

    private static func join(_ path: String, _ field: String) -> String {
        path.isEmpty || field.isEmpty ? path + field : "\(path).\(field)"
    }

    private static func withoutReadOnly(_ value: JSONValue) -> JSONValue {
        guard let members = value.members else { return value }
        return .object(members.filter { !CalculatorEntity.readOnly.contains($0.key) })
    }
}
