import Calculators
import Evaluation
import Expressions
import Telemetry

/// Evaluates one calculator, with those that it reads, over whole devices as an on-demand request does: messages
/// outside of the range do not exist.
struct CalculateIntervals {
    /// The calculators that are read, each after those it reads itself, and then the one that is asked for.
    let nest: [CalculateNest.Member]
    let table: ParameterTable
    let metadata: JSONValue
    let geofences: GeofenceSet
    /// Messages in it count.
    let range: TimeRange
    /// Activity is judged at this moment.
    let now: Timestamp

    /// So many messages are evaluated at a time.
    static let blockSize = 4_096

    /// The intervals of a device's messages, which are sorted.
    func intervals(ident: String?, messages: MessageBatch) -> [Interval] {
        let facts = DeviceFacts(id: DeviceID(0), ident: ident ?? "", name: ident ?? "")
        var found: [CalculatorID: [Interval]] = [:]
        var last: [Interval] = []
        for member in nest {
            last = intervals(member, facts, messages, found)
            if let id = member.id { found[id] = last }
        }
        return last.sorted { ($0.begin, $0.firstOn) < ($1.begin, $1.firstOn) }
    }

    private func intervals(
        _ member: CalculateNest.Member, _ facts: DeviceFacts, _ messages: MessageBatch,
        _ sources: [CalculatorID: [Interval]]
    ) -> [Interval] {
        let calculator = member.calculator
        let binding = ColumnBinding(calculator.layout, table: table, facts: facts)
        var evaluator = Evaluator(calculator, environment: environment(member))
        evaluator.sources = sources
        var result: [EvaluatedInterval] = []
        if let source = calculator.messagesSource {
            result += evaluator.consume(SourceMessages(binding).block(sources[source] ?? []))
        } else {
            var row = messages.firstRow(at: range.lower)
            let end = messages.firstRow(at: range.upper)
            while row < end {
                let next = Self.blockEnd(from: row, to: end, messages.timestamps)
                result += evaluator.consume(binding.block(messages.slice(row..<next)))
                row = next
            }
        }
        return (result + evaluator.pendingIntervals(now: now)).map(\.interval)
    }

    private func environment(_ member: CalculateNest.Member) -> ExpressionEnvironment {
        ExpressionEnvironment(
            timeZone: member.zone, metadata: metadata, mileageOutlierSpeed: member.calculator.mileageOutlierSpeed,
            mileageFormula: member.calculator.mileageFormula, geofences: geofences)
    }

    /// Messages of one timestamp stay in one block.
    private static func blockEnd(from row: Int, to end: Int, _ timestamps: [Int64]) -> Int {
        var next = min(row + blockSize, end)
        while next < end, timestamps[next] == timestamps[next - 1] { next += 1 }
        return next
    }
}
