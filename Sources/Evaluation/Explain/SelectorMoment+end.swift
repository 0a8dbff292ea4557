import Calculators
import Telemetry

/// Why a run ends.
extension SelectorMoment {
    /// `offSince` is the first message after the last one that is on which was not.
    func end(_ cause: RunCause, offSince: Int64?) -> ExplainedCause {
        let run = before.run
        switch cause {
        case .gap:
            let last = before.lastSeen ?? moment
            return gap(from: last, to: moment)
        case .maxInactive:
            let span = moment - (run?.lastOn ?? moment)
            let since = offSince.map { [JSONValue.Member("off_since", JSONValue(seconds: $0))] } ?? []
            return self.cause(
                .maxInactive,
                "not on for \(span.secondsText), over max_inactive of \(options.maxInactive.secondsText); "
                    + "then \(state)",
                seconds: span, limit: options.maxInactive, since)
        case .onNew: return novelty(.onNew)
        case .maxActive:
            let span = moment - (run?.partFirst ?? moment)
            return self.cause(
                .maxActive,
                "with the next message it would have lasted \(span.secondsText), over max_active of "
                    + options.maxActive.secondsText, seconds: span, limit: options.maxActive)
        default:
            return self.cause(.off, mark == .unknown ? "\(state): unknown counts as off" : state, here)
        }
    }

    private func gap(from last: Int64, to next: Int64) -> ExplainedCause {
        let limit = options.maxMessagesTimeDiff
        let details: [JSONValue.Member] = [
            .init("seconds", JSONValue(seconds: next - last)), .init("limit", JSONValue(seconds: limit)),
            .init("from", JSONValue(seconds: last)), .init("to", JSONValue(seconds: next)),
        ]
        let text =
            "no message for \((next - last).secondsText), over max_messages_time_diff of \(limit.secondsText)"
        return ExplainedCause(
            code: .gap, text: text, selector: label, details: details, message: TracedMessage(next))
    }
}
