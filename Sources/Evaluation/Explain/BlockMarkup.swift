import Calculators
import Expressions
import Telemetry

/// What the selectors make of a block, found by the state machine that the evaluation itself runs.
struct BlockMarkup {
    /// The messages that are seen.
    let moments: [Int64]
    /// One list a selector, with a mark for each of them when it came.
    private let marks: [[StreamHistory.Mark]]
    /// The same once it is known that a silence followed.
    let settledMarks: [[StreamHistory.Mark]]
    /// The selectors to which the last message before the block turns out to be on.
    let silencesBefore: [Int]
    /// By row of the raw block: what happens to runs there, in order.
    private let events: [Int: [RunEvent]]
    /// The place of each row of the raw block among the messages that are seen.
    private let places: [Int?]

    init(
        _ block: MessageBlock, _ rows: [Int], _ plan: EvaluationPlan, _ state: EvaluationState,
        _ sources: [CalculatorID: [Interval]]
    ) {
        let stream = rows.count == block.count ? block.content : block.content.gather(rows)
        let neighbourhood = Neighbourhood(
            timestamps: stream.timestamps, carry: state.carry?.timestamps[0], gaps: plan.gaps)
        let surroundings = Markup.Surroundings(environment: plan.environment, sources: sources, wantsStates: true)
        var (events, marks) = ([RunEvent](), [[StreamHistory.Mark]]())
        for (index, selector) in plan.calculator.selectors.enumerated() {
            var track = state.tracks[index]
            let markup = Markup.run(
                selector, index: index, over: stream, neighbourhood, track: &track, surroundings)
            events += markup.events
            marks.append(Self.marks(markup.states, markup.rows, stream.count))
        }
        events.sort { ($0.row, $0.order, $0.selector) < ($1.row, $1.order, $1.selector) }
        self.marks = marks
        // The message before a silence turns out to be on.
        for event in events where event.order == 0 && event.row > 0 { marks[event.selector][event.row - 1] = .on }
        settledMarks = marks
        silencesBefore = events.filter { $0.order == 0 && $0.row == 0 }.map(\.selector)
        moments = stream.timestamps
        self.events = Dictionary(grouping: events) { rows[$0.row] }
        var places = [Int?](repeating: nil, count: block.count)
        for (place, row) in rows.enumerated() { places[row] = place }
        self.places = places
    }

    private static func marks(_ states: [MarkupState], _ rows: [Int]?, _ count: Int) -> [StreamHistory.Mark] {
        guard let rows else { return states.map { StreamHistory.Mark($0) } }
        var marks = [StreamHistory.Mark](repeating: .unseen, count: count)
        for (state, row) in zip(states, rows) { marks[row] = StreamHistory.Mark(state) }
        return marks
    }

    func events(at row: Int) -> [RunEvent] { events[row] ?? [] }

    /// What the message in a row of the raw block is to each selector; empty if it is hidden.
    func marks(at row: Int) -> [StreamHistory.Mark] { places[row].map { place in marks.map { $0[place] } } ?? [] }

    /// The first row, not before another, at which something happens to a run, or where a message is not on.
    func nextStop(from row: Int, restsToo: Bool) -> Int? {
        (row..<places.count).first { row in
            if events[row] != nil { return true }
            return restsToo && marks(at: row).contains { $0 == .off || $0 == .unknown }
        }
    }
}

extension StreamHistory.Mark {
    fileprivate init(_ state: MarkupState) {
        self =
            switch state {
            case .off: .off
            case .on, .new: .on
            case .unknown: .unknown
            }
    }
}

extension MessageBlock {
    /// The rows of a range.
    func slice(_ rows: Range<Int>) -> MessageBlock {
        if rows == 0..<count { return self }
        let part = content.slice(rows)
        return MessageBlock(
            timestamps: part.timestamps, acceptances: Array(acceptances[rows]), columns: part.columns)
    }
}
