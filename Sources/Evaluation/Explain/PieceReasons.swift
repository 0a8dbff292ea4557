import Calculators
import Expressions
import Telemetry

/// Why a piece ends where it does, and why it was refused.
struct PieceReasons {
    private let plan: EvaluationPlan
    private let piece: Piece
    private let record: PieceRecord
    private let tracks: [SelectorTrack]

    init(_ plan: EvaluationPlan, _ piece: Piece, _ record: PieceRecord, _ tracks: [SelectorTrack]) {
        (self.plan, self.piece, self.record, self.tracks) = (plan, piece, record, tracks)
    }

    private var selectors: [Selector] { plan.calculator.selectors }

    private func label(_ index: Int) -> SelectorLabel { SelectorLabel(selectors[index], index: index) }

    /// The last message that is on for all selectors, as far as is known.
    var lastOnSoFar: Int64 {
        selectors.indices.compactMap { piece.ends[$0]?.lastOn ?? tracks[$0].run?.lastOn }.min() ?? piece.firstOn
    }

    // MARK: The end

    /// The runs that end there, and the others; runs that are open count where none has ended there.
    func ended(_ end: PieceEnd) -> ExplainedBorder {
        let closed = selectors.indices.filter { piece.ends[$0]?.lastOn == end.lastOn }
        let open = selectors.indices.filter { piece.ends[$0] == nil && tracks[$0].run?.lastOn == end.lastOn }
        let deciding = closed.isEmpty ? open : closed
        return ExplainedBorder(
            moment: Timestamp(microseconds: end.lastOn),
            causes: deciding.map { index in
                closed.isEmpty ? endOfData(index) : record.closings[index]?.cause ?? .earlier(label(index))
            },
            others: selectors.indices.filter { !deciding.contains($0) }.map { stillOn($0) },
            merging: merging(end, closed))
    }

    private func endOfData(_ index: Int) -> ExplainedCause {
        let limit = selectors[index].options.maxInactive
        guard let run = tracks[index].run, run.isWaiting else {
            return ExplainedCause(code: .endOfData, text: "no message has ended it yet", selector: label(index))
        }
        return ExplainedCause(
            code: .endOfData,
            text: "no longer on, but it may still go on: max_inactive of \(limit.secondsText) is not over",
            selector: label(index),
            details: [
                .init("is_waiting", .boolean(true)), .init("limit", JSONValue(seconds: limit)),
                .init("until", JSONValue(seconds: run.lastOn + limit)),
            ])
    }

    private func stillOn(_ index: Int) -> ExplainedCause {
        let until = piece.ends[index]?.lastOn
        let details = until.map { [JSONValue.Member("until", JSONValue(seconds: $0))] } ?? []
        let text = until.map { "on until \($0.momentText(in: plan.environment.timeZone))" } ?? "still on"
        return ExplainedCause(code: .stillOn, text: text, selector: label(index), details: details)
    }

    private func merging(_ end: PieceEnd, _ closed: [Int]) -> ExplainedMerging {
        guard !closed.isEmpty else {
            return selectors.contains { $0.options.mergesAfter }
                ? ExplainedMerging(code: .open, text: "a run takes in the message after it once it has ended")
                : ExplainedMerging(code: .notAsked, text: "merge_message_after is not set")
        }
        return ExplainedMerging(
            plan, closed, flag: \.mergesAfter, option: "merge_message_after", from: end.lastOn,
            merged: end.end > end.lastOn ? end.end : nil, neighbour: closed.first.flatMap { piece.ends[$0]?.after })
    }

    // MARK: Refusals

    /// Why nothing will come of the piece.
    var final: [ExplainedCause] {
        selectors.indices.flatMap { index -> [ExplainedCause] in
            guard let end = piece.ends[index] else { return [] }
            var reasons: [ExplainedCause] = []
            if end.lastOn < piece.firstOn { reasons.append(noIntersection(index, end.lastOn)) }
            if !end.isLongEnough { reasons.append(tooShort(index, span: end.span)) }
            if end.isActiveEnough == false {
                reasons.append(inactive(index, span: record.closings[index]?.activeSpan ?? 0))
            }
            return reasons
        }
    }

    /// Why nothing comes of it so far.
    var soFar: [ExplainedCause] {
        final
            + selectors.indices.flatMap { index -> [ExplainedCause] in
                guard let run = tracks[index].run, piece.ends[index]?.isActiveEnough != false else { return [] }
                var reasons: [ExplainedCause] = []
                let isOpen = piece.ends[index] == nil
                if isOpen || piece.ends[index]?.isActiveEnough == nil,
                    !tracks[index].isActiveEnoughSoFar(selectors[index])
                {
                    reasons.append(inactive(index, span: run.lastOn - run.first))
                }
                let span = run.lastOn - run.mergedBegin
                if isOpen, span < selectors[index].options.minDuration {
                    reasons.append(tooShort(index, span: span))
                }
                if isOpen, run.lastOn < piece.firstOn { reasons.append(noIntersection(index, run.lastOn)) }
                return reasons
            }
    }

    private func noIntersection(_ index: Int, _ lastOn: Int64) -> ExplainedCause {
        let zone = plan.environment.timeZone
        return ExplainedCause(
            code: .noIntersection,
            text:
                "last on at \(lastOn.momentText(in: zone)), before the others at \(piece.firstOn.momentText(in: zone))",
            selector: label(index), details: [.init("last_on", JSONValue(seconds: lastOn))])
    }

    private func tooShort(_ index: Int, span: Int64) -> ExplainedCause {
        let limit = selectors[index].options.minDuration
        return ExplainedCause(
            code: .minDuration, text: "it lasted \(span.secondsText), under min_duration of \(limit.secondsText)",
            selector: label(index),
            details: [.init("seconds", JSONValue(seconds: span)), .init("limit", JSONValue(seconds: limit))])
    }

    private func inactive(_ index: Int, span: Int64) -> ExplainedCause {
        guard let limit = selectors[index].options.minActive else {
            return ExplainedCause(
                code: .singleMessage, text: "a single message that is on is dropped where min_active is not set",
                selector: label(index))
        }
        return ExplainedCause(
            code: .minActive, text: "it was on for \(span.secondsText), under min_active of \(limit.secondsText)",
            selector: label(index),
            details: [.init("seconds", JSONValue(seconds: span)), .init("limit", JSONValue(seconds: limit))])
    }
}
