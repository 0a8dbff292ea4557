import Expressions
import Telemetry

/// A block of the calculator's stream, with the values of the shared programs as they are asked for.
final class StreamBlock {
    let content: ExpressionBlock
    private let plan: EvaluationPlan
    private var columns: [ValueColumn?]
    private var truths: [[Bool]?]
    private var legs: MileageLegs?

    init(_ content: ExpressionBlock, _ plan: EvaluationPlan) {
        self.content = content
        self.plan = plan
        columns = [ValueColumn?](repeating: nil, count: plan.counting.shared.count)
        truths = [[Bool]?](repeating: nil, count: plan.counting.shared.count)
    }

    var timestamps: [Int64] { content.timestamps }
    var count: Int { content.count }

    /// The values of a shared program in every row.
    func values(_ place: Int) -> ValueColumn {
        if let known = columns[place] { return known }
        var memory = ProgramMemory(for: plan.counting.shared[place])
        let made = plan.counting.shared[place].evaluate(content, memory: &memory, environment: plan.environment)
        columns[place] = made
        return made
    }

    /// Whether a shared program is true in each row.
    func truth(_ place: Int) -> [Bool] {
        if let known = truths[place] { return known }
        let made = values(place).truth()
        truths[place] = made
        return made
    }

    /// The ways between the valid positions of some rows, measured once for all counters.
    func legs(_ mileage: Mileage, _ rows: Range<Int>) -> MileageLegs {
        if let legs, legs.rows == rows { return legs }
        let made = MileageLegs(mileage, content, rows)
        legs = made
        return made
    }

    /// The index of the first row after a moment.
    func firstRow(after moment: Int64) -> Int { content.timestamps.firstIndex(after: moment) }
}
