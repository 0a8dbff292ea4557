import PrimaryStore
import Telemetry

/// A device as the API holds it.
struct DeviceEntity: Sendable {
    let id: DeviceID
    let ident: String
    let name: String
    let revision: Int64
    /// What may be set and differs from `DeviceEntity.defaults`, which nearly all of it does not.
    private let given: JSONValue
    /// Whether its messages are kept for a limited time, or up to a limited size.
    let expires: Bool

    /// What may be set, in the order of `DeviceEntity.defaults`.
    var settings: JSONValue { .object(Self.defaults.map { .init($0.key, given[$0.key] ?? $0.value) }) }

    /// What may be set, with the values of a device that says nothing.
    static let defaults: [JSONValue.Member] = [
        .init("name", .string("")), .init("enabled", .boolean(true)), .init("device_type_id", .number(0)),
        .init("protocol_id", .number(0)), .init("configuration", .object([])), .init("messages_ttl", .number(0)),
        .init("messages_rotate", .number(0)), .init("media_ttl", .number(0)), .init("media_rotate", .number(0)),
        .init("metadata", .object([])),
    ]

    /// What the server alone sets.
    static let readOnly = [
        "id", "cid", "connected", "blocked", "last_active", "messages_size", "sync_state", "telemetry", "horizon",
    ]

    /// The names for `fields`; `messages_size` is counted only where it is asked for by name.
    static let fields =
        ["id"] + defaults.map(\.key) + [
            "cid", "connected", "blocked", "last_active", "messages_size", "sync_state", "horizon",
        ]

    init(_ record: DeviceRecord) {
        id = record.id
        ident = record.ident
        name = record.name
        revision = record.revision
        let stored = (try? JSONValue(parsing: record.json)) ?? .object([])
        let given = JSONValue.object(
            Self.defaults.compactMap { field in
                stored[field.key].flatMap { $0 == field.value ? nil : .init(field.key, $0) }
            })
        self.given = given
        expires = ["messages_ttl", "messages_rotate"].contains { given[$0]?.numberValue ?? 0 > 0 }
    }

    /// The whole object but what must be looked up.
    var json: JSONValue {
        .object(
            [.init("id", JSONValue(id.rawValue))] + (settings.members ?? []) + [
                .init("cid", .number(0)), .init("connected", .boolean(false)), .init("blocked", .boolean(false)),
            ])
    }
}
