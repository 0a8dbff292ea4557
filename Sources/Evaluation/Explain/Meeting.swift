import Calculators
import Expressions
import Telemetry

/// One step of an evaluation: a message at which something happens to runs, or a stretch in which nothing does.
struct Meeting {
    let plan: EvaluationPlan
    let before: EvaluationState
    let after: EvaluationState
    /// The piece that a silence before the message has opened.
    let silent: Piece?
    /// The messages of the step; the only one, where something happens.
    let row: ExpressionBlock
    /// What the message is to each selector; empty where nothing happens.
    let marks: [StreamHistory.Mark]
    let events: [RunEvent]
    let sources: [CalculatorID: [Interval]]

    var moment: Int64 { row.timestamps[0] }

    /// The message as one selector meets it.
    func selector(_ index: Int) -> SelectorMoment {
        SelectorMoment(
            plan: plan, index: index, before: before.tracks[index], after: after.tracks[index], row: row,
            mark: marks[index], sources: sources)
    }

    /// The pieces that began here, in order: after the latest one known.
    func opened(after firstOn: Int64?) -> [Piece] {
        let pieces = after.pieces.filter { piece in firstOn.map { piece.firstOn > $0 } ?? true }
        return (isSilentGone ? [silent].compactMap { $0 } : []) + pieces
    }

    /// The pieces that left the queue here, in order, with what happened to their runs.
    var gone: [Piece] {
        let left = Set(after.pieces.map(\.firstOn))
        var gone = before.pieces.filter { !left.contains($0.firstOn) }
        if isSilentGone, let silent { gone.append(silent) }
        for index in gone.indices {
            for event in events { gone[index].follow(event) }
        }
        return gone
    }

    private var isSilentGone: Bool {
        silent.map { silent in !after.pieces.contains { $0.firstOn == silent.firstOn } } ?? false
    }

    /// How runs end here, by selector.
    func closings(_ history: StreamHistory) -> [PieceRecord.Closing?] {
        var closings = [PieceRecord.Closing?](repeating: nil, count: plan.calculator.selectors.count)
        for event in events {
            guard case .closed = event.kind, closings[event.selector] == nil else { continue }
            let run = before.tracks[event.selector].run
            let offSince = run.flatMap { history.firstRest(of: event.selector, after: $0.lastOn) }
            closings[event.selector] = PieceRecord.Closing(
                cause: selector(event.selector).end(event.cause, offSince: offSince),
                activeSpan: run.map { $0.lastOn - $0.first } ?? 0)
        }
        return closings
    }

    /// Why a run, or a part of one, begins here; nil if the event is another.
    func opening(_ event: RunEvent) -> ExplainedCause? {
        switch event.kind {
        case .opened, .openedBefore: selector(event.selector).begin(event.cause)
        case .closed, .judged: nil
        }
    }

    /// Why a piece begins here, or with the message before.
    func began(_ piece: Piece) -> ExplainedBorder {
        let isBefore = piece.firstOn < moment
        let begins = events.filter { event in
            switch event.kind {
            case .opened: !isBefore
            case .openedBefore: isBefore
            case .closed, .judged: false
            }
        }
        let beginning = Set(begins.map(\.selector))
        let others = plan.calculator.selectors.indices.filter { !beginning.contains($0) }
        return ExplainedBorder(
            moment: Timestamp(microseconds: piece.firstOn), causes: begins.compactMap(opening),
            others: others.map { alreadyOn($0) },
            merging: mergingBefore(piece, begins.map(\.selector)))
    }

    private func alreadyOn(_ index: Int) -> ExplainedCause {
        let since = before.tracks[index].run?.partFirst ?? moment
        return ExplainedCause(
            code: .alreadyOn, text: "on since \(since.momentText(in: plan.environment.timeZone))",
            selector: SelectorLabel(plan.calculator.selectors[index], index: index),
            details: [.init("since", JSONValue(seconds: since))])
    }

    private func mergingBefore(_ piece: Piece, _ selectors: [Int]) -> ExplainedMerging {
        // The message before one that turned out to begin a silence is no longer known, and never merged.
        let neighbour = piece.firstOn < moment ? nil : before.carry?.timestamps[0]
        return ExplainedMerging(
            plan, selectors, flag: \.mergesBefore, option: "merge_message_before", from: piece.firstOn,
            merged: piece.begin < piece.firstOn ? piece.begin : nil, neighbour: neighbour)
    }

    /// A run during which no piece began.
    func lonely(
        _ index: Int, _ run: OpenRun, opening: ExplainedCause, _ closing: PieceRecord.Closing
    ) -> RefusedCandidate {
        let label = SelectorLabel(plan.calculator.selectors[index], index: index)
        let others = plan.calculator.selectors.indices.filter { $0 != index }.map {
            SelectorLabel(plan.calculator.selectors[$0], index: $0)
        }
        let reason = ExplainedCause(
            code: .noIntersection,
            text: "no message of it is on for \(others.map(\.title).joined(separator: " and ")) too", selector: label,
            details: [.init("others", .array(others.map(\.json)))])
        let first = ExplainedBorder(
            moment: Timestamp(microseconds: run.partFirst), causes: [opening], others: [])
        let last = ExplainedBorder(
            moment: Timestamp(microseconds: run.lastOn), causes: [closing.cause], others: [])
        return RefusedCandidate(
            first: first.moment, last: last.moment, reasons: [reason], isFinal: true, began: first, ended: last)
    }

    /// The message as it was to the selectors whose run goes on without it.
    var rests: [AbsorbedMessage] {
        marks.indices.filter { marks[$0] == .off || marks[$0] == .unknown }.map { index in
            let selector = selector(index)
            return AbsorbedMessage(
                selector: selector.label, isUnknown: marks[index] == .unknown, message: selector.message)
        }
    }
}

extension PieceRecord {
    /// Notes how runs end that have not ended before.
    mutating func take(_ closings: [Closing?]) {
        for (index, closing) in closings.enumerated() where self.closings[index] == nil {
            self.closings[index] = closing
        }
    }
}

extension ExplainedCause {
    /// A begin that was not looked at.
    static func earlier(_ label: SelectorLabel?) -> ExplainedCause {
        ExplainedCause(code: .earlier, text: "before the messages that were looked at", selector: label)
    }
}

extension ExplainedBorder {
    static func earlier(_ moment: Int64, _ plan: EvaluationPlan) -> ExplainedBorder {
        ExplainedBorder(moment: Timestamp(microseconds: moment), causes: [.earlier(nil)], others: [])
    }
}
