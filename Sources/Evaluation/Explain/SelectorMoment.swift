import Calculators
import Expressions
import Telemetry

/// One message as it meets one selector: all that its causes are told from.
struct SelectorMoment {
    let plan: EvaluationPlan
    let index: Int
    /// The selector's memory right before and right after the message.
    let before: SelectorTrack
    let after: SelectorTrack
    /// The message, as a block of one row of the calculator's stream.
    let row: ExpressionBlock
    /// What it was to the selector.
    let mark: StreamHistory.Mark
    let sources: [CalculatorID: [Interval]]

    var selector: Selector { plan.calculator.selectors[index] }
    var options: Selector.Options { selector.options }
    var environment: ExpressionEnvironment { plan.environment }
    var moment: Int64 { row.timestamps[0] }

    var label: SelectorLabel { SelectorLabel(selector, index: index) }

    /// The message as the selector looked at it.
    var message: TracedMessage {
        let names = plan.calculator.layout.names
        switch selector.kind {
        case .boolean(let program), .change(let program):
            return TracedMessage(
                program, row, memory: before.memory ?? ProgramMemory(for: program), names: names, environment,
                moment: moment)
        case .geofence:
            let position = ["position.latitude", "position.longitude", "position.valid"]
            return TracedMessage(moment, parameters: TracedMessage.parameters(position, row, names: names))
        case .inactive:
            return TracedMessage(
                moment, parameters: TracedMessage.parameters(["server.timestamp"], row, names: names))
        case .datetime, .source: return TracedMessage(moment)
        }
    }

    func cause(_ code: ExplainedCause.Code, _ text: String, _ details: [JSONValue.Member] = []) -> ExplainedCause {
        ExplainedCause(code: code, text: text, selector: label, details: details, message: message)
    }

    /// A cause that is a stretch of time over its limit.
    func cause(
        _ code: ExplainedCause.Code, _ text: String, seconds: Int64, limit: Int64, _ more: [JSONValue.Member] = []
    ) -> ExplainedCause {
        let compared: [JSONValue.Member] = [
            .init("seconds", JSONValue(seconds: seconds)), .init("limit", JSONValue(seconds: limit)),
        ]
        return cause(code, text, compared + more)
    }
}

extension SelectorLabel {
    init(_ selector: Selector, index: Int) {
        self.index = index
        name = selector.name
        type =
            switch selector.kind {
            case .boolean, .change: "expression"
            case .datetime: "datetime"
            case .geofence: "geofence"
            case .inactive: "inactive"
            case .source: "calc"
            }
    }

    /// What a sentence calls it.
    var title: String { name.isEmpty ? "the selector \(index) (\(type))" : "the selector '\(name)'" }
}

extension Int64 {
    /// A stretch of microseconds as a sentence says it: `90 s`.
    var secondsText: String { JSONValue(seconds: self).text + " s" }

    /// A moment as a sentence says it, in local time.
    func momentText(in zone: TimeZoneTable) -> String {
        TimeFormat("%Y-%m-%d %H:%M:%S").text(Timestamp(microseconds: self), in: zone)
    }
}
