import Calculators
import Expressions
import Telemetry

/// An interval as the evaluation gives it.
public struct EvaluatedInterval: Sendable, Equatable {
    public var interval: Interval
    /// Whether all of it was computed: false where the evaluation resumed inside an interval that lists messages.
    public var isComplete: Bool
}

/// Turns the messages of one device into the intervals of one calculator, block by block.
///
/// The messages may be cut into blocks anywhere: intervals and states come out alike. An interval is given once no
/// later message can change it; `pendingIntervals` gives the rest as of now.
public struct Evaluator: Sendable {
    public internal(set) var state: EvaluationState

    let plan: EvaluationPlan

    public var calculator: Calculator { plan.calculator }

    /// An evaluation that goes on from a state, or from the start.
    public init(_ calculator: Calculator, environment: ExpressionEnvironment, from state: EvaluationState? = nil) {
        plan = EvaluationPlan(calculator, environment)
        self.state = state ?? EvaluationState(calculator)
    }

    /// The intervals that the next messages of the stream settle, in order.
    public mutating func consume(_ block: MessageBlock) -> [EvaluatedInterval] {
        guard let last = block.content.timestamps.last else { return [] }
        precondition(
            state.position.map { $0.microseconds < block.content.timestamps[0] } ?? true,
            "blocks must follow each other")
        state.position = Timestamp(microseconds: last)
        let stream = StreamBlock(valid(block), plan)
        guard stream.count > 0 else { return [] }
        advance(stream)
        let settled = settlePieces(stream)
        keepMarks(stream)
        let lastRow = stream.count - 1
        state.carry =
            plan.mergesBefore
            ? stream.content.slice(lastRow..<stream.count)
            : ExpressionBlock(timestamps: [stream.timestamps[lastRow]], columns: [])
        return settled
    }

    /// The messages that selectors and counters may see.
    private mutating func valid(_ block: MessageBlock) -> ExpressionBlock {
        let content = block.content
        var isValid: [Bool]?
        if let validate = plan.calculator.validateMessage, var memory = state.validateMemory {
            isValid = validate.evaluate(content, memory: &memory, environment: plan.environment).truth()
            state.validateMemory = memory
        }
        if plan.updatePeriod > 0 {
            let given = isValid ?? [Bool](repeating: true, count: content.count)
            isValid = given.indices.map {
                given[$0] && content.timestamps[$0] >= block.acceptances[$0] - plan.updatePeriod
            }
        }
        guard let isValid, isValid.contains(false) else { return content }
        return content.gather(isValid.indices.filter { isValid[$0] })
    }

    /// Runs the selectors over a block and follows their runs.
    private mutating func advance(_ stream: StreamBlock) {
        let neighbourhood = Neighbourhood(
            timestamps: stream.timestamps, carry: state.carry?.timestamps[0], gaps: plan.gaps)
        var events: [RunEvent] = []
        let before = state.tracks
        for (index, selector) in plan.calculator.selectors.enumerated() {
            events += Markup.run(
                selector, index: index, over: stream.content, neighbourhood, track: &state.tracks[index],
                environment: plan.environment)
        }
        if plan.calculator.selectors.count > 1 {
            events.sort { ($0.row, $0.order, $0.selector) < ($1.row, $1.order, $1.selector) }
        }
        follow(events, openAtStart: before.map { $0.run != nil }, neighbourhood)
    }

    private mutating func follow(_ events: [RunEvent], openAtStart: [Bool], _ neighbourhood: Neighbourhood) {
        var isOpen = openAtStart
        var beginsHere: Set<Int> = []
        for (index, event) in events.enumerated() {
            switch event.kind {
            case .judged(let isActiveEnough): judge(event.selector, isActiveEnough)
            case .closed(let end):
                isOpen[event.selector] = false
                close(event.selector, end)
            case .opened:
                isOpen[event.selector] = true
                beginsHere.insert(event.selector)
            }
            let isLastOfRow = index + 1 == events.count || events[index + 1].row != event.row
            guard isLastOfRow else { continue }
            if !beginsHere.isEmpty, isOpen.allSatisfy({ $0 }) { open(event.row, beginsHere, neighbourhood) }
            beginsHere = []
        }
    }

    private mutating func judge(_ selector: Int, _ isActiveEnough: Bool) {
        for index in state.pieces.indices where state.pieces[index].ends[selector] != nil {
            if state.pieces[index].ends[selector]?.isActiveEnough == nil {
                state.pieces[index].ends[selector]?.isActiveEnough = isActiveEnough
            }
        }
    }

    private mutating func close(_ selector: Int, _ end: RunEnd) {
        for index in state.pieces.indices where state.pieces[index].ends[selector] == nil {
            state.pieces[index].ends[selector] = end
        }
    }

    private mutating func open(_ row: Int, _ beginsHere: Set<Int>, _ neighbourhood: Neighbourhood) {
        let firstOn = neighbourhood.timestamps[row]
        let isMerged = beginsHere.allSatisfy { plan.calculator.selectors[$0].options.mergesBefore }
        let begin = isMerged ? neighbourhood.mergedBegin(row) : firstOn
        var marks: [Accumulators] = []
        if row == 0, begin < firstOn, let carry = state.carry {
            var start = Accumulators(plan)
            start.consume(StreamBlock(carry, plan), 0..<1, plan)
            marks.append(start)
        }
        state.pieces.append(
            Piece(firstOn: firstOn, begin: begin, ends: plan.calculator.selectors.map { _ in nil }, marks: marks))
    }
}
