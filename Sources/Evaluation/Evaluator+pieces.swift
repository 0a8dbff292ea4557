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
        let (tracks, silent) = tracksInSilence(now)
        return (state.pieces + [silent].compactMap { $0 }).compactMap { piece in
            guard let end = piece.endSoFar(tracks, plan.calculator, plan.gaps),
                let counters = piece.marks.first(where: { $0.position == end.end })
            else { return nil }
            return finish(piece, end, counters, isActive: isActive(piece, tracks, now), previous: &previous)
        }
    }

    /// The moment after `now` at which the passing of time alone changes an open interval or opens one; nil if none
    /// does.
    public func nextTimer(after now: Timestamp) -> Timestamp? {
        guard plan.opensBefore || state.pieces.last?.isLive == true else { return nil }
        let limits = silenceLimits(state.tracks) + silenceThresholds()
        return limits.filter { $0 >= now.microseconds }.min().map { Timestamp(microseconds: $0 + 1) }
    }

    /// The tracks as silence up to `now` makes them, with the piece that it opens, if it does (`inactive`).
    func tracksInSilence(_ now: Timestamp) -> (tracks: [SelectorTrack], piece: Piece?) {
        var tracks = state.tracks
        guard plan.opensBefore, let carry = state.carry else { return (tracks, nil) }
        let moment = carry.timestamps[0]
        var opensNow = false
        for (index, selector) in plan.calculator.selectors.enumerated() {
            guard case .inactive(let threshold, _) = selector.kind, tracks[index].run == nil,
                now.microseconds - moment > threshold
            else { continue }
            tracks[index].run = OpenRun(first: moment, partFirst: moment, mergedBegin: moment, lastOn: moment)
            opensNow = true
        }
        guard opensNow, tracks.allSatisfy({ $0.run != nil }) else { return (tracks, nil) }
        let finder = GeofenceFinder(plan, carry, nil, carry, state.tracks)
        let piece = Piece(
            firstOn: moment, begin: moment, isCut: moment == state.cut, geofence: finder.name(row: -1),
            ends: tracks.map { _ in nil },
            marks: [accumulators(over: carry)])
        return (tracks, piece)
    }

    func isActive(_ piece: Piece, _ tracks: [SelectorTrack], _ now: Timestamp) -> Bool {
        guard piece.isLive, silenceLimits(tracks).allSatisfy({ now.microseconds <= $0 }) else { return false }
        return silenceThresholds().allSatisfy { now.microseconds > $0 }
    }

    /// When each open run that has a `max_inactive` ceases to be active.
    private func silenceLimits(_ tracks: [SelectorTrack]) -> [Int64] {
        zip(plan.calculator.selectors, tracks).compactMap { selector, track in
            guard selector.options.maxInactive > 0, let run = track.run else { return nil }
            return run.lastOn + selector.options.maxInactive
        }
    }

    /// Up to when the silence since the last message is none yet, for each selector of type `inactive`.
    private func silenceThresholds() -> [Int64] {
        guard let moment = state.carry?.timestamps[0] else { return [] }
        return plan.calculator.selectors.compactMap { selector in
            if case .inactive(let threshold, _) = selector.kind { moment + threshold } else { nil }
        }
    }

    func accumulators(of piece: Piece, at position: Int64, _ stream: StreamBlock) -> Accumulators {
        accumulators(of: piece, from: piece.marks, at: position, stream)
    }

    /// The counters of a piece up to a position, going on from the nearest mark before it.
    private func accumulators(
        of piece: Piece, from marks: [Accumulators], at position: Int64, _ stream: StreamBlock
    ) -> Accumulators {
        let before = marks.filter { ($0.position ?? .min) <= position }
        var result = before.max { ($0.position ?? .min) < ($1.position ?? .min) } ?? plan.start
        let start = stream.firstRow(after: result.position ?? piece.begin - 1)
        let end = stream.firstRow(after: position)
        if start < end { result.consume(stream, start..<end, plan) }
        return result
    }
}
