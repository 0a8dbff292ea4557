import Calculators
import Expressions
import Telemetry

extension Explainer {
    /// Finds out what became of the pieces that left the evaluator's queue in a step.
    mutating func resolve(_ meeting: Meeting, _ settled: [EvaluatedInterval], _ part: MessageBlock) {
        let gone = meeting.gone
        guard !gone.isEmpty else { return }
        let visible = MessageVisibility(part, memory: meeting.before.validateMemory, plan)
        let stream = StreamBlock(
            visible.rows.count == part.count ? part.content : part.content.gather(visible.rows), plan)
        var previous = meeting.before.previousFields
        for piece in gone {
            guard let place = records.firstIndex(where: { $0.firstOn == piece.firstOn }) else { continue }
            let record = records.remove(at: place)
            guard !piece.isRefused else {
                let reasons = PieceReasons(plan, piece, record, meeting.after.tracks).final
                refuse(candidate(piece, record, meeting.after.tracks, reasons, isFinal: true))
                continue
            }
            guard let end = piece.settledEnd(meeting.after.tracks, plan.calculator, plan.gaps) else { continue }
            let kept = settled.first { $0.interval.firstOn.microseconds == piece.firstOn }
            // With `validate_interval` each is finished again, since every one sees the one kept before it.
            let isKnown = plan.calculator.validateInterval == nil
            let counters = { [evaluator, piece] in evaluator.accumulators(of: piece, at: end.end, stream) }
            finish(
                piece, record, end, meeting.after.tracks, isKnown ? kept : nil, counters, isActive: false,
                previous: &previous)
        }
    }

    /// An interval that is kept (maybe it is known), or what `validate_interval` has against it; `previous` goes on.
    mutating func finish(
        _ piece: Piece, _ record: PieceRecord, _ end: PieceEnd, _ tracks: [SelectorTrack],
        _ known: EvaluatedInterval?, _ counters: () -> Accumulators, isActive: Bool, previous: inout [String: Value]?
    ) {
        if let known { return keep(explained(known.interval, piece, record, end, tracks)) }
        let (before, counters) = (previous, counters())
        if let kept = evaluator.finish(piece, end, counters, isActive: isActive, previous: &previous) {
            return keep(explained(kept.interval, piece, record, end, tracks))
        }
        var unused = before
        guard let validate = plan.calculator.validateInterval,
            let refused = lenient.finish(piece, end, counters, isActive: isActive, previous: &unused)
        else { return }
        let reason = Self.refusal(of: refused.interval, by: validate, plan, previous: before)
        let isFinal = end.isSettled(piece)
        refuse(candidate(piece, record, tracks, [reason], isFinal: isFinal, end))
    }

    private static func refusal(
        of interval: Interval, by validate: Program, _ plan: EvaluationPlan, previous: [String: Value]?
    ) -> ExplainedCause {
        let names = plan.calculator.intervalLayout.names
        let columns = names.map { ValueColumn(repeating: interval.field($0), count: 1) }
        let message = TracedMessage(
            validate, ExpressionBlock(timestamps: [0], columns: columns),
            memory: ProgramMemory(for: validate, previousFields: previous), names: names, plan.environment, moment: nil)
        let value =
            message.whole.map { $0.error.map { "cannot be evaluated: \($0.reason)" } ?? "is \($0.valueText)" }
            ?? "is not true"
        return ExplainedCause(
            code: .validateInterval, text: "validate_interval \(value)",
            details: [.init("interval", .object(interval.fields))], message: message)
    }

    private func explained(
        _ interval: Interval, _ piece: Piece, _ record: PieceRecord, _ end: PieceEnd, _ tracks: [SelectorTrack]
    ) -> ExplainedInterval {
        var messages = history.messages(
            from: piece.begin, to: end.end, first: piece.firstOn, last: end.lastOn)
        let (lastOn, last) = (Timestamp(microseconds: end.lastOn), Timestamp(microseconds: end.end))
        messages.absorbed = record.absorbed.filter { $0.message.moment.map { $0 <= lastOn } ?? false }
        messages.hidden.samples = record.hidden.filter { $0.message.moment.map { $0 <= last } ?? false }
        return ExplainedInterval(
            interval: interval, began: record.began,
            ended: PieceReasons(plan, piece, record, tracks).ended(end), messages: messages)
    }

    func candidate(
        _ piece: Piece, _ record: PieceRecord, _ tracks: [SelectorTrack], _ reasons: [ExplainedCause], isFinal: Bool,
        _ end: PieceEnd? = nil
    ) -> RefusedCandidate {
        let told = PieceReasons(plan, piece, record, tracks)
        let lastOn = end?.lastOn ?? told.lastOnSoFar
        var (began, ended) = (record.began, told.ended(PieceEnd(lastOn: lastOn, end: end?.end ?? lastOn)))
        (began.merging, ended.merging) = (nil, nil)
        return RefusedCandidate(
            first: began.moment, last: max(began.moment, ended.moment), reasons: reasons, isFinal: isFinal,
            began: began, ended: ended)
    }

    // MARK: What is not settled

    /// Adds the pieces that are left, as if every open run ended where it is.
    mutating func takePending(_ now: Timestamp) {
        var previous = evaluator.state.previousFields
        let (tracks, silent) = evaluator.tracksInSilence(now)
        if silent != nil {
            for (index, track) in evaluator.state.tracks.enumerated() where track.run == nil { history.turnOn(index) }
        }
        for piece in evaluator.state.pieces + [silent].compactMap({ $0 }) {
            let record =
                records.first { $0.firstOn == piece.firstOn }
                ?? PieceRecord(piece, began: began(inSilence: piece, tracks, now))
            guard let end = piece.endSoFar(tracks, plan.calculator, plan.gaps),
                let counters = piece.marks.first(where: { $0.position == end.end })
            else {
                let reasons = PieceReasons(plan, piece, record, tracks).soFar
                refuse(candidate(piece, record, tracks, reasons, isFinal: false))
                continue
            }
            let isActive = evaluator.isActive(piece, tracks, now)
            finish(piece, record, end, tracks, nil, { counters }, isActive: isActive, previous: &previous)
        }
    }

    /// The begin of a piece that silence alone has opened.
    private func began(inSilence piece: Piece, _ tracks: [SelectorTrack], _ now: Timestamp) -> ExplainedBorder {
        var border = ExplainedBorder(moment: Timestamp(microseconds: piece.firstOn), causes: [], others: [])
        for (index, selector) in plan.calculator.selectors.enumerated() {
            let label = SelectorLabel(selector, index: index)
            if case .inactive(let threshold, _) = selector.kind, evaluator.state.tracks[index].run == nil {
                border.causes.append(.silence(label, from: piece.firstOn, to: now.microseconds, threshold))
            } else {
                let since = tracks[index].run?.partFirst ?? piece.firstOn
                border.others.append(
                    ExplainedCause(
                        code: .alreadyOn, text: "on since \(since.momentText(in: plan.environment.timeZone))",
                        selector: label, details: [.init("since", JSONValue(seconds: since))]))
            }
        }
        border.merging = ExplainedMerging(code: .notAsked, text: "merge_message_before is not set")
        return border
    }
}

extension PieceEnd {
    /// Whether the end cannot change any more, as far as the closed runs tell.
    fileprivate func isSettled(_ piece: Piece) -> Bool { piece.ends.contains { $0?.lastOn == lastOn } }
}

extension TracedValue {
    fileprivate var valueText: String { (value?.finiteJSON ?? .null).text }
}

extension ExplainedCause {
    fileprivate static func silence(
        _ label: SelectorLabel, from last: Int64, to now: Int64, _ threshold: Int64
    ) -> ExplainedCause {
        ExplainedCause(
            code: .silence,
            text: "no message for \((now - last).secondsText), over delay_threshold of \(threshold.secondsText)",
            selector: label,
            details: [.init("seconds", JSONValue(seconds: now - last)), .init("limit", JSONValue(seconds: threshold))])
    }
}
