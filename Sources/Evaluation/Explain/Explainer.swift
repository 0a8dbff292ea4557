import Calculators
import Expressions
import Telemetry

/// Evaluates the messages of one device like `Evaluator`, and says why the intervals of a stretch of time are what they
/// are.
///
/// It runs the evaluator itself, stopped at every message at which something happens to a run: since intervals do not
/// depend on how messages are cut into blocks, what it sees in between is what happened. About twice as slow as an
/// evaluation alone where little happens, and some 40 µs for each begin and end of a run.
public struct Explainer: Sendable {
    /// The most intervals, and the most candidates, in one explanation.
    public static let itemsMax = 10_000

    private(set) var evaluator: Evaluator
    /// The same without `validate_interval`: it tells the fields of an interval that was refused.
    private(set) var lenient: Evaluator
    /// What is explained: the intervals and candidates that overlap it.
    private let range: TimeRange
    private let recordingFrom: Timestamp
    var history: StreamHistory
    /// One for each piece of the evaluator's state, in its order.
    var records: [PieceRecord] = []
    /// Why the present run, or part, of each selector began.
    private var openings: [ExplainedCause?]
    /// The first message of the latest piece.
    private var lastFirstOn: Int64?
    private(set) var found = Explanation()
    /// The intervals that are wanted, by their first message that is on; nil: all that overlap the range.
    public var wanted: Set<Timestamp>?

    /// An explanation of the intervals and candidates that overlap a stretch.
    ///
    /// All messages of the device must come, from the first on. What begins before `recordingFrom` is evaluated without
    /// being looked at, which is faster; a border that lies there is told as `earlier`.
    public init(
        _ calculator: Calculator, environment: ExpressionEnvironment, range: TimeRange,
        recordingFrom: Timestamp = .distantPast
    ) {
        evaluator = Evaluator(calculator, environment: environment)
        var all = calculator
        all.validateInterval = nil
        lenient = Evaluator(all, environment: environment)
        self.range = range
        self.recordingFrom = recordingFrom
        history = StreamHistory(selectorCount: calculator.selectors.count)
        openings = calculator.selectors.map { _ in nil }
    }

    var plan: EvaluationPlan { evaluator.plan }

    /// As of `Evaluator`.
    public var sources: [CalculatorID: [Interval]] {
        get { evaluator.sources }
        set { (evaluator.sources, lenient.sources) = (newValue, newValue) }
    }

    /// As of `Evaluator`.
    public var customFields: [Timestamp: [String: Value]] {
        get { evaluator.customFields }
        set { (evaluator.customFields, lenient.customFields) = (newValue, newValue) }
    }

    /// Whether messages to come change nothing that is explained.
    public var isDone: Bool {
        guard let last = evaluator.state.carry?.timestamps[0], last >= range.upper.microseconds else { return false }
        return evaluator.state.pendingBegin.map { $0 >= range.upper } ?? true
    }

    /// Takes the next messages.
    public mutating func consume(_ block: MessageBlock) {
        guard let last = block.content.timestamps.last else { return }
        guard last >= recordingFrom.microseconds else {
            _ = evaluator.consume(block)
            return
        }
        noteEarlierPieces()
        let visibility = MessageVisibility(block, memory: evaluator.state.validateMemory, plan)
        let markup = BlockMarkup(block, visibility.rows, plan, evaluator.state, sources)
        for selector in markup.silencesBefore { history.turnOn(selector) }
        history.add(markup.moments, markup.settledMarks)
        noteHidden(visibility, block)
        var start = 0
        while start < block.count {
            let wantsRests = records.contains { $0.wantsAbsorbed }
            let stop = markup.nextStop(from: start, restsToo: wantsRests) ?? block.count
            if start < stop { advance(block.slice(start..<stop), events: [], marks: []) }
            sampleHidden(visibility, start..<min(stop + 1, block.count), block)
            if stop < block.count {
                let row = block.slice(stop..<stop + 1)
                advance(row, events: markup.events(at: stop), marks: markup.marks(at: stop))
            }
            start = stop + 1
        }
        forget()
    }

    /// What there is to say, with what is not settled as of now.
    public func explanation(now: Timestamp) -> Explanation {
        var explainer = self
        explainer.takePending(now)
        explainer.found.refused.sort { ($0.first, $0.last) < ($1.first, $1.last) }
        explainer.found.intervals.sort { $0.interval.firstOn < $1.interval.firstOn }
        return explainer.found
    }

    // MARK: Steps

    /// Evaluates messages among which at most the only one does something to runs.
    private mutating func advance(_ part: MessageBlock, events: [RunEvent], marks: [StreamHistory.Mark]) {
        let before = evaluator.state
        let silent = pieceOfSilence(before: part, events)
        let settled = evaluator.consume(part)
        let meeting = Meeting(
            plan: plan, before: before, after: evaluator.state, silent: silent, row: part.content, marks: marks,
            events: events, sources: sources)
        let closings = meeting.closings(history)
        for index in records.indices { records[index].take(closings) }
        let priorFirstOn = lastFirstOn
        let opened = meeting.opened(after: priorFirstOn)
        for piece in opened {
            var record = PieceRecord(piece, began: meeting.began(piece))
            // One that a silence has opened began before anything ended here.
            if piece.firstOn < meeting.moment { record.take(closings) }
            records.append(record)
            lastFirstOn = piece.firstOn
        }
        let firstOns = [priorFirstOn].compactMap { $0 } + opened.map(\.firstOn)
        noteLonelyRuns(meeting, closings, firstOns)
        for event in events {
            if let cause = meeting.opening(event) { openings[event.selector] = cause }
        }
        resolve(meeting, settled, part)
        sampleAbsorbed(meeting)
    }

    /// The piece that a silence before a message opens; it may be gone with the same message.
    private func pieceOfSilence(before part: MessageBlock, _ events: [RunEvent]) -> Piece? {
        guard events.contains(where: { $0.order == 0 }), let moment = part.content.timestamps.first else { return nil }
        return evaluator.tracksInSilence(Timestamp(microseconds: moment)).piece
    }

    /// Pieces from before the messages that are looked at.
    private mutating func noteEarlierPieces() {
        for piece in evaluator.state.pieces.dropFirst(records.count) {
            records.append(PieceRecord(piece, began: .earlier(piece.firstOn, plan)))
            lastFirstOn = piece.firstOn
        }
    }

    /// Runs that ended without any message that is on for the other selectors too.
    private mutating func noteLonelyRuns(
        _ meeting: Meeting, _ closings: [PieceRecord.Closing?], _ firstOns: [Int64]
    ) {
        guard plan.calculator.selectors.count > 1 else { return }
        for (index, closing) in closings.enumerated() {
            // Of a run from before the messages that are looked at, nobody knows what pieces it had.
            guard let closing, let opening = openings[index], let run = meeting.before.tracks[index].run else {
                continue
            }
            // Where every message counts, a run without a piece says nothing.
            if case .datetime = plan.calculator.selectors[index].kind { continue }
            // The latest piece may have begun after the run's last message, while it waited: that one tells it.
            let isAlone = firstOns.allSatisfy { $0 < run.partFirst || $0 >= meeting.moment }
            guard isAlone else { continue }
            refuse(meeting.lonely(index, run, opening: opening, closing))
        }
    }

    private mutating func sampleAbsorbed(_ meeting: Meeting) {
        guard !meeting.marks.isEmpty else { return }
        for index in records.indices where records[index].firstOn <= meeting.moment {
            for sample in meeting.rests where records[index].wantsAbsorbed { records[index].absorbed.append(sample) }
        }
    }

    // MARK: Hidden messages

    private mutating func noteHidden(_ visibility: MessageVisibility, _ block: MessageBlock) {
        for hidden in visibility.hidden {
            let moment = block.content.timestamps[hidden.row]
            history.addHidden(moment, hidden.cause)
            guard range.contains(Timestamp(microseconds: moment)) else { continue }
            found.hidden.add(hidden.cause)
            if found.hidden.samples.count < ExplainedMessages.samplesMax {
                found.hidden.samples.append(visibility.sample(hidden))
            }
        }
    }

    /// Shows the first hidden messages to the pieces that lie around them.
    private mutating func sampleHidden(_ visibility: MessageVisibility, _ rows: Range<Int>, _ block: MessageBlock) {
        guard !visibility.hidden.isEmpty, records.contains(where: { $0.wantsHidden }) else { return }
        for hidden in visibility.hidden where rows.contains(hidden.row) {
            let moment = block.content.timestamps[hidden.row]
            for index in records.indices where records[index].begin <= moment && records[index].wantsHidden {
                records[index].hidden.append(visibility.sample(hidden))
            }
        }
    }

    /// Drops what no interval to come will be explained by.
    private mutating func forget() {
        let state = evaluator.state
        let needed = [records.first?.begin, state.carry?.timestamps[0]] + state.tracks.map { $0.run?.lastOn }
        if let first = needed.compactMap({ $0 }).min() { history.forget(before: first) }
    }

    // MARK: What was found

    mutating func keep(_ interval: ExplainedInterval) {
        guard interval.interval.begin < range.upper, interval.interval.end >= range.lower,
            wanted?.contains(interval.interval.firstOn) ?? true
        else { return }
        if found.intervals.count < Self.itemsMax { found.intervals.append(interval) } else { found.isCut = true }
    }

    mutating func refuse(_ candidate: RefusedCandidate) {
        guard candidate.first < range.upper, candidate.last >= range.lower else { return }
        if found.refused.count < Self.itemsMax { found.refused.append(candidate) } else { found.isCut = true }
    }
}
