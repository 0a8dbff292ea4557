import HTTPTypes

extension Route {
    /// What is published to PostgreSQL.
    static let reporting: [Route] = [
        Route(
            .get, "/gw/reporting", "How far the reports in PostgreSQL are; 404 where none are published",
            result: "Reporting", handler: API.readReporting),
        Route(
            .post, "/gw/reporting/rebuild", "Write the reports anew from the store; what is right is left",
            result: "Reporting", access: .master, handler: API.rebuildReporting),
    ]
}

extension OpenAPI {
    /// Of the schema `Reporting`.
    static var reporting: Document {
        ["type": "object", "properties": ["feed": deliveryLoop, "messages": deliveryLoop]]
    }

    private static var deliveryLoop: Document {
        [
            "type": "object",
            "properties": [
                "state": [
                    "type": "string",
                    "enum": ["connecting", "idle", "busy", "rebuilding", "waiting", "failing", "refused"],
                ],
                "reason": text, "done": whole, "total": whole, "since": ["type": "number"], "lag": whole,
                "lag_seconds": ["type": "number"], "written": whole, "deleted": whole, "passed_over": whole,
                "batches": whole, "retries": whole, "damaged": whole, "last_error": ["type": ["string", "null"]],
                "last_delivery": ["type": ["number", "null"]],
            ],
        ]
    }
}
