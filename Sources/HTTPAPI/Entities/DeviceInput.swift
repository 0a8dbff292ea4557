import Telemetry

/// Makes a device's settings of what a client sent.
struct DeviceInput {
    var limits: APILimits

    /// The settings of a new device.
    func created(from value: JSONValue, path: String) throws(APIFailure) -> JSONValue {
        try InputFields.refuseID(of: value, path: path)
        return try settings(value, over: .object(DeviceEntity.defaults), merging: false, path: path)
    }

    /// The settings of a device after a change: PUT replaces the fields given, PATCH merges those that are objects.
    func changed(_ settings: JSONValue, by value: JSONValue, merging: Bool) throws(APIFailure) -> JSONValue {
        try self.settings(value, over: settings, merging: merging, path: "")
    }

    private func settings(
        _ value: JSONValue, over base: JSONValue, merging: Bool, path: String
    ) throws(APIFailure) -> JSONValue {
        var fields = InputFields(value, path: path)
        var result = base
        read(&fields, &result)
        for key in ["configuration", "metadata"] {
            guard let object = object(key, &fields) else { continue }
            result[key] = merging ? (base[key] ?? .object([])).merged(with: object) : object
        }
        checkIdent(result["configuration"] ?? .object([]), &fields)
        checkMetadata(result["metadata"] ?? .object([]), &fields)
        fields.refuseUnknown("a device", readOnly: DeviceEntity.readOnly)
        try fields.check()
        return result
    }

    private func read(_ fields: inout InputFields, _ result: inout JSONValue) {
        if let name = fields.string("name") {
            result["name"] = .string(name)
            if name.utf8.count > limits.nameBytesMax { fields.fail("name", "is over \(limits.nameBytesMax) bytes") }
        }
        if let flag = fields.boolean("enabled") { result["enabled"] = .boolean(flag) }
        for key in [
            "device_type_id", "protocol_id", "messages_ttl", "messages_rotate", "media_ttl", "media_rotate",
        ] {
            if let number = fields.integer(key, 0...(1 << 53)) { result[key] = JSONValue(number) }
        }
    }

    private func object(_ key: String, _ fields: inout InputFields) -> JSONValue? {
        guard let value = fields.value(key) else { return nil }
        if value.members != nil { return value }
        fields.fail(key, "must be an object, not \(value.typeName)")
        return nil
    }

    /// An ident is a level of MQTT topics, so some characters cannot be in it.
    private func checkIdent(_ configuration: JSONValue, _ fields: inout InputFields) {
        let key = "configuration.ident"
        guard let ident = configuration["ident"] else {
            return fields.fail(key, "is missing: what the device calls itself, such as its IMEI")
        }
        guard let text = ident.stringValue else {
            return fields.fail(key, "must be a string, not \(ident.typeName)")
        }
        if text.isEmpty { return fields.fail(key, "is empty") }
        if text.utf8.count > limits.identBytesMax { return fields.fail(key, "is over \(limits.identBytesMax) bytes") }
        if let refused = text.unicodeScalars.first(where: { !Self.isAllowed($0) }) {
            let isShown = refused.properties.generalCategory != .control && refused.value != 0x7f
            fields.fail(key, "holds \(isShown ? "'\(refused)'" : "a character that cannot be printed")")
        }
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate: false
        default: scalar != "#" && scalar != "+" && scalar != "/"
        }
    }

    private func checkMetadata(_ metadata: JSONValue, _ fields: inout InputFields) {
        if (metadata.members?.count ?? 0) > limits.metadataKeysMax {
            fields.fail("metadata", "has more than \(limits.metadataKeysMax) keys")
        }
        if metadata.text.utf8.count > limits.metadataBytesMax {
            fields.fail("metadata", "is over \(limits.metadataBytesMax) bytes")
        }
    }
}

extension JSONValue {
    /// This object with the keys of another put over it; a null takes its key away.
    func merged(with other: JSONValue) -> JSONValue {
        guard members != nil, let changes = other.members else { return other }
        var result = self
        for change in changes {
            switch change.value {
            case .null: result[change.key] = nil
            case .object: result[change.key] = (result[change.key] ?? .object([])).merged(with: change.value)
            default: result[change.key] = change.value
            }
        }
        return result
    }
}
