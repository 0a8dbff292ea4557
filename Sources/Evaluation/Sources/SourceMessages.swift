import Calculators
import Expressions
import Telemetry

/// Makes messages of another calculator's intervals (`messages_source`): each closed interval is one at its end, with
/// its fields as parameters.
///
/// Intervals that end alike are moved up by a microsecond each, so that every one has a timestamp of its own.
public struct SourceMessages: Sendable {
    /// How far an interval may move those after it that end together with it: 1 s.
    public static let reachMicroseconds: Int64 = 1_000_000

    private let layout: ColumnLayout
    private let facts: DeviceFacts

    public init(_ layout: ColumnLayout, facts: DeviceFacts) {
        self.layout = layout
        self.facts = facts
    }

    /// The same layout and device as a binding to messages.
    public init(_ binding: ColumnBinding) { self.init(binding.layout, facts: binding.facts) }

    /// The messages after a moment, of intervals in order; those from a second before it on must be there.
    public func block(_ intervals: [Interval], after moment: Timestamp = .distantPast) -> MessageBlock {
        var timestamps: [Int64] = []
        var closed: [Interval] = []
        var last = Int64.min
        for interval in intervals where !interval.isActive {
            last = max(interval.end.microseconds, last == .min ? .min : last + 1)
            guard last > moment.microseconds else { continue }
            timestamps.append(last)
            closed.append(interval)
        }
        let columns = layout.names.map { column($0, closed, timestamps) }
        return MessageBlock(timestamps: timestamps, acceptances: timestamps, columns: columns)
    }

    private func column(_ name: String, _ intervals: [Interval], _ timestamps: [Int64]) -> ValueColumn {
        switch name {
        case "timestamp", "server.timestamp": return ValueColumn(numbers: timestamps.map { Double($0) / 1e6 })
        case _ where DeviceFacts.names.contains(name):
            return ValueColumn(repeating: facts.value(name), count: intervals.count)
        default:
            var column = ValueColumn()
            for (interval, timestamp) in zip(intervals, timestamps) {
                let isWhole = name == MessageCounter.wholeMessageName
                column.append(isWhole ? whole(interval, timestamp) : interval.field(name))
            }
            return column
        }
    }

    private func whole(_ interval: Interval, _ timestamp: Int64) -> Value {
        let moment = JSONValue.number(Double(timestamp) / 1e6)
        let constants = facts.constants.map { JSONValue.Member($0.name, JSONValue($0.value)) }
        return JSONValue.object([.init("timestamp", moment)] + interval.fields + constants).value
    }
}
