import Calculators
import Expressions
import Telemetry

/// The states that a selector of type `calc` gives to messages: on inside the intervals of another calculator.
enum SourceSelector {
    /// A message on the border of two source intervals belongs to the later; each source interval is a run of its own.
    /// `last` goes on to the first message by which the last source interval met is recognised.
    static func states(
        _ timestamps: [Int64], _ source: SourceReference, _ intervals: [Interval], _ environment: ExpressionEnvironment,
        last: inout Value?
    ) -> [MarkupState] {
        var states = [MarkupState](repeating: .off, count: timestamps.count)
        guard let first = timestamps.first, let end = timestamps.last else { return states }
        let near = source.valid(intervals.touching(first, end), environment)
        var place = -1
        for (row, moment) in timestamps.enumerated() {
            while place + 1 < near.count, near[place + 1].begin.microseconds <= moment { place += 1 }
            guard place >= 0, near[place].end.microseconds >= moment else { continue }
            let identity = Value.number(Double(near[place].firstOn.microseconds))
            states[row] = identity == last ? .on : .new
            last = identity
        }
        return states
    }
}
