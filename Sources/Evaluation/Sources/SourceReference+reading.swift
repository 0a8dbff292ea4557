import Calculators
import Expressions
import Telemetry

extension SourceReference {
    /// The intervals that pass `validate_interval`.
    func valid(_ intervals: ArraySlice<Interval>, _ environment: ExpressionEnvironment) -> [Interval] {
        guard let validateInterval, !intervals.isEmpty else { return Array(intervals) }
        var memory = ProgramMemory(for: validateInterval)
        let truth = validateInterval.evaluate(block(intervals), memory: &memory, environment: environment).truth()
        return zip(intervals, truth).compactMap { $1 ? $0 : nil }
    }

    /// Intervals as rows that programs run over.
    func block(_ intervals: ArraySlice<Interval>) -> ExpressionBlock {
        let columns = layout.names.map { name in
            var column = ValueColumn()
            for interval in intervals { column.append(interval.field(name)) }
            return column
        }
        return ExpressionBlock(timestamps: intervals.map(\.end.microseconds), columns: columns)
    }
}

extension Interval {
    /// The value of a field by its name; nil where there is none.
    func field(_ name: String) -> Value? {
        switch name {
        case "begin": .number(begin.seconds)
        case "end": .number(end.seconds)
        case "duration": .number(duration)
        default: counters.first { $0.name == name }?.value
        }
    }

    /// All fields in order, without `id` and `timestamp`.
    var fields: [JSONValue.Member] {
        let own = ["begin", "end", "duration"].compactMap { name in
            field(name).map { JSONValue.Member(name, JSONValue($0)) }
        }
        return own + counters.map { JSONValue.Member($0.name, JSONValue($0.value)) }
    }
}

extension [Interval] {
    /// Those that share a moment with a stretch; they ascend in begin and end.
    func touching(_ first: Int64, _ last: Int64) -> ArraySlice<Interval> {
        let lower = firstPlace({ $0.end.microseconds >= first })
        let upper = firstPlace({ $0.begin.microseconds > last })
        return lower < upper ? self[lower..<upper] : []
    }

    /// The first place at which a condition holds that holds from there on; `count` if nowhere.
    private func firstPlace(_ condition: (Interval) -> Bool) -> Int {
        var lower = 0
        var upper = count
        while lower < upper {
            let middle = (lower + upper) / 2
            if condition(self[middle]) { upper = middle } else { lower = middle + 1 }
        }
        return lower
    }
}
