import Expressions
import PrimaryStore
import Telemetry

/// Makes the settings of a geofence, a group or an asset of what a client sent.
struct EntityInput {
    let kind: EntityKind
    let limits: APILimits

    private static let priorities = 0.0...100.0

    /// The settings of a new entity.
    func created(from value: JSONValue, path: String) throws(APIFailure) -> JSONValue {
        try InputFields.refuseID(of: value, path: path)
        return try settings(value, over: .object(kind.defaults), merging: false, path: path)
    }

    /// The settings after a change: PUT replaces the fields given, PATCH merges those that are objects.
    func changed(_ settings: JSONValue, by value: JSONValue, merging: Bool) throws(APIFailure) -> JSONValue {
        try self.settings(value, over: settings, merging: merging, path: "")
    }

    private func settings(
        _ value: JSONValue, over base: JSONValue, merging: Bool, path: String
    ) throws(APIFailure) -> JSONValue {
        var fields = InputFields(value, path: path)
        var result = base
        let known = Set(kind.defaults.map(\.key))
        readName(&fields, &result)
        if known.contains("enabled"), let flag = fields.boolean("enabled") { result["enabled"] = .boolean(flag) }
        if known.contains("priority") { readPriority(&fields, &result) }
        if known.contains("intervals_ttl"), let seconds = fields.integer("intervals_ttl", 0...(1 << 53)) {
            result["intervals_ttl"] = JSONValue(seconds)
        }
        if known.contains("geometry"), let geometry = fields.object("geometry") {
            result["geometry"] = merging ? Self.merged(base["geometry"] ?? .null, with: geometry) : geometry
        }
        if let metadata = fields.object("metadata") {
            result["metadata"] = merging ? (base["metadata"] ?? .object([])).merged(with: metadata) : metadata
            fields.checkMetadata(result["metadata"] ?? .null, limits)
        }
        fields.refuseUnknown("a \(kind.noun)", readOnly: EntityKind.readOnly)
        if kind == .geofence, fields.problems.isEmpty { checkGeofence(result, &fields) }
        try fields.check()
        return result
    }

    private func readName(_ fields: inout InputFields, _ result: inout JSONValue) {
        if let name = fields.string("name") {
            result["name"] = .string(name)
            if name.isEmpty { fields.fail("name", "is empty") }
            if name.utf8.count > limits.nameBytesMax { fields.fail("name", "is over \(limits.nameBytesMax) bytes") }
        } else if result["name"]?.stringValue == nil, fields.problems.isEmpty {
            fields.fail("name", "is missing")
        }
    }

    private func readPriority(_ fields: inout InputFields, _ result: inout JSONValue) {
        guard let priority = fields.number("priority") else { return }
        guard Self.priorities.contains(priority) else {
            return fields.fail("priority", "must be a number from 0 to 100")
        }
        result["priority"] = .number(priority)
    }

    /// A geometry of another type shares nothing with the one before.
    private static func merged(_ old: JSONValue, with new: JSONValue) -> JSONValue {
        let type = new["type"]
        return type == nil || type == old["type"] ? old.merged(with: new) : new
    }

    private func checkGeofence(_ settings: JSONValue, _ fields: inout InputFields) {
        guard settings["geometry"]?.members != nil else {
            return fields.fail(
                "geometry", "is missing: a circle, a polygon or a corridor",
                hint: "{\"type\":\"circle\",\"center\":{\"lat\":…,\"lon\":…},\"radius\":kilometres}")
        }
        do throws(GeofenceError) { _ = try Geofence(settings) } catch { fields.fail(error.path, error.reason) }
    }
}

extension InputFields {
    /// The value of a key that must be an object.
    mutating func object(_ key: String) -> JSONValue? {
        guard let value = value(key) else { return nil }
        if value.members != nil { return value }
        fail(key, "must be an object, not \(value.typeName)")
        return nil
    }

    mutating func checkMetadata(_ metadata: JSONValue, _ limits: APILimits) {
        if (metadata.members?.count ?? 0) > limits.metadataKeysMax {
            fail("metadata", "has more than \(limits.metadataKeysMax) keys")
        }
        if metadata.text.utf8.count > limits.metadataBytesMax {
            fail("metadata", "is over \(limits.metadataBytesMax) bytes")
        }
    }
}
