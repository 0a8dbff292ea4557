import Calculators
import Evaluation
import Telemetry

/// One way to evaluate a scenario's messages: cut into blocks, with or without the state saved at every cut.
package struct ScenarioEvaluation: Sendable {
    package var intervals: [EvaluatedInterval] = []
    /// The state at the end, as bytes.
    package var state: [UInt8] = []

    /// Evaluates messages; `cuts` are the indices of rows before which a new block begins.
    ///
    /// With `restoring`, each block goes on from the bytes of the state before it, as after a restart.
    package init(
        _ scenario: Scenario, _ progress: Scenario.Progress, cuts: [Int] = [], restoring: Bool = false
    ) throws {
        let calculator = scenario.calculator
        let binding = ColumnBinding(calculator.layout, table: progress.table, facts: scenario.facts)
        var evaluator = Evaluator(calculator, environment: scenario.environment)
        var start = 0
        for cut in Self.possible(cuts, progress.messages) + [progress.messages.count] {
            intervals += evaluator.consume(binding.block(progress.messages.slice(start..<cut)))
            start = cut
            guard restoring else { continue }
            let state = try EvaluationState(calculator, decoding: evaluator.state.encoded())
            evaluator = Evaluator(calculator, environment: scenario.environment, from: state)
        }
        intervals += evaluator.pendingIntervals(now: progress.clock)
        state = evaluator.state.encoded()
    }

    /// The intervals as they are stored, without `id` and `timestamp`.
    package func json() throws -> [JSONValue] {
        try intervals.map { try JSONValue(parsing: $0.interval.head + $0.interval.tail) }
    }

    /// Cuts move up so that messages of one timestamp stay in one block.
    private static func possible(_ cuts: [Int], _ messages: MessageBatch) -> [Int] {
        let moved = cuts.compactMap { cut -> Int? in
            guard cut > 0, cut < messages.count else { return nil }
            return (cut..<messages.count).first { messages.timestamps[$0] != messages.timestamps[$0 - 1] }
        }
        return Set(moved).sorted()
    }
}
