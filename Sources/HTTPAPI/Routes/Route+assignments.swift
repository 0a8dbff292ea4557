import HTTPTypes

extension Route {
    /// Calculators on devices and on assets, and the intervals of both.
    static let assignments: [Route] = [
        "/gw/calcs/{selector}/devices/{devices}", "/gw/calcs/{selector}/assets/{assets}",
    ].flatMap(assignments)

    private static func assignments(_ assigned: String) -> [Route] {
        [
            Route(
                .post, assigned, "Assign calculators; the body may say {\"enabled\":false}", body: "Enabling",
                result: "Assignment", handler: API.assign),
            Route(
                .get, assigned, "Read assignments", parameters: collection, result: "Assignment",
                handler: API.readAssignments),
            Route(
                .put, assigned, "Enable or disable assignments", body: "Enabling", result: "Assignment",
                handler: API.enableAssignments),
            Route(
                .delete, assigned, "Unassign; the intervals are deleted for good",
                parameters: [confirmation],
                result: "Reference", handler: API.unassign),
            Route(
                .get, assigned + "/intervals/{intervals}", "Read intervals: all, last, or ids with commas",
                parameters: [
                    Parameter("data", .string, "the parameters below as one JSON object; may also be the body"),
                    Parameter("begin", .number, "intervals that end at or after it, in seconds"),
                    Parameter("end", .number, "intervals that begin at or before it, in seconds"),
                    Parameter("count", .integer, "the most intervals of each assignment"),
                    Parameter("reverse", .boolean, "the latest first"), fields,
                    Parameter("filter", .string, "an expression over an interval's fields"),
                    Parameter("as_of", .number, "as they were known at this moment, in seconds"),
                    Parameter("revision", .boolean, "with the revision of the calculator that made each"),
                ], result: "Interval", handler: API.readIntervals),
            Route(
                .put, assigned + "/intervals/{intervals}",
                "Set fields of one's own beside the counters of intervals; null takes one away", body: "Fields",
                result: "Interval", handler: API.setIntervalFields),
            Route(
                .post, assigned + "/recalculate", "Calculate a range again: all that is not frozen if none is given",
                body: "Range", result: "Reference", handler: API.recalculate),
            Route(
                .get, assigned + "/jobs", "Read the ledger of recalculation jobs, the latest first",
                parameters: [Parameter("count", .integer, "the most jobs")], result: "Job", handler: API.readJobs),
            Route(
                .post, assigned + "/jobs/{id}", "Release a held job, which applies its differences, or discard it",
                body: "JobAction", result: "Job", handler: API.decideJob),
        ]
    }
}
