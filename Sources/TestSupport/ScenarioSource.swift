import Calculators
import Expressions
import FoundationEssentials
import Telemetry
import TimeZones

/// A calculator whose intervals a scenario's calculator reads.
package struct ScenarioSource: Sendable {
    package var id: CalculatorID
    package var calculator: Calculator
    package var environment: ExpressionEnvironment

    /// The calculators of a folder, each after those that it reads itself; none where there is no folder.
    static func all(
        in folder: String, calculators: String, _ surroundings: ScenarioSurroundings
    ) throws(ScenarioError) -> [ScenarioSource] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var rest: [ScenarioSource] = []
        for name in names.sorted() {
            let place = "\(folder)/\(name)"
            guard let id = Int64(name.prefix { $0 != "." }) else {
                throw ScenarioError(file: place, reason: "must be named for the calculator's id, such as 7.json")
            }
            let shipped = name.hasSuffix(".json") ? nil : Scenario.text(place)
            let file = shipped.map { Scenario.shipped($0, calculators: calculators) } ?? place
            let (calculator, environment) = try surroundings.calculator(try Scenario.json(file), file: file)
            rest.append(ScenarioSource(id: CalculatorID(id), calculator: calculator, environment: environment))
        }
        return try sorted(rest, folder: folder)
    }

    private static func sorted(
        _ sources: [ScenarioSource], folder: String
    ) throws(ScenarioError) -> [ScenarioSource] {
        var rest = sources
        var known: Set<CalculatorID> = []
        var result: [ScenarioSource] = []
        while let place = rest.firstIndex(where: { $0.calculator.sources.isSubset(of: known) }) {
            let next = rest.remove(at: place)
            known.insert(next.id)
            result.append(next)
        }
        guard rest.isEmpty else {
            throw ScenarioError(file: folder, reason: "calculator \(rest[0].id) reads one that is missing, or itself")
        }
        return result
    }
}

/// What all calculators of a scenario share.
struct ScenarioSurroundings {
    private let metadata: JSONValue
    private let geofences: GeofenceSet

    init(folder: String) throws(ScenarioError) {
        metadata = try Scenario.optional("\(folder)/metadata.json") ?? .object([])
        let file = "\(folder)/geofences.json"
        var geofences: [Geofence] = []
        for entity in try Scenario.optional(file)?.arrayValue ?? [] {
            do throws(GeofenceError) {
                geofences.append(try Geofence(entity, id: entity["id"]?.integerValue ?? 0))
            } catch {
                throw ScenarioError(file: file, reason: "geofence \(geofences.count + 1): \(error)")
            }
        }
        self.geofences = GeofenceSet(geofences)
    }

    /// A calculator with what its expressions may read.
    func calculator(
        _ definition: JSONValue, file: String
    ) throws(ScenarioError) -> (Calculator, ExpressionEnvironment) {
        do {
            let calculator = try Calculator(definition)
            let environment = ExpressionEnvironment(
                timeZone: try TimeZoneDatabase().table(calculator.timeZoneName), metadata: metadata,
                mileageOutlierSpeed: calculator.mileageOutlierSpeed, mileageFormula: calculator.mileageFormula,
                geofences: geofences)
            return (calculator, environment)
        } catch {
            throw ScenarioError(file: file, reason: "\(error)")
        }
    }
}
