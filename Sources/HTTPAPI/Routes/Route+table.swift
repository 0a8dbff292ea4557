import HTTPTypes
extension Route {
    /// Every route of the API; registration, the check of query parameters and `/openapi.json` are made from it.
    package static let table: [Route] =
        devices + messages + apart + calculators + replays + entities + assignments + explain + verify + changes
        + onDemand + service + health + fleet + reporting
        + tokens

    static let fields = Parameter("fields", .string, "the fields wanted, with commas; all if left out")
    static let collection = [
        fields, Parameter("limit", .integer, "the most items of the page"),
        Parameter("offset", .integer, "how many items to pass over"),
    ]

    private static let devices: [Route] = [
        Route(
            .post, "/gw/devices", "Create devices", parameters: [fields], body: "Device", takesMany: true,
            result: "Device",
            handler: API.createDevices),
        Route(
            .get, "/gw/devices/{selector}", "Read devices", parameters: collection, result: "Device",
            handler: API.readDevices),
        Route(
            .put, "/gw/devices/{selector}", "Replace the given fields of devices", parameters: [fields], body: "Device",
            result: "Device",
            handler: API.replaceDevices),
        Route(
            .patch, "/gw/devices/{selector}", "Merge the given fields into devices", parameters: [fields],
            body: "Device", result: "Device",
            handler: API.mergeDevices),
        Route(
            .delete, "/gw/devices/{selector}", "Delete devices with their messages and intervals", result: "Reference",
            handler: API.deleteDevices),
    ]

    private static let messages: [Route] = [
        Route(
            .get, messagesPath, "Read messages", parameters: messageQuery, result: "Message",
            handler: API.readMessages),
        Route(
            .post, messagesPath,
            "Store messages: of one device, or of several by their ident; answered once they are durable",
            parameters: [
                Parameter(
                    "history", .boolean, "imported history: each message counts as accepted at its own timestamp")
            ], body: "Message", takesMany: true, result: "Acceptance", handler: API.storeMessages),
        Route(
            .delete, messagesPath, "Not in this version: messages go by messages_ttl",
            parameters: messageQuery, handler: API.deleteMessages),
        Route(
            .get, "/gw/devices/{selector}/telemetry/{parameters}",
            "Read the latest value of each parameter: all, or names with commas", result: "Telemetry",
            handler: API.readTelemetry),
    ]

    private static let messageQuery = [
        Parameter("data", .string, "the parameters below as one JSON object; may also be the body"),
        Parameter("from", .number, "the earliest timestamp, in seconds"),
        Parameter("to", .number, "the latest timestamp, in seconds"),
        Parameter("count", .integer, "the most messages over all devices"), fields,
        Parameter("reverse", .boolean, "the latest first"),
        Parameter("filter", .string, "an expression that is true for the messages wanted"),
        Parameter("generalize", .integer, "one message for all those of so many seconds"),
        Parameter("method", .string, "what becomes of their numbers: average, minimum, maximum, first, last, summary"),
    ]

    private static let calculators: [Route] = [
        Route(
            .post, "/gw/calcs", "Create calculators", parameters: [fields], body: "Calculator", takesMany: true,
            result: "Calculator",
            handler: API.createCalculators),
        Route(
            .get, "/gw/calcs/{selector}", "Read calculators", parameters: collection, result: "Calculator",
            handler: API.readCalculators),
        Route(
            .put, "/gw/calcs/{selector}", "Replace the given fields of calculators; history is calculated again",
            parameters: [fields], body: "Calculator", result: "Calculator", handler: API.replaceCalculators),
        Route(
            .patch, "/gw/calcs/{selector}", "Merge the given fields into calculators", parameters: [fields],
            body: "Calculator",
            result: "Calculator", handler: API.mergeCalculators),
        Route(
            .delete, "/gw/calcs/{selector}", "Delete calculators with their intervals",
            parameters: [Parameter("force", .boolean, "even those that other calculators read")], result: "Reference",
            handler: API.deleteCalculators),
        Route(
            .get, "/gw/calcs/{selector}/revisions", "Read every definition that calculators have had",
            parameters: collection, result: "Revision", handler: API.readRevisions),
    ]

    private static let changes: [Route] = [
        Route(
            .get, "/gw/changes", "Read the change feed of a slot; without a slot, how far each feed has come",
            parameters: [
                Parameter("slot", .integer, "0 to 255"), Parameter("after", .integer, "rows after this revision"),
                Parameter("count", .integer, "the most rows"),
                Parameter("bodies", .boolean, "with the intervals themselves; true if left out"),
            ], result: "Change", handler: API.readChanges)
    ]

    private static let service: [Route] = [
        Route(
            .get, "/storage/expressions/functions", "List the functions of the expression language",
            result: "Function", handler: API.listFunctions),
        Route(.get, "/metrics", "Counts for Prometheus", handler: API.metricsText),
        Route(.get, "/openapi.json", "This description", handler: API.openAPI),
    ]

    private static let tokens: [Route] = [
        Route(
            .get, "/platform/tokens", "List tokens, without their keys", result: "Token", access: .master,
            handler: API.listTokens),
        Route(
            .post, "/platform/tokens", "Create tokens; the key is told this once", body: "TokenRequest",
            takesMany: true, result: "CreatedToken", access: .master, handler: API.createTokens),
        Route(
            .delete, "/platform/tokens/{id}", "Revoke tokens", result: "Reference", access: .master,
            handler: API.revokeTokens),
    ]
}
