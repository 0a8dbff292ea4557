/// Where runs of all selectors overlap: an interval before merging, by places in the calculator's stream.
struct Stretch: Equatable {
    var first: Int
    var last: Int
    /// One run of each selector.
    var runs: [Run]

    /// Every overlap of runs, one of each selector, in order of time.
    static func intersections(_ runsBySelector: [[Run]]) -> [Stretch] {
        guard let runs = runsBySelector.first else { return [] }
        var stretches = runs.map { Stretch(first: $0.first, last: $0.last, runs: [$0]) }
        for runs in runsBySelector.dropFirst() {
            stretches = stretches.flatMap { stretch in runs.compactMap { stretch.intersection($0) } }
        }
        return stretches.sorted { $0.first < $1.first }
    }

    private func intersection(_ run: Run) -> Stretch? {
        let (first, last) = (max(first, run.first), min(last, run.last))
        return first <= last ? Stretch(first: first, last: last, runs: runs + [run]) : nil
    }

    /// The borders with the merged messages (rules 14 and 43).
    ///
    /// A message is merged if all selectors whose run begins, or ends, at the border want it. An open run does not end.
    func merged(_ selectors: [SelectorRuns], _ gaps: Gaps) -> (first: Int, last: Int) {
        let definitions = selectors.map(\.definition)
        let beginning = zip(definitions, runs).filter { $1.first == first }
        let ending = zip(definitions, runs).filter { $1.last == last && !$1.isOpen }
        let mergesBefore = beginning.allSatisfy { $0.0.mergesMessageBefore } && gaps.canMerge(first - 1, first)
        let mergesAfter =
            !ending.isEmpty && ending.allSatisfy { $0.0.mergesMessageAfter } && gaps.canMerge(last, last + 1)
        return (mergesBefore ? first - 1 : first, mergesAfter ? last + 1 : last)
    }
}
