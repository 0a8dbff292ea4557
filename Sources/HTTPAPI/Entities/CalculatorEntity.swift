import Calculators
import PrimaryStore
import Telemetry

/// A calculator as the API holds it.
struct CalculatorEntity: Sendable {
    let id: CalculatorID
    let name: String
    let revision: Int64
    /// The definition as it was given.
    let definition: JSONValue

    /// What the server says of a calculator that leaves it out, in this order behind what was given.
    static let defaults: [JSONValue.Member] = [
        .init("timezone", .string("UTC")), .init("messages_source", .object([.init("source", .string("device"))])),
        .init("update_period", .number(0)), .init("update_onchange", .boolean(true)),
        .init("intervals_ttl", .number(0)), .init("intervals_rotate", .number(0)),
        .init("validate_message", .string("")), .init("validate_interval", .string("")),
        .init("counters", .array([])), .init("metadata", .object([])),
    ]

    static let readOnly = ["id", "cid", "deleted", "version", "revision"]

    /// The two spellings of one field.
    static let delayNames = ["update_interval", "update_delay"]

    /// What may be set.
    static let settable =
        ["name", "selectors", "counters"] + defaults.map(\.key).filter { $0 != "counters" } + delayNames
        + ["mileage_outlier_speed", "mileage_formula"]

    static let fields = ["id"] + settable + ["cid"]

    init(_ record: CalculatorRecord) {
        id = record.id
        name = record.name
        revision = record.revision
        definition = (try? JSONValue(parsing: record.json)) ?? .object([])
    }

    /// The whole object: what was given as it was given, and the defaults of the rest.
    var json: JSONValue {
        var members: [JSONValue.Member] = [.init("id", JSONValue(id.rawValue))] + (definition.members ?? [])
        for fallback in Self.defaults where definition[fallback.key] == nil { members.append(fallback) }
        if Self.delayNames.allSatisfy({ definition[$0] == nil }) {
            members.append(.init("update_interval", .number(Calculator.updateIntervalDefault)))
        }
        members.append(.init("cid", .number(0)))
        return .object(members)
    }
}
