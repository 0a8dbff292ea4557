import Calculators
import ReferenceEvaluator
import SeededRandom
import Telemetry

@testable import Evaluation

/// The messages of a random case, for calculators that are written by hand or changed.
struct MetamorphicCase {
    let given: GeneratedCase
    var random: SeededGenerator

    /// What `mileage()` needs at every message, so that no leg is left out at a border.
    static let located = "!isnull($position.latitude) && !isnull($position.longitude) && $position.valid != false"

    /// A case with messages; nil if the seed gives none.
    init?(seed: UInt64) {
        given = Generator.wholeCase(seed: seed)
        guard !given.messages.isEmpty else { return nil }
        random = SeededGenerator(seed: seed &* 7 &+ 3)
    }

    /// The geofences around the place where the messages are.
    var geofencesJSON: String? { given.calculators.map(\.geofencesJSON).first { $0 != "[]" } }

    /// The intervals of one calculator over the messages.
    func intervals(_ json: String, geofences: String = "[]") throws -> [Interval] {
        var alone = given
        alone.sources = []
        alone.calculatorJSON = json
        alone.geofencesJSON = geofences
        return try Subject(alone).intervals(cuts: [])
    }

    /// The intervals of all calculators, the last of them changed.
    func intervals(changing change: (inout JSONValue) -> Void) throws -> [Interval] {
        var changed = given
        var json = try JSONValue(parsing: given.calculatorJSON)
        change(&json)
        changed.calculatorJSON = json.text
        return try Subject.intervals(changed)[given.calculatorID] ?? []
    }

    func intervals() throws -> [Interval] { try intervals { _ in } }

    /// The messages that satisfy a condition of the language.
    func moments(where condition: String) throws -> [Timestamp] {
        let list = """
            {"name":"m","validate_message":"\(condition)","selectors":[{"type":"datetime"}],"counters":[\
            {"name":"times","type":"message","method":"each","fields":["timestamp"]}]}
            """
        let items = try intervals(list).first?.value("times").map { try JSONValue(parsing: $0.text).arrayValue ?? [] }
        return (items ?? []).map { Timestamp(seconds: $0["timestamp"]?.numberValue ?? 0) }
    }
}

extension Interval {
    func value(_ name: String) -> Value? { counters.first { $0.name == name }?.value }

    func number(_ name: String) -> Double { if case .number(let number)? = value(name) { number } else { 0 } }

    /// The same without the counters that are named.
    func without(_ names: Set<String>) -> Interval {
        var copy = self
        copy.counters.removeAll { names.contains($0.name) }
        return copy
    }
}

extension Value {
    fileprivate var text: String { if case .json(let text) = self { text } else { "" } }
}
