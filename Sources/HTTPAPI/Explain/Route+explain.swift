import HTTPTypes

extension Route {
    /// Why intervals are what they are.
    static let explain: [Route] = [
        Route(
            .get, "/gw/calcs/{selector}/devices/{devices}/intervals/{intervals}/explain",
            "Why intervals begin and end where they do, and what was refused: all, last, or ids with commas",
            parameters: [
                Parameter("data", .string, "the parameters below as one JSON object; may also be the body"),
                Parameter("begin", .number, "what ends at or after it, in seconds; needed with all"),
                Parameter("end", .number, "what begins at or before it, in seconds; now if left out"),
                Parameter("refused", .boolean, "with the candidates that became no interval; true for all"),
            ], result: "Explanation", handler: API.explainIntervals)
    ]
}
