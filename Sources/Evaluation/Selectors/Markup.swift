import Calculators
import Expressions
import Telemetry

/// Runs one selector over a block of the calculator's stream: messages to states, states to runs.
struct Markup {
    private let selector: Selector
    private let index: Int
    private let neighbourhood: Neighbourhood
    private var track: SelectorTrack
    private var events: [RunEvent] = []

    /// The events of a block, in order; `track` goes on to its last message.
    static func run(
        _ selector: Selector, index: Int, over block: ExpressionBlock, _ neighbourhood: Neighbourhood,
        track: inout SelectorTrack, environment: ExpressionEnvironment
    ) -> [RunEvent] {
        var markup = Markup(selector: selector, index: index, neighbourhood: neighbourhood, track: track)
        markup.run(block, environment)
        track = markup.track
        return markup.events
    }

    private init(selector: Selector, index: Int, neighbourhood: Neighbourhood, track: SelectorTrack) {
        self.selector = selector
        self.index = index
        self.neighbourhood = neighbourhood
        self.track = track
    }

    private mutating func run(_ block: ExpressionBlock, _ environment: ExpressionEnvironment) {
        let view = seen(block, environment)
        let states = self.states(view.block, environment)
        for position in states.indices {
            step(view.rows?[position] ?? position, states[position])
        }
        noteAfter()
    }

    /// The messages that the selector sees, with their rows in the block; nil rows: all of them.
    private mutating func seen(
        _ block: ExpressionBlock, _ environment: ExpressionEnvironment
    ) -> (block: ExpressionBlock, rows: [Int]?) {
        guard let validate = selector.validateMessage, var memory = track.validateMemory else { return (block, nil) }
        let truth = validate.evaluate(block, memory: &memory, environment: environment).truth()
        track.validateMemory = memory
        if !truth.contains(false) { return (block, nil) }
        let rows = truth.indices.filter { truth[$0] }
        return (block.gather(rows), rows)
    }

    private mutating func states(_ block: ExpressionBlock, _ environment: ExpressionEnvironment) -> [MarkupState] {
        let plain: [MarkupState]
        switch selector.kind {
        case .boolean(let program):
            plain = ExpressionSelector.boolean(evaluate(program, block, environment))
        case .change(let program):
            plain = ExpressionSelector.change(evaluate(program, block, environment), last: &track.lastValue)
        case .datetime(let split):
            plain = DatetimeSelector.states(
                block.timestamps, split: split, zone: environment.timeZone, label: &track.bucket)
        }
        guard selector.options.invert else { return plain }
        return plain.map { $0 == .unknown ? .unknown : $0 == .off ? .on : .off }
    }

    private mutating func evaluate(
        _ program: Program, _ block: ExpressionBlock, _ environment: ExpressionEnvironment
    ) -> ValueColumn {
        var memory = track.memory ?? ProgramMemory(for: program)
        defer { track.memory = memory }
        return program.evaluate(block, memory: &memory, environment: environment)
    }

    /// The state machine of one message.
    private mutating func step(_ row: Int, _ given: MarkupState) {
        let moment = neighbourhood.timestamps[row]
        let options = selector.options
        if let lastSeen = track.lastSeen, options.maxMessagesTimeDiff > 0,
            moment - lastSeen > options.maxMessagesTimeDiff
        {
            close(at: row)
            track.wasOn = false
        }
        var state = given
        if state == .unknown { state = options.mergesUnknown && track.wasOn ? .on : .off }
        if let run = track.run, run.isWaiting, moment - run.lastOn > options.maxInactive { close(at: row) }
        switch state {
        case .new:
            close(at: row)
            open(row)
        case .on: goOn(row, moment)
        case .off, .unknown: rest(row, moment)
        }
        track.wasOn = state != .off
        track.lastSeen = moment
    }

    private mutating func goOn(_ row: Int, _ moment: Int64) {
        guard var run = track.run else { return open(row) }
        if selector.options.maxActive > 0, moment - run.partFirst > selector.options.maxActive {
            split(run, at: row)
            run.partFirst = moment
            run.mergedBegin = mergedBegin(row)
        }
        run.lastOn = moment
        run.isWaiting = false
        track.run = run
    }

    private mutating func rest(_ row: Int, _ moment: Int64) {
        guard let run = track.run else { return }
        if selector.options.maxInactive == 0 || moment - run.lastOn > selector.options.maxInactive {
            close(at: row)
        } else {
            track.run?.isWaiting = true
        }
    }

    private mutating func open(_ row: Int) {
        let moment = neighbourhood.timestamps[row]
        track.run = OpenRun(first: moment, partFirst: moment, mergedBegin: mergedBegin(row), lastOn: moment)
        events.append(RunEvent(row: row, selector: index, kind: .opened))
    }

    private func mergedBegin(_ row: Int) -> Int64 {
        selector.options.mergesBefore ? neighbourhood.mergedBegin(row) : neighbourhood.timestamps[row]
    }

    /// Ends a part of a run that goes on in the next.
    private mutating func split(_ run: OpenRun, at row: Int) {
        let isActiveEnough = selector.keeps(activeFrom: run.first, to: run.lastOn)
        let end = end(of: run, isActiveEnough: isActiveEnough ? true : nil)
        events.append(RunEvent(row: row, selector: index, kind: .closed(end)))
        events.append(RunEvent(row: row, selector: index, kind: .opened))
    }

    private mutating func close(at row: Int) {
        guard let run = track.run else { return }
        track.run = nil
        let isActiveEnough = selector.keeps(activeFrom: run.first, to: run.lastOn)
        if run.partFirst != run.first {
            events.append(RunEvent(row: row, selector: index, kind: .judged(isActiveEnough: isActiveEnough)))
        }
        let end = end(of: run, isActiveEnough: isActiveEnough)
        events.append(RunEvent(row: row, selector: index, kind: .closed(end)))
    }

    private func end(of run: OpenRun, isActiveEnough: Bool?) -> RunEnd {
        let after = firstMessage(after: run.lastOn) ?? run.lastOn
        let mergesAfter = selector.options.mergesAfter && neighbourhood.areClose(run.lastOn, after)
        let span = (mergesAfter ? after : run.lastOn) - run.mergedBegin
        return RunEnd(
            lastOn: run.lastOn, after: after, isLongEnough: span >= selector.options.minDuration,
            isActiveEnough: isActiveEnough)
    }

    /// The first message of the stream after a moment that was on, in this block or noted from an earlier one.
    private func firstMessage(after moment: Int64) -> Int64? {
        if let carry = neighbourhood.carry, moment < carry { return track.after }
        let row = neighbourhood.firstRow(after: moment)
        return row < neighbourhood.timestamps.count ? neighbourhood.timestamps[row] : nil
    }

    private mutating func noteAfter() {
        track.after = track.run.flatMap { firstMessage(after: $0.lastOn) }
    }
}
