import Calculators
import Telemetry

/// A stretch on which every selector's run has been open: an interval to be, until it is known how its runs end.
struct Piece: Sendable {
    /// Its first message that is on for all selectors.
    var firstOn: Int64
    /// The same, merged with the message before where the selectors say so.
    var begin: Int64
    /// Whether it begins with the first message after a horizon that nothing is known before.
    var isCut = false
    /// The name of the geofence at `firstOn`, where a counter asks for it.
    var geofence: String?
    /// How each selector's run ended; nil while it is open.
    var ends: [RunEnd?]
    /// The counters as far as they have been computed, by position ascending; empty until the first message is taken.
    var marks: [Accumulators]

    /// The end that the closed runs give; nil while all are open.
    var closedEnd: Int64? { ends.lazy.compactMap { $0?.lastOn }.min() }

    var isLive: Bool { ends.allSatisfy { $0 == nil } }

    /// Follows what happens to a selector's run.
    mutating func follow(_ event: RunEvent) {
        switch event.kind {
        case .closed(let end): if ends[event.selector] == nil { ends[event.selector] = end }
        case .judged(let isActiveEnough):
            if let end = ends[event.selector], end.isActiveEnough == nil {
                ends[event.selector]?.isActiveEnough = isActiveEnough
            }
        case .opened, .openedBefore: break
        }
    }

    /// Whether it is known that nothing will come of it.
    var isRefused: Bool {
        if let closedEnd, closedEnd < firstOn { return true }
        return ends.contains { end in
            guard let end else { return false }
            return !end.isLongEnough || end.isActiveEnough == false
        }
    }
}

/// Where a piece ends, its merging with the message after included.
struct PieceEnd {
    /// The last message that is on for all selectors.
    var lastOn: Int64
    /// The end of the interval.
    var end: Int64
}

extension Piece {
    /// The end, if no message to come can change it or refuse the piece; nil otherwise.
    func settledEnd(_ tracks: [SelectorTrack], _ calculator: Calculator, _ gaps: [Int64]) -> PieceEnd? {
        guard let lastOn = closedEnd else { return nil }
        for (index, end) in ends.enumerated() {
            if let end {
                guard end.isActiveEnough != nil else { return nil }
            } else {
                let track = tracks[index]
                let selector = calculator.selectors[index]
                guard let run = track.run, track.isKeptSoFar(selector), run.lastOn >= lastOn else { return nil }
                if run.lastOn == lastOn, !selector.options.mergesAfter, mergesAfter(lastOn, calculator, gaps) != nil {
                    return nil
                }
            }
        }
        return PieceEnd(lastOn: lastOn, end: mergesAfter(lastOn, calculator, gaps) ?? lastOn)
    }

    /// The end as if every open run ended where it is; nil if that would refuse the piece.
    func endSoFar(_ tracks: [SelectorTrack], _ calculator: Calculator, _ gaps: [Int64]) -> PieceEnd? {
        guard !isRefused else { return nil }
        var lastOn = Int64.max
        for (index, end) in ends.enumerated() {
            if let end {
                let isActiveEnough =
                    end.isActiveEnough ?? tracks[index].isActiveEnoughSoFar(calculator.selectors[index])
                guard isActiveEnough else { return nil }
                lastOn = min(lastOn, end.lastOn)
            } else {
                guard let run = tracks[index].run, tracks[index].isKeptSoFar(calculator.selectors[index]) else {
                    return nil
                }
                lastOn = min(lastOn, run.lastOn)
            }
        }
        guard lastOn >= firstOn else { return nil }
        return PieceEnd(lastOn: lastOn, end: mergesAfter(lastOn, calculator, gaps) ?? lastOn)
    }

    /// The message after, if all closed runs that end at `lastOn` (and at least one does) merge it; never across a gap.
    private func mergesAfter(_ lastOn: Int64, _ calculator: Calculator, _ gaps: [Int64]) -> Int64? {
        var after: Int64?
        for (index, end) in ends.enumerated() {
            guard let end, end.lastOn == lastOn else { continue }
            guard calculator.selectors[index].options.mergesAfter else { return nil }
            after = end.after
        }
        guard let after, after > lastOn, gaps.allSatisfy({ after - lastOn <= $0 }) else { return nil }
        return after
    }

    /// The positions at which the piece may still come to end, before the last message of the stream.
    func candidateEnds(_ tracks: [SelectorTrack], mergesAfter: Bool) -> [Int64] {
        var positions: Set<Int64> = []
        let limit = closedEnd ?? .max
        for (index, end) in ends.enumerated() {
            let lastOn = end?.lastOn ?? tracks[index].run?.lastOn ?? limit
            let after = end?.after ?? tracks[index].after
            guard lastOn >= firstOn, lastOn <= limit else { continue }
            positions.insert(lastOn)
            if mergesAfter, let after { positions.insert(after) }
        }
        return positions.sorted()
    }
}
