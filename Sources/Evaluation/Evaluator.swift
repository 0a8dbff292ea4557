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
    public let calculator: Calculator
    public let environment: ExpressionEnvironment
    public internal(set) var state: EvaluationState

    let gaps: [Int64]
    let mergesBefore: Bool
    let mergesAfter: Bool
    let previousNames: Set<String>
    private let updatePeriod: Int64

    /// An evaluation that goes on from a state, or from the start.
    public init(_ calculator: Calculator, environment: ExpressionEnvironment, from state: EvaluationState? = nil) {
        self.calculator = calculator
        self.environment = environment
        self.state = state ?? EvaluationState(calculator)
        gaps = calculator.selectors.map(\.options.maxMessagesTimeDiff).filter { $0 > 0 }
        mergesBefore = calculator.selectors.contains { $0.options.mergesBefore }
        mergesAfter = calculator.selectors.contains { $0.options.mergesAfter }
        previousNames = Set(calculator.intervalPrograms.flatMap(\.previousNames))
        updatePeriod = Int64((calculator.updatePeriod * 1e6).rounded())
    }

    /// The intervals that the next messages of the stream settle, in order.
    public mutating func consume(_ block: MessageBlock) -> [EvaluatedInterval] {
        guard let last = block.content.timestamps.last else { return [] }
        precondition(
            state.position.map { $0.microseconds < block.content.timestamps[0] } ?? true,
            "blocks must follow each other")
        state.position = Timestamp(microseconds: last)
        let stream = valid(block)
        guard stream.count > 0 else { return [] }
        advance(stream)
        let settled = settlePieces(stream)
        keepMarks(stream)
        let lastRow = stream.count - 1
        state.carry =
            mergesBefore
            ? stream.slice(lastRow..<stream.count)
            : ExpressionBlock(timestamps: [stream.timestamps[lastRow]], columns: [])
        return settled
    }

    /// The messages that selectors and counters may see.
    private mutating func valid(_ block: MessageBlock) -> ExpressionBlock {
        let content = block.content
        var isValid: [Bool]?
        if let validate = calculator.validateMessage, var memory = state.validateMemory {
            isValid = validate.evaluate(content, memory: &memory, environment: environment).truth()
            state.validateMemory = memory
        }
        if updatePeriod > 0 {
            let given = isValid ?? [Bool](repeating: true, count: content.count)
            isValid = given.indices.map { given[$0] && content.timestamps[$0] >= block.acceptances[$0] - updatePeriod }
        }
        guard let isValid, isValid.contains(false) else { return content }
        return content.gather(isValid.indices.filter { isValid[$0] })
    }

    /// Runs the selectors over a block and follows their runs.
    private mutating func advance(_ stream: ExpressionBlock) {
        let neighbourhood = Neighbourhood(timestamps: stream.timestamps, carry: state.carry?.timestamps[0], gaps: gaps)
        var events: [RunEvent] = []
        let before = state.tracks
        for (index, selector) in calculator.selectors.enumerated() {
            events += Markup.run(
                selector, index: index, over: stream, neighbourhood, track: &state.tracks[index],
                environment: environment)
        }
        if calculator.selectors.count > 1 {
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
        let isMerged = beginsHere.allSatisfy { calculator.selectors[$0].options.mergesBefore }
        let begin = isMerged ? neighbourhood.mergedBegin(row) : firstOn
        var start = Accumulators(calculator)
        if row == 0, begin < firstOn, let carry = state.carry { start.consume(carry, 0..<1, calculator, environment) }
        state.pieces.append(
            Piece(firstOn: firstOn, begin: begin, ends: calculator.selectors.map { _ in nil }, marks: [start]))
    }
}
