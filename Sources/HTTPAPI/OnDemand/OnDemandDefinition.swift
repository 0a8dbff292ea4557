import Calculators
import Expressions
import PrimaryStore
import Telemetry
import TimeZones

/// A calculator that was compiled for one request, with what it reads beside a device.
struct OnDemandDefinition: Sendable {
    /// The stored calculator that it is, or comes from.
    let id: CalculatorID?
    let calculator: Calculator
    let timeZone: TimeZoneTable
    /// Those assigned to the stored calculator, if they are read.
    var geofences = GeofenceSet.empty
    /// The calculators whose intervals are read, each with the names of its counters.
    var sourceCounters: [CalculatorID: Set<String>] = [:]

    func environment(metadata: JSONValue) -> ExpressionEnvironment {
        ExpressionEnvironment(
            timeZone: timeZone, metadata: metadata, mileageOutlierSpeed: calculator.mileageOutlierSpeed,
            mileageFormula: calculator.mileageFormula, geofences: geofences)
    }
}

extension API {
    /// The definition of a request that may name a stored calculator: its fields stand over those of the stored one.
    func definition(_ request: OnDemandRequest) throws(APIFailure) -> OnDemandDefinition {
        guard let id = request.calculator else { return try definition(of: request.fields) }
        guard let stored = catalog.present.calculators[id] else {
            throw APIFailure([ErrorItem(.notFound, "there is no calculator \(id)", path: "calc_id", id: id.rawValue)])
        }
        return try definition(stored, changedBy: request.fields)
    }

    /// A stored calculator, with the given fields in the place of its own.
    func definition(
        _ stored: CalculatorEntity, changedBy fields: [JSONValue.Member]
    ) throws(APIFailure) -> OnDemandDefinition {
        let input = CalculatorInput(limits: limits, timeZones: timeZones)
        let checked = try input.changed(stored.definition, by: .object(fields), merging: false)
        return try compiled(checked, id: stored.id)
    }

    /// A definition of its own, whose name matters to nobody.
    private func definition(of fields: [JSONValue.Member]) throws(APIFailure) -> OnDemandDefinition {
        let isNamed = fields.contains { $0.key == "name" && $0.value != .string("") }
        let named = fields.filter { isNamed || $0.key != "name" } + (isNamed ? [] : [.init("name", .string("-"))])
        let input = CalculatorInput(limits: limits, timeZones: timeZones)
        return try compiled(try input.created(from: .object(named), path: ""), id: nil)
    }

    func compiled(
        _ checked: CalculatorInput.Checked, id: CalculatorID?
    ) throws(APIFailure) -> OnDemandDefinition {
        let calculator: Calculator
        do throws(InvalidCalculator) {
            calculator = try Calculator(checked.definition)
        } catch { throw APIFailure(.badRequest, "\(error)") }
        let timeZone: TimeZoneTable
        do throws(TimeZoneError) {
            timeZone = try timeZones.table(calculator.timeZoneName)
        } catch { throw APIFailure(.badRequest, "timezone: \(error)", path: "timezone") }
        return OnDemandDefinition(
            id: id, calculator: calculator, timeZone: timeZone,
            geofences: geofences(of: calculator, id: id),
            sourceCounters: try sourceCounters(of: calculator, checked.definition))
    }

    /// The geofences that are assigned to a stored calculator, where a definition reads them.
    private func geofences(of calculator: Calculator, id: CalculatorID?) -> GeofenceSet {
        guard let id, calculator.readsGeofences else { return .empty }
        let contents = catalog.present
        let assigned = contents.links[.calculatorGeofence].tos(from: id.rawValue).sorted()
        return GeofenceSet(assigned.compactMap { contents.geofences.byID[$0]?.geofence })
    }

    /// The calculators that a definition reads, all of which must exist, with the names of their counters.
    private func sourceCounters(
        of calculator: Calculator, _ definition: JSONValue
    ) throws(APIFailure) -> [CalculatorID: Set<String>] {
        let contents = catalog.present
        var names: [CalculatorID: Set<String>] = [:]
        for source in calculator.sources.sorted() {
            guard let stored = contents.calculators[source] else {
                throw APIFailure(
                    .badRequest, "there is no calculator \(source)", path: Self.path(of: source, in: definition))
            }
            let counters = stored.definition["counters"]?.arrayValue ?? []
            names[source] = Set(counters.compactMap { $0["name"]?.stringValue })
        }
        return names
    }

    /// The first place where a definition names a calculator as its source.
    private static func path(of source: CalculatorID, in definition: JSONValue) -> String? {
        var places = [("messages_source", definition["messages_source"])]
        for list in ["selectors", "counters"] {
            for (index, item) in (definition[list]?.arrayValue ?? []).enumerated() {
                places.append(("\(list)[\(index)]", item))
            }
        }
        for (path, item) in places {
            for key in ["calc_id", "calculator_id"] where item?[key]?.integerValue == source.rawValue {
                return "\(path).\(key)"
            }
        }
        return nil
    }
}
