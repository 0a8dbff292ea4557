import Calculators
import Evaluation
import Expressions
import LocalCache
import Telemetry

extension RecalculationJob {
    /// A job that finds, instead of intervals, the state of the evaluation after all messages before a moment, with all
    /// lists (`outcome.state`).
    package init(
        stateAt moment: Timestamp, key: AssignmentKey, inputs: Inputs, now: Timestamp
    ) {
        self.init(
            key: key, inputs: inputs, ranges: [TimeRange(lower: moment, upper: moment)],
            now: now, stateSpacing: Self.stateSpacingDefault, stateMoment: moment)
    }

    mutating func step(to moment: Timestamp, _ cache: WorkerCache) throws {
        guard var segment = self.segment else { return }
        // No interval is wanted.
        segment.regionLower = .distantFuture
        let block = try reader.block(after: segment.position, cache)
        let before = Timestamp(microseconds: moment.microseconds - 1)
        let end = block?.firstRow(after: before) ?? 0
        if let block, end > 0 {
            try readSources(&segment, upTo: Timestamp(microseconds: block.content.timestamps[end - 1]))
            consume(block.slice(0..<end), &segment)
        }
        if let block, end == block.count {
            self.segment = segment
        } else if segment.evaluator.state.isIncomplete {
            // What was saved does not reach back far enough: the horizon does.
            self.segment = try beginAtHorizon(TimeRange(lower: moment, upper: moment))
        } else {
            outcome.state = segment.evaluator.state.encoded(withLists: true)
            self.segment = nil
        }
    }
}
