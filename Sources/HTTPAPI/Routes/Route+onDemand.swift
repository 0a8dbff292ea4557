import HTTPTypes

extension Route {
    /// What is calculated when it is asked for, and stored nowhere.
    static let onDemand: [Route] = [
        Route(
            .get, "/gw/devices/{selector}/messages/calculate",
            "Calculate intervals over stored messages, with a definition that is not stored or with calc_id",
            parameters: calculation, result: "Interval", handler: API.calculateDevices),
        Route(
            .post, "/gw/devices/{selector}/calculate", "The same with a body", parameters: calculation,
            body: "Calculation", result: "Interval", handler: API.calculateDevices),
        Route(
            .get, "/gw/devices/{selector}/intervals", "The same under its oldest name", parameters: calculation,
            result: "Interval", handler: API.calculateDevices),
        Route(
            .post, assignedPath + "/calculate",
            "Calculate what is assigned over a range, with other fields where the body gives some",
            parameters: calculation, body: "Calculation", result: "Interval", handler: API.calculateAssignments),
        Route(
            .get, assignedPath + "/intervals/calculate",
            "Calculate over the stored intervals of all assignments, joined into one stream of messages",
            parameters: calculation, result: "Interval", handler: API.calculateIntervals),
        Route(
            .post, "/gw/calcs/{selector}/dry-run",
            "What a change of calculators would do to their intervals; nothing is changed", body: "DryRun",
            result: "DryRunReport", handler: API.dryRun),
        Route(
            .post, "/storage/expressions/test", "Evaluate an expression over messages given with it",
            body: "ExpressionTest", result: "ExpressionResult", handler: API.testExpression),
    ]

    private static let assignedPath = "/gw/calcs/{selector}/devices/{devices}"

    private static let calculation = [
        Parameter("data", .string, "the calculation as one JSON object; may also be the body"),
        Parameter("from", .number, "the earliest timestamp, in seconds; 0 for no limit"),
        Parameter("to", .number, "the latest timestamp, in seconds; 0 for no limit"),
    ]
}
