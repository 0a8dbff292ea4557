import Calculators
import Expressions
import Telemetry

/// Which rows of a block selectors and counters see, and what hides the others.
struct MessageVisibility {
    struct Hidden {
        var row: Int
        var cause: HiddenMessages.Cause
    }

    /// The rows that are seen, and those that are not, both ascending.
    private(set) var rows: [Int] = []
    private(set) var hidden: [Hidden] = []

    private let block: MessageBlock
    private let plan: EvaluationPlan
    /// What `validate_message` remembers before the block.
    private let memory: ProgramMemory?

    init(_ block: MessageBlock, memory: ProgramMemory?, _ plan: EvaluationPlan) {
        (self.block, self.memory, self.plan) = (block, memory, plan)
        var truth: [Bool]?
        if let validate = plan.calculator.validateMessage, var memory {
            truth = validate.evaluate(block.content, memory: &memory, environment: plan.environment).truth()
        }
        for row in 0..<block.count {
            if truth?[row] == false {
                hidden.append(Hidden(row: row, cause: .validateMessage))
            } else if plan.updatePeriod > 0, lateness(row) > plan.updatePeriod {
                hidden.append(Hidden(row: row, cause: .updatePeriod))
            } else {
                rows.append(row)
            }
        }
    }

    private func lateness(_ row: Int) -> Int64 { block.acceptances[row] - block.content.timestamps[row] }

    /// A hidden message as `validate_message` saw it.
    func sample(_ hidden: Hidden) -> HiddenMessage {
        let moment = block.content.timestamps[hidden.row]
        guard hidden.cause == .validateMessage, let validate = plan.calculator.validateMessage, var memory else {
            return HiddenMessage(
                cause: hidden.cause, secondsLate: Double(lateness(hidden.row)) / 1e6, message: TracedMessage(moment))
        }
        _ = validate.evaluate(block.content, rows: 0..<hidden.row, memory: &memory, environment: plan.environment)
        let message = TracedMessage(
            validate, block.content.slice(hidden.row..<hidden.row + 1), memory: memory,
            names: plan.calculator.layout.names, plan.environment, moment: moment)
        return HiddenMessage(cause: hidden.cause, secondsLate: nil, message: message)
    }
}
