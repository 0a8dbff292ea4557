import Calculators
import Evaluation
import Expressions
import LocalCache
import Telemetry

/// Calculates the pending ranges of one assignment again.
///
/// It starts from the last state saved before a change, or from the horizon, and stops where, beyond the change, its
/// state equals a saved one. It runs in slices, so that a long replay lets live jobs through, and decides everything;
/// what it decides is in `outcome` once it has finished.
package struct RecalculationJob {
    /// Messages between two saved states, where nobody says otherwise: a late message costs at most so many.
    package static let stateSpacingDefault = 2_048
    /// So many times as dense are states saved about a late message: the next one there costs that much less.
    private static let densityOfLateStates = 8

    package let key: AssignmentKey
    package var calculator: Calculator { plan.calculator }
    /// From where its whole history is calculated; what ends before it is frozen.
    package let horizon: HorizonStart
    package internal(set) var outcome = JobOutcome()

    let reader: MessageReader
    private let continued: ContinuedMark
    /// The moment whose state is wanted instead of intervals (`RecalculationJob+horizon.swift`); nil: none.
    let stateMoment: Timestamp?
    private let sources: SourceReader?
    private let customFields: [Timestamp: [String: Value]]
    private let plan: EvaluationPlan
    private let known: KnownState?
    private let now: Timestamp
    private let stateSpacing: Int
    private var ranges: ArraySlice<TimeRange>
    var segment: Segment?

    /// One stretch of the evaluation, from a saved state to where it meets the old one again.
    struct Segment {
        var evaluator: Evaluator
        /// The last message consumed.
        var position: Timestamp
        /// The one before.
        var positionBefore: Timestamp?
        /// The end of the changes: states from here on may be met.
        var upper: Timestamp
        /// The same, whatever states have been passed since.
        var changesUpper: Timestamp
        /// The moment up to which source intervals have been read; nil: none.
        var sourcesUpper: Timestamp?
        /// Intervals whose first message lies from here on are calculated anew.
        var regionLower: Timestamp
        var statesRemovedFrom: Timestamp
        var countSinceState: Int
        /// Messages that were consumed.
        var messageCount = 0
        /// Whether it began at the horizon, so that it marks what spans that.
        var beganAtHorizon = false
        /// Whether messages were consumed since the state it began from.
        var hasMoved = false
        var nextSaved: SavedState?
    }

    /// What a job reads beside the messages of the device.
    package struct Inputs {
        package var plan: EvaluationPlan
        package var binding: ColumnBinding
        /// Reads the intervals of other calculators; nil where none is read.
        package var sources: SourceReader?
        /// What people have added to intervals, by the first message that is on; `previous()` finds it.
        package var customFields: [Timestamp: [String: Value]] = [:]
        /// From where, and from what, the whole history is calculated.
        package var horizon = HorizonStart()
        /// About as many messages are read at one time of those that are not in chunks.
        package var tailCountMax = MessageReader.tailCountMaxDefault
        /// Where the job before left the end of the data.
        package var known: KnownState?

        package init(plan: EvaluationPlan, binding: ColumnBinding, sources: SourceReader? = nil) {
            self.plan = plan
            self.binding = binding
            self.sources = sources
        }
    }

    /// A job over ranges that do not touch, in order.
    package init(
        key: AssignmentKey, inputs: Inputs, ranges: [TimeRange], now: Timestamp,
        stateSpacing: Int = Self.stateSpacingDefault
    ) {
        self.init(
            key: key, inputs: inputs,
            ranges: Self.clipped(ranges, to: inputs.horizon.moment), now: now, stateSpacing: stateSpacing,
            stateMoment: nil)
    }

    init(
        key: AssignmentKey, inputs: Inputs, ranges: [TimeRange], now: Timestamp,
        stateSpacing: Int, stateMoment: Timestamp?
    ) {
        self.key = key
        self.stateMoment = stateMoment
        horizon = inputs.horizon
        plan = inputs.plan
        known = inputs.known
        let calculator = inputs.plan.calculator
        continued = ContinuedMark(inputs.horizon.moment, calculator)
        sources = inputs.sources
        customFields = inputs.customFields
        self.now = now
        self.stateSpacing = max(1, stateSpacing)
        // Where lists are rebuilt, a segment starts well before its range: over states that the one before made stale.
        let isOneStretch = calculator.listsMessages && ranges.count > 1
        self.ranges = isOneStretch ? [ranges.dropFirst().reduce(ranges[0]) { $0.union($1) }] : ranges[...]
        let stream = calculator.messagesSource.flatMap { calculator in
            inputs.sources.map { MessageReader.SourceStream(calculator: calculator, sources: $0) }
        }
        reader = MessageReader(
            device: key.device, binding: inputs.binding, stream: stream, tailCountMax: inputs.tailCountMax)
    }

    /// What lies before the horizon is no message's: it asks for what goes on from there.
    private static func clipped(_ ranges: [TimeRange], to horizon: Timestamp) -> [TimeRange] {
        guard horizon > .distantPast else { return ranges }
        let next = Timestamp(microseconds: horizon.microseconds + 1)
        var result: [TimeRange] = []
        for range in ranges {
            let range = TimeRange(lower: max(range.lower, horizon), upper: max(range.upper, next))
            if let last = result.last, range.lower <= last.upper {
                result[result.count - 1] = last.union(range)
            } else {
                result.append(range)
            }
        }
        return result
    }

    /// What it reads of the device's chunks, as parameters (nil: all); nothing where intervals stand for messages.
    package var chunkColumns: (parameters: [ParameterID]?, isNone: Bool) { (reader.parameters, reader.stream != nil) }

    /// Works until the job is finished (true) or about `messageCountMax` messages have been read.
    package mutating func run(messageCountMax: Int, _ cache: WorkerCache) throws -> Bool {
        let limit = outcome.messageCount + messageCountMax
        while outcome.messageCount < limit {
            if segment == nil {
                guard let range = ranges.popFirst() else { return true }
                segment = try begin(range, cache)
            }
            if let stateMoment { try step(to: stateMoment, cache) } else { try step(cache) }
        }
        return segment == nil && ranges.isEmpty
    }

    // MARK: Beginning

    private func begin(_ range: TimeRange, _ cache: WorkerCache) throws -> Segment {
        var segment = try saved(before: range.lower, cache).map { begin(range, $0, $1) } ?? beginAtHorizon(range)
        if SeededBug.rangeNotWidened.isOn {
            segment.position = max(segment.position, Timestamp(microseconds: range.lower.microseconds - 1))
            segment.regionLower = max(segment.regionLower, range.lower)
        }
        return segment
    }

    /// The last saved state behind the horizon that an evaluation of what follows a moment may begin from.
    private func saved(
        before moment: Timestamp, _ cache: WorkerCache
    ) throws -> (saved: SavedState, state: EvaluationState)? {
        var saved = try cache.state(key, before: moment)
        // Lists are not saved: start before the earliest interval that the change may touch.
        if calculator.listsMessages, let pendingFrom = saved?.pendingFrom {
            saved = try cache.state(key, before: pendingFrom)
        }
        guard let saved, saved.moment >= horizon.moment,
            let state = try? known?.state(of: saved.bytes, plan) ?? EvaluationState(plan, decoding: saved.bytes)
        else { return nil }
        return (saved, state)
    }

    private func begin(_ range: TimeRange, _ saved: SavedState, _ state: EvaluationState) -> Segment {
        let next = Timestamp(microseconds: saved.moment.microseconds + 1)
        let replacesSaved = saved.isLast && saved.count < stateSpacing
        return Segment(
            evaluator: evaluator(from: state), position: saved.moment, upper: range.upper,
            changesUpper: range.upper, regionLower: calculator.listsMessages ? next : state.pendingFrom ?? next,
            statesRemovedFrom: replacesSaved ? saved.moment : next, countSinceState: replacesSaved ? saved.count : 0)
    }

    /// From nothing, everything that is not frozen is calculated anew; from the state at the horizon, what was not
    /// settled there and what follows.
    func beginAtHorizon(_ range: TimeRange) throws -> Segment {
        let moment = horizon.moment
        let state = try horizon.state(calculator)
        let start = state ?? EvaluationState(calculator, beginsAtHorizon: moment > .distantPast)
        return Segment(
            evaluator: evaluator(from: start),
            position: moment > .distantPast ? Timestamp(microseconds: moment.microseconds - 1) : .distantPast,
            upper: range.upper, changesUpper: range.upper,
            regionLower: state.map { $0.pendingFrom ?? moment } ?? .distantPast, statesRemovedFrom: .distantPast,
            countSinceState: 0, beganAtHorizon: true)
    }

    private func evaluator(from state: EvaluationState) -> Evaluator {
        var evaluator = Evaluator(plan, from: state)
        evaluator.customFields = customFields
        return evaluator
    }

    // MARK: Going on

    private mutating func step(_ cache: WorkerCache) throws {
        guard var segment = self.segment else { return }
        guard let block = try reader.block(after: segment.position, cache) else {
            try readSources(&segment, upTo: segment.position)
            finishAtEnd(segment)
            self.segment = nil
            return
        }
        var row = 0
        while row < block.count {
            let meeting = try nextMeeting(&segment, cache)
            let border = meeting.map { block.firstRow(after: $0.moment) } ?? block.count
            let spacing = spacing(segment, meeting)
            let end = min(border, row + max(1, spacing - segment.countSinceState))
            if end > row {
                let part = block.slice(row..<end)
                try readSources(&segment, upTo: Timestamp(microseconds: part.content.timestamps[part.count - 1]))
                consume(part, &segment)
            }
            row = max(row, end)
            if segment.countSinceState >= spacing { save(&segment, isLast: false) }
            if row < border { continue }
            guard let meeting, row < block.count || segment.position >= meeting.moment else { continue }
            segment.nextSaved = nil
            if segment.position == meeting.moment, mayMeet(segment), segment.evaluator.state.encoded() == meeting.bytes
            {
                finish(segment, meeting: meeting)
                self.segment = nil
                return
            }
            segment.upper = max(segment.upper, Timestamp(microseconds: meeting.moment.microseconds + 2))
        }
        self.segment = segment
    }

    /// The messages between two saved states: fewer about a change of the past, since others often follow it there.
    private func spacing(_ segment: Segment, _ meeting: SavedState?) -> Int {
        guard meeting != nil, segment.messageCount < 2 * stateSpacing else { return stateSpacing }
        return max(1, stateSpacing / Self.densityOfLateStates)
    }

    mutating func consume(_ block: MessageBlock, _ segment: inout Segment) {
        outcome.messageCount += block.count
        segment.countSinceState += block.count
        segment.messageCount += block.count
        segment.hasMoved = true
        segment.positionBefore =
            block.count > 1
            ? Timestamp(microseconds: block.content.timestamps[block.count - 2]) : segment.position
        segment.position = Timestamp(microseconds: block.content.timestamps[block.count - 1])
        take(segment.evaluator.consume(block), segment)
    }

    /// Whether equal states mean equal intervals from there on. Source intervals that counters read, and fields that
    /// people add to an interval, are in no state before that interval is settled: none that is pending may reach back
    /// into the changes. Nor is it in a state whether an interval spans the horizon.
    private func mayMeet(_ segment: Segment) -> Bool {
        if segment.beganAtHorizon, let begin = segment.evaluator.state.pendingBegin, begin < horizon.moment {
            return false
        }
        guard calculator.hasSourceCounters || calculator.readsPreviousInterval,
            let begin = segment.evaluator.state.pendingBegin
        else { return true }
        return begin >= segment.changesUpper
    }

    /// Reads the source intervals that touch what is pending and the messages up to a moment.
    func readSources(_ segment: inout Segment, upTo moment: Timestamp) throws {
        guard let sources, !calculator.sourceReferences.isEmpty else { return }
        // The last message may be merged into an interval that begins with the next.
        let needed = min(segment.evaluator.state.pendingBegin ?? .distantFuture, segment.position)
        let lower = segment.sourcesUpper.map { Timestamp(microseconds: $0.microseconds + 1) } ?? needed
        guard lower <= moment else { return }
        for source in Set(calculator.sourceReferences.map(\.calculator)) {
            var known = segment.evaluator.sources[source] ?? []
            if let first = known.first, first.end < needed { known.removeAll { $0.end < needed } }
            let last = known.last?.firstOn ?? .distantPast
            known += try sources.intervals(source, TimeRange(inclusive: lower, moment)).filter { $0.firstOn > last }
            segment.evaluator.sources[source] = known
        }
        segment.sourcesUpper = moment
    }

    /// The next saved state beyond all changes up to it, where the old and the new evaluation may meet.
    private mutating func nextMeeting(_ segment: inout Segment, _ cache: WorkerCache) throws -> SavedState? {
        while true {
            let earliest = max(
                Timestamp(microseconds: segment.upper.microseconds - 1),
                Timestamp(microseconds: segment.position.microseconds + 1))
            if segment.nextSaved.map({ $0.moment < earliest }) ?? true {
                segment.nextSaved = segment.upper >= .distantFuture ? nil : try cache.state(key, atOrAfter: earliest)
            }
            guard let saved = segment.nextSaved else {
                // No state to meet: this segment runs to the end and calculates what is pending there too.
                ranges = []
                segment.upper = .distantFuture
                segment.changesUpper = .distantFuture
                return nil
            }
            guard let following = ranges.first, following.lower <= saved.moment else { return saved }
            segment.upper = max(segment.upper, following.upper)
            segment.changesUpper = max(segment.changesUpper, following.upper)
            ranges.removeFirst()
        }
    }

    // MARK: Finishing

    private mutating func finish(_ segment: Segment, meeting: SavedState) {
        let next = Timestamp(microseconds: meeting.moment.microseconds + 1)
        close(segment, regionUpper: segment.evaluator.state.pendingFrom ?? next, statesUpper: meeting.moment)
    }

    private mutating func finishAtEnd(_ segment: Segment) {
        var segment = segment
        ranges = []
        outcome.reachesEnd = true
        outcome.timer = segment.evaluator.nextTimer(after: now)
        take(segment.evaluator.pendingIntervals(now: now), segment)
        if segment.hasMoved {
            // A border of regular states that falls on the end of the data stays one.
            if segment.countSinceState > 0 { save(&segment, isLast: true) }
        } else {
            segment.statesRemovedFrom = max(
                segment.statesRemovedFrom, Timestamp(microseconds: segment.position.microseconds + 1))
        }
        close(segment, regionUpper: .distantFuture, statesUpper: .distantFuture)
    }

    private mutating func close(_ segment: Segment, regionUpper: Timestamp, statesUpper: Timestamp) {
        outcome.regions.append(TimeRange(lower: segment.regionLower, upper: max(segment.regionLower, regionUpper)))
        outcome.removedStates.append(TimeRange(lower: segment.statesRemovedFrom, upper: statesUpper))
        let run = TimeRange(lower: segment.regionLower, upper: segment.position)
        outcome.rangeRun = outcome.rangeRun.map { $0.union(run) } ?? run
    }

    private mutating func take(_ intervals: [EvaluatedInterval], _ segment: Segment) {
        for evaluated in intervals where evaluated.interval.firstOn >= segment.regionLower {
            precondition(
                evaluated.isComplete || SeededBug.isAnyOn,
                "an interval that is calculated anew was read from its first message on")
            var rendered = RenderedInterval(continued.interval(evaluated))
            // The text has them: a job over ten years holds all its intervals until they are pushed.
            rendered.interval.counters = []
            outcome.intervals.append(rendered)
        }
    }

    private mutating func save(_ segment: inout Segment, isLast: Bool) {
        let state = segment.evaluator.state
        let bytes = state.encoded()
        if isLast { outcome.lastState = KnownState(state, bytes: bytes, plan) }
        let isFiledLate = SeededBug.savedStateOneLate.isOn
        outcome.savedStates.append(
            SavedState(
                moment: isFiledLate ? segment.positionBefore ?? segment.position : segment.position,
                pendingFrom: state.pendingFrom, isLast: isLast,
                count: segment.countSinceState, bytes: bytes))
        segment.countSinceState = 0
    }
}

/// What a job found.
package struct JobOutcome: Sendable {
    package var messageCount = 0
    /// The intervals of `regions`, in order.
    package var intervals: [RenderedInterval] = []
    /// The ranges of first messages whose intervals were calculated anew: what is held there and not among `intervals`
    /// has vanished.
    package var regions: [TimeRange] = []
    package var savedStates: [SavedState] = []
    package var removedStates: [TimeRange] = []
    package var rangeRun: TimeRange?
    /// Whether the evaluation came to the end of the data, so that `timer` is known.
    package var reachesEnd = false
    package var timer: Timestamp?
    /// The state at the end of the data, to go on from without decoding it.
    package var lastState: KnownState?
    /// The state that was asked for instead of intervals, with all lists.
    package var state: [UInt8]?

    package init() {}
}

extension MessageBlock {
    func slice(_ rows: Range<Int>) -> MessageBlock {
        if rows == 0..<count { return self }
        return MessageBlock(
            timestamps: Array(content.timestamps[rows]), acceptances: Array(acceptances[rows]),
            columns: content.columns.map { $0.slice(rows) })
    }

    func firstRow(after moment: Timestamp) -> Int {
        content.timestamps.firstIndex(after: moment.microseconds)
    }
}
