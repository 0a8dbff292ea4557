import HTTPTypes

extension Route {
    /// Messages that were acknowledged and kept apart.
    static let apart: [Route] = [
        Route(
            .get, "/gw/devices/{selector}/messages/apart",
            "Read messages that were kept apart: future, late and impossible ones",
            parameters: [
                reason, Parameter("count", .integer, "the most messages"),
                Parameter("after", .integer, "messages with a greater id than this"),
            ], result: "ApartMessage", handler: API.readApart),
        Route(
            .post, "/gw/devices/{selector}/messages/apart/{ids}",
            "Admit messages that were kept apart: all, or ids with commas; a timestamp is for one without a possible one",
            parameters: [reason], body: "ApartTimestamp", result: "ApartAdmission", handler: API.admitApart),
        Route(
            .delete, "/gw/devices/{selector}/messages/apart/{ids}",
            "Let messages that were kept apart go: all, or ids with commas", parameters: [reason],
            result: "ApartDeletion", handler: API.deleteApart),
    ]

    private static let reason = Parameter("reason", .string, "only those of a reason: future, late or impossible")
}

extension OpenAPI {
    static var apartMessage: Document {
        [
            "type": "object",
            "properties": [
                "id": whole, "device_id": whole,
                "reason": ["type": "string", "enum": ["future", "late", "impossible"]],
                "timestamp": ["type": ["number", "null"]], "server.timestamp": seconds, "message": free,
            ],
        ]
    }

    static let apartTimestamp: Document = ["type": "object", "properties": ["timestamp": seconds]]

    /// What was done with messages kept apart of a device.
    static func apartOutcome(_ verb: String) -> Document {
        var properties: Document = ["device_id": whole]
        properties[verb] = whole
        properties["ids"] = ["type": "array", "items": whole]
        return ["type": "object", "properties": properties]
    }
}
