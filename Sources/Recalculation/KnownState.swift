import Calculators
import Evaluation

/// The state in which a job left the end of the data, with the bytes that were saved of it.
///
/// Most jobs begin where the one before ended: what they find saved is then taken from here, where it need not be
/// decoded. Nothing is lost with it.
package struct KnownState {
    /// Larger ones are decoded each time, so that many of them may be kept.
    private static let byteCountMax = 4_096

    private let bytes: [UInt8]
    private let state: EvaluationState
    /// What the state was evaluated by, whose parts it refers to.
    private let plan: EvaluationPlan

    /// Nil where bytes do not say everything, since lists of messages are not saved, or where they are many.
    init?(_ state: EvaluationState, bytes: [UInt8], _ plan: EvaluationPlan) {
        guard !plan.calculator.listsMessages, bytes.count <= Self.byteCountMax else { return nil }
        self.state = state
        self.bytes = bytes
        self.plan = plan
    }

    /// The state, if these are its bytes and it goes on by the same plan.
    func state(of bytes: [UInt8], _ plan: EvaluationPlan) -> EvaluationState? {
        plan === self.plan && bytes == self.bytes ? state : nil
    }
}
