import Calculators
import Expressions
import Telemetry

extension Evaluator {
    /// Takes the pieces whose ends no message to come can change out of the queue, in order, as intervals.
    mutating func settlePieces(_ stream: StreamBlock) -> [EvaluatedInterval] {
        state.pieces.removeAll { $0.isRefused }
        var settled: [EvaluatedInterval] = []
        var taken = 0
        for piece in state.pieces {
            guard let end = piece.settledEnd(state.tracks, plan.calculator, plan.gaps) else { break }
            taken += 1
            let counters = accumulators(of: piece, at: end.end, stream)
            if let interval = finish(piece, end, counters, isActive: false, previous: &state.previousFields) {
                settled.append(interval)
            }
        }
        state.pieces.removeFirst(taken)
        return settled
    }

    /// Computes the counters of the pieces left at every position at which they may still end.
    mutating func keepMarks(_ stream: StreamBlock) {
        guard let last = stream.timestamps.last else { return }
        for index in state.pieces.indices {
            let piece = state.pieces[index]
            var positions = piece.candidateEnds(state.tracks, mergesAfter: plan.mergesAfter)
            if piece.isLive { positions.append(last) }
            var marks: [Accumulators] = []
            var latest = piece.marks
            for position in Set(positions).sorted() {
                let mark = accumulators(of: piece, from: latest, at: position, stream)
                marks.append(mark)
                latest.append(mark)
            }
            state.pieces[index].marks = marks
        }
    }

    /// The intervals that are not settled, as if every open run ended where it is, at the moment `now`.
    public func pendingIntervals(now: Timestamp) -> [EvaluatedInterval] {
        var previous = state.previousFields
        return state.pieces.compactMap { piece in
            guard let end = piece.endSoFar(state.tracks, plan.calculator, plan.gaps),
                let counters = piece.marks.first(where: { $0.position == end.end })
            else { return nil }
            return finish(piece, end, counters, isActive: isActive(piece, now: now), previous: &previous)
        }
    }

    /// The moment after `now` at which the passing of time alone changes an open interval; nil if none does.
    public func nextTimer(after now: Timestamp) -> Timestamp? {
        guard state.pieces.last?.isLive == true, isActiveNow(now) else { return nil }
        return silenceLimits().min().map { Timestamp(microseconds: $0 + 1) }
    }

    private func isActive(_ piece: Piece, now: Timestamp) -> Bool { piece.isLive && isActiveNow(now) }

    /// Whether no selector's `max_inactive` has passed without a message that is on.
    private func isActiveNow(_ now: Timestamp) -> Bool { silenceLimits().allSatisfy { now.microseconds <= $0 } }

    /// When each open run that has a `max_inactive` ceases to be active.
    private func silenceLimits() -> [Int64] {
        zip(plan.calculator.selectors, state.tracks).compactMap { selector, track in
            guard selector.options.maxInactive > 0, let run = track.run else { return nil }
            return run.lastOn + selector.options.maxInactive
        }
    }

    private func accumulators(of piece: Piece, at position: Int64, _ stream: StreamBlock) -> Accumulators {
        accumulators(of: piece, from: piece.marks, at: position, stream)
    }

    /// The counters of a piece up to a position, going on from the nearest mark before it.
    private func accumulators(
        of piece: Piece, from marks: [Accumulators], at position: Int64, _ stream: StreamBlock
    ) -> Accumulators {
        let before = marks.filter { ($0.position ?? .min) <= position }
        var result = before.max { ($0.position ?? .min) < ($1.position ?? .min) } ?? Accumulators(plan)
        let start = stream.firstRow(after: result.position ?? piece.begin - 1)
        let end = stream.firstRow(after: position)
        if start < end { result.consume(stream, start..<end, plan) }
        return result
    }
}
