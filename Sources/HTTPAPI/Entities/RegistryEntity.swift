import Expressions
import PrimaryStore
import Telemetry

/// A geofence, a group or an asset as the API holds it.
struct RegistryEntity: Sendable, Identified {
    let kind: EntityKind
    let id: Int64
    let name: String
    let revision: Int64
    /// What may be set, in the order of the kind's defaults.
    let settings: JSONValue
    /// The compiled geofence; nil for the other kinds.
    let geofence: Geofence?

    var number: Int64 { id }

    init(_ record: EntityRecord) {
        kind = record.kind
        id = record.id
        name = record.name
        revision = record.revision
        let stored = (try? JSONValue(parsing: record.json)) ?? .object([])
        let settings = JSONValue.object(record.kind.defaults.map { .init($0.key, stored[$0.key] ?? $0.value) })
        self.settings = settings
        geofence = record.kind == .geofence ? try? Geofence(settings, id: record.id) : nil
    }

    /// The whole object.
    var json: JSONValue {
        .object([.init("id", JSONValue(id))] + (settings.members ?? []) + [.init("cid", .number(0))])
    }
}

extension EntityKind {
    var noun: String { rawValue }

    /// What may be set, with the values of an entity that says nothing; null where it must say something.
    var defaults: [JSONValue.Member] {
        switch self {
        case .geofence:
            [
                .init("name", .null), .init("enabled", .boolean(true)), .init("priority", .number(0)),
                .init("geometry", .null), .init("metadata", .object([])),
            ]
        case .group: [.init("name", .null), .init("metadata", .object([]))]
        case .asset:
            [
                .init("name", .null), .init("enabled", .boolean(true)), .init("priority", .number(0)),
                .init("intervals_ttl", .number(0)), .init("metadata", .object([])),
            ]
        }
    }

    /// The names for `fields`.
    var fields: [String] { ["id"] + defaults.map(\.key) + ["cid"] }

    /// What the server alone sets.
    static let readOnly = ["id", "cid"]
}
