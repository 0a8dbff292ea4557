import Calculators
import Telemetry

extension ExplainedMerging {
    /// Whether the neighbour of a border is merged, and if not, why.
    ///
    /// `selectors` are those whose run begins or ends there, `merged` is what the evaluation did.
    init(
        _ plan: EvaluationPlan, _ selectors: [Int], flag: KeyPath<Selector.Options, Bool>, option: String,
        from border: Int64, merged: Int64?, neighbour: Int64?
    ) {
        let lacking = selectors.filter { !plan.calculator.selectors[$0].options[keyPath: flag] }
        let labels = lacking.map { SelectorLabel(plan.calculator.selectors[$0], index: $0) }
        if let merged {
            self.init(code: .merged, text: "by \(option)", moment: Timestamp(microseconds: merged))
        } else if lacking.count == selectors.count {
            self.init(code: .notAsked, text: "\(option) is not set")
        } else if !lacking.isEmpty {
            self.init(
                code: .flagMissing, text: "\(option) is not set in \(labels.map(\.title).joined(separator: " and "))",
                details: [.init("selectors", .array(labels.map(\.json)))])
        } else if let neighbour, neighbour != border {
            self.init(gapFrom: border, to: neighbour, plan)
        } else {
            self.init(code: .noMessage, text: "there is no message beyond")
        }
    }

    private init(gapFrom border: Int64, to neighbour: Int64, _ plan: EvaluationPlan) {
        let distance = max(border, neighbour) - min(border, neighbour)
        let limit = plan.gaps.filter { $0 < distance }.min() ?? 0
        self.init(
            code: .gap,
            text: "the message is \(distance.secondsText) away, over max_messages_time_diff of \(limit.secondsText)",
            moment: Timestamp(microseconds: neighbour),
            details: [.init("seconds", JSONValue(seconds: distance)), .init("limit", JSONValue(seconds: limit))])
    }
}
