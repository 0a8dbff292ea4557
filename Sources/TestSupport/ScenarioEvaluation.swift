import Calculators
import Evaluation
import Expressions
import Telemetry

/// One way to evaluate a scenario's messages: cut into blocks, with or without the state saved at every cut.
package struct ScenarioEvaluation: Sendable {
    package var intervals: [EvaluatedInterval] = []
    /// The state at the end, as bytes.
    package var state: [UInt8] = []

    /// Evaluates messages; `cuts` are the indices of rows before which a new block begins.
    ///
    /// With `restoring`, each block goes on from the bytes of the state before it, as after a restart. The calculators
    /// that are read are evaluated before, in one go.
    package init(
        _ scenario: Scenario, _ progress: Scenario.Progress, cuts: [Int] = [], restoring: Bool = false
    ) throws {
        var sources: [CalculatorID: [Interval]] = [:]
        for source in scenario.sources {
            let stream = ScenarioStream(source.calculator, scenario.facts, progress, sources)
            let evaluation = try ScenarioEvaluation(
                source.calculator, source.environment, stream, now: progress.clock, sources: sources)
            sources[source.id] = evaluation.intervals.map(\.interval)
        }
        let stream = ScenarioStream(scenario.calculator, scenario.facts, progress, sources)
        try self.init(
            scenario.calculator, scenario.environment, stream, now: progress.clock, sources: sources, cuts: cuts,
            restoring: restoring)
    }

    private init(
        _ calculator: Calculator, _ environment: ExpressionEnvironment, _ stream: ScenarioStream, now: Timestamp,
        sources: [CalculatorID: [Interval]], cuts: [Int] = [], restoring: Bool = false
    ) throws {
        var evaluator = Evaluator(calculator, environment: environment)
        evaluator.sources = sources
        var start = 0
        for cut in stream.possible(cuts) + [stream.count] {
            intervals += evaluator.consume(stream.block(start..<cut))
            start = cut
            guard restoring else { continue }
            let state = try EvaluationState(calculator, decoding: evaluator.state.encoded())
            evaluator = Evaluator(calculator, environment: environment, from: state)
            evaluator.sources = sources
        }
        intervals += evaluator.pendingIntervals(now: now)
        state = evaluator.state.encoded()
    }

    /// The intervals as they are stored, without `id` and `timestamp`.
    package func json() throws -> [JSONValue] {
        try intervals.map { try JSONValue(parsing: $0.interval.head + $0.interval.tail) }
    }
}

/// What a calculator reads as messages: those of the device, or the intervals of another calculator.
struct ScenarioStream {
    private let layout: ColumnLayout
    private let facts: DeviceFacts
    private let progress: Scenario.Progress
    /// The closed intervals that stand for messages; nil: the device's messages.
    private let source: [Interval]?

    init(
        _ calculator: Calculator, _ facts: DeviceFacts, _ progress: Scenario.Progress,
        _ sources: [CalculatorID: [Interval]]
    ) {
        layout = calculator.layout
        self.facts = facts
        self.progress = progress
        source = calculator.messagesSource.map { id in (sources[id] ?? []).filter { !$0.isActive } }
    }

    var count: Int { source?.count ?? progress.messages.count }

    func block(_ range: Range<Int>) -> MessageBlock {
        guard let source else {
            let binding = ColumnBinding(layout, table: progress.table, facts: facts)
            return binding.block(progress.messages.slice(range))
        }
        let messages = SourceMessages(layout, facts: facts)
        let before = messages.block(Array(source[..<range.lowerBound])).content.timestamps.last
        return messages.block(
            Array(source[..<range.upperBound]), after: before.map(Timestamp.init(microseconds:)) ?? .distantPast)
    }

    /// Cuts move up so that messages of one timestamp stay in one block.
    func possible(_ cuts: [Int]) -> [Int] {
        let moved = cuts.compactMap { cut -> Int? in
            guard cut > 0, cut < count else { return nil }
            if source != nil { return cut }
            let timestamps = progress.messages.timestamps
            return (cut..<count).first { timestamps[$0] != timestamps[$0 - 1] }
        }
        return Set(moved).sorted()
    }
}
