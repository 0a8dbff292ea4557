import PrimaryStore
import Telemetry

/// What `GET …/intervals/{ids|last|all}/explain` asks for.
struct ExplainRequest: Sendable {
    /// The stored intervals that are meant.
    let query: IntervalQuery
    /// What is explained; nil: the intervals that are named, each from its begin to its end.
    let range: TimeRange?
    /// Whether the candidates that became no interval are wanted too, and what hides messages.
    let wantsRefused: Bool

    init(_ call: Call, now: Timestamp, limits: APILimits) throws(APIFailure) {
        var input = try call.dataFields()
        let begin = input.moment("begin")
        let end = input.moment("end")
        let refused = input.boolean("refused")
        input.refuseUnknown("an explanation")
        if let begin, let end, begin > end { input.fail("begin", "is after end") }
        let which = call.segment("intervals")
        let ids = try IntervalRequest.ids(which, limits)
        let isAll = which == "all"
        if isAll, begin == nil {
            input.fail(
                "begin", "is missing: all intervals are explained over a range",
                hint: "name begin and end, in seconds, or an interval in the place of \"all\"")
        }
        try input.check()
        let isRanged = begin != nil || end != nil
        let given = TimeRange(inclusive: begin ?? .distantPast, end ?? max(now, begin ?? now))
        if isAll, given.seconds > limits.explain.rangeSecondsMax {
            throw APIFailure(
                .tooLarge, "the range is over \(Int64(limits.explain.rangeSecondsMax)) s", hint: "narrow begin and end")
        }
        range = isAll ? given : nil
        wantsRefused = refused ?? isAll
        // One more than is shown tells that there are more.
        query = IntervalQuery(
            range: isRanged ? given : nil, ids: ids, isLastOnly: which == "last",
            countMax: limits.explain.itemsMax + 1)
    }
}

extension TimeRange {
    fileprivate var seconds: Double { Double(upper.microseconds - lower.microseconds) / 1e6 }
}
