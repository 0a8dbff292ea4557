import Calculators
import Evaluation
import Expressions
import Telemetry

/// Evaluates one calculator over whole devices as an on-demand request does: messages outside of the range do not
/// exist.
struct CalculateIntervals {
    let calculator: Calculator
    let zone: TimeZoneTable
    let table: ParameterTable
    /// Messages in it count.
    let range: TimeRange
    /// Activity is judged at this moment.
    let now: Timestamp

    /// So many messages are evaluated at a time.
    static let blockSize = 4_096

    /// The intervals of a device's messages, which are sorted.
    func intervals(ident: String?, messages: MessageBatch) -> [Interval] {
        let facts = DeviceFacts(id: DeviceID(0), ident: ident ?? "", name: ident ?? "")
        let binding = ColumnBinding(calculator.layout, table: table, facts: facts)
        let environment = ExpressionEnvironment(timeZone: zone, mileageOutlierSpeed: calculator.mileageOutlierSpeed)
        var evaluator = Evaluator(calculator, environment: environment)
        var result: [EvaluatedInterval] = []
        var row = messages.firstRow(at: range.lower)
        let end = messages.firstRow(at: range.upper)
        while row < end {
            let next = Self.blockEnd(from: row, to: end, messages.timestamps)
            result += evaluator.consume(binding.block(messages.slice(row..<next)))
            row = next
        }
        result += evaluator.pendingIntervals(now: now)
        return result.map(\.interval).sorted { ($0.begin, $0.firstOn) < ($1.begin, $1.firstOn) }
    }

    /// Messages of one timestamp stay in one block.
    private static func blockEnd(from row: Int, to end: Int, _ timestamps: [Int64]) -> Int {
        var next = min(row + blockSize, end)
        while next < end, timestamps[next] == timestamps[next - 1] { next += 1 }
        return next
    }
}
