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
    private var geofences: RowGeofences?
    private var states: [MarkupState] = []
    private var rows: [Int]?

    /// What an evaluation gives to every selector.
    struct Surroundings {
        var environment: ExpressionEnvironment
        var sources: [CalculatorID: [Interval]]
        /// Whether the states of selectors that need none (`inactive`) are wanted too.
        var wantsStates = false
    }

    /// The events of a block, in order, the geofence of each row, and the states of the rows that the selector saw (nil
    /// rows: all of them); `track` goes on to its last message.
    static func run(
        _ selector: Selector, index: Int, over block: ExpressionBlock, _ neighbourhood: Neighbourhood,
        track: inout SelectorTrack, _ surroundings: Surroundings
    ) -> (events: [RunEvent], geofences: RowGeofences?, states: [MarkupState], rows: [Int]?) {
        var markup = Markup(selector: selector, index: index, neighbourhood: neighbourhood, track: track)
        markup.run(block, surroundings)
        track = markup.track
        return (markup.events, markup.geofences, markup.states, markup.rows)
    }

    private init(selector: Selector, index: Int, neighbourhood: Neighbourhood, track: SelectorTrack) {
        self.selector = selector
        self.index = index
        self.neighbourhood = neighbourhood
        self.track = track
    }

    private mutating func run(_ block: ExpressionBlock, _ surroundings: Surroundings) {
        if case .inactive(let threshold, let acceptance) = selector.kind {
            runInactive(block, threshold, acceptance, wantsStates: surroundings.wantsStates)
        } else {
            let view = seen(block, surroundings.environment)
            let states = self.states(view, surroundings)
            (self.states, rows) = (states, view.rows)
            if let rows = view.rows {
                for position in states.indices { step(rows[position], states[position]) }
            } else {
                runStretches(states)
            }
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

    private mutating func states(
        _ view: (block: ExpressionBlock, rows: [Int]?), _ surroundings: Surroundings
    ) -> [MarkupState] {
        let plain: [MarkupState]
        let (block, environment) = (view.block, surroundings.environment)
        switch selector.kind {
        case .boolean(let program):
            plain = ExpressionSelector.boolean(evaluate(program, block, environment))
        case .change(let program):
            plain = ExpressionSelector.change(evaluate(program, block, environment), last: &track.lastValue)
        case .datetime(let split):
            plain = DatetimeSelector.states(
                block.timestamps, split: split, zone: environment.timeZone, label: &track.bucket)
        case .geofence(let geofence): plain = states(of: geofence, view, environment)
        case .source(let source):
            plain = SourceSelector.states(
                block.timestamps, source, surroundings.sources[source.calculator] ?? [], environment,
                last: &track.lastValue)
        case .inactive: plain = []
        }
        guard selector.options.invert else { return plain }
        return plain.map { $0 == .unknown ? .unknown : $0 == .off ? .on : .off }
    }

    private mutating func states(
        of geofence: GeofenceSelector, _ view: (block: ExpressionBlock, rows: [Int]?),
        _ environment: ExpressionEnvironment
    ) -> [MarkupState] {
        let markup = GeofenceStates(
            geofence, gap: selector.options.maxMessagesTimeDiff, view.block, environment, track: &track)
        let rows = RowGeofences(
            geofence.geofences(environment), markup.places, rows: view.rows, position: geofence.position)
        if let last = markup.places.last { track.geofenceHere = last.map { rows.name($0) } }
        geofences = rows
        return markup.states
    }

    private mutating func evaluate(
        _ program: Program, _ block: ExpressionBlock, _ environment: ExpressionEnvironment
    ) -> ValueColumn {
        var memory = track.memory ?? ProgramMemory(for: program)
        defer { track.memory = memory }
        return program.evaluate(block, memory: &memory, environment: environment)
    }

    /// Steps from message to message, and over those at once of which only the last one counts: further ones that are
    /// on in an open run, further ones that are off outside of one, without a gap between them.
    private mutating func runStretches(_ states: [MarkupState]) {
        let gap = selector.options.maxMessagesTimeDiff > 0 ? selector.options.maxMessagesTimeDiff : .max
        let timestamps = neighbourhood.timestamps
        var row = 0
        while row < states.count {
            step(row, states[row])
            let state = states[row]
            row += 1
            if state == .on || state == .new, selector.options.maxActive == 0, track.run != nil {
                let start = row
                while row < states.count, states[row] == .on, timestamps[row] - timestamps[row - 1] <= gap { row += 1 }
                if row > start { track.run?.lastOn = timestamps[row - 1] }
            } else if state == .off, track.run == nil {
                while row < states.count, states[row] == .off { row += 1 }
            }
            track.lastSeen = timestamps[row - 1]
        }
    }

    /// The state machine of one message.
    private mutating func step(_ row: Int, _ given: MarkupState) {
        let moment = neighbourhood.timestamps[row]
        let options = selector.options
        var isAfterGap = false
        if let lastSeen = track.lastSeen, options.maxMessagesTimeDiff > 0,
            moment - lastSeen > options.maxMessagesTimeDiff
        {
            isAfterGap = track.run != nil
            close(at: row, .gap)
            track.wasOn = false
        }
        var state = given
        if state == .unknown { state = options.mergesUnknown && track.wasOn ? .on : .off }
        if let run = track.run, run.isWaiting, moment - run.lastOn > options.maxInactive {
            close(at: row, .maxInactive)
        }
        switch state {
        case .new:
            close(at: row, .onNew)
            open(row, .onNew)
        case .on: goOn(row, moment, isAfterGap ? .afterGap : .on)
        case .off, .unknown: rest(row, moment)
        }
        track.wasOn = state != .off
        track.lastSeen = moment
    }

    /// A silence makes a run of the two messages around it, a late message one of itself; what follows goes on.
    private mutating func runInactive(
        _ block: ExpressionBlock, _ threshold: Int64, _ acceptance: Int, wantsStates: Bool
    ) {
        for row in 0..<block.count {
            let moment = block.timestamps[row]
            let isAfterSilence = track.lastSeen.map { moment - $0 > threshold } ?? false
            if isAfterSilence, track.run == nil, let before = track.lastSeen {
                track.run = OpenRun(first: before, partFirst: before, mergedBegin: before, lastOn: before)
                events.append(RunEvent(row: row, selector: index, kind: .openedBefore, cause: .silence))
            }
            let accepted = block.columns[acceptance].numeric(row).map { Int64(($0 * 1e6).rounded()) } ?? moment
            let isOn = isAfterSilence || accepted - moment > threshold
            if wantsStates { states.append(isOn ? .on : .off) }
            if isOn { goOn(row, moment, .late) } else { rest(row, moment) }
            track.lastSeen = moment
        }
    }

    /// The message is on; `cause` is why, should a run begin with it.
    private mutating func goOn(_ row: Int, _ moment: Int64, _ cause: RunCause) {
        guard var run = track.run else { return open(row, cause) }
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
            close(at: row, selector.options.maxInactive == 0 ? .off : .maxInactive)
        } else {
            track.run?.isWaiting = true
        }
    }

    private mutating func open(_ row: Int, _ cause: RunCause) {
        let moment = neighbourhood.timestamps[row]
        track.run = OpenRun(first: moment, partFirst: moment, mergedBegin: mergedBegin(row), lastOn: moment)
        events.append(RunEvent(row: row, selector: index, kind: .opened, cause: cause))
    }

    private func mergedBegin(_ row: Int) -> Int64 {
        selector.options.mergesBefore ? neighbourhood.mergedBegin(row) : neighbourhood.timestamps[row]
    }

    /// Ends a part of a run that goes on in the next.
    private mutating func split(_ run: OpenRun, at row: Int) {
        let isActiveEnough = selector.keeps(activeFrom: run.first, to: run.lastOn)
        let end = end(of: run, isActiveEnough: isActiveEnough ? true : nil)
        events.append(RunEvent(row: row, selector: index, kind: .closed(end), cause: .maxActive))
        events.append(RunEvent(row: row, selector: index, kind: .opened, cause: .splitMaxActive))
    }

    private mutating func close(at row: Int, _ cause: RunCause) {
        guard let run = track.run else { return }
        track.run = nil
        let isActiveEnough = selector.keeps(activeFrom: run.first, to: run.lastOn)
        if run.partFirst != run.first {
            events.append(
                RunEvent(row: row, selector: index, kind: .judged(isActiveEnough: isActiveEnough), cause: cause))
        }
        let end = end(of: run, isActiveEnough: isActiveEnough)
        events.append(RunEvent(row: row, selector: index, kind: .closed(end), cause: cause))
    }

    private func end(of run: OpenRun, isActiveEnough: Bool?) -> RunEnd {
        let after = firstMessage(after: run.lastOn) ?? run.lastOn
        let mergesAfter = selector.options.mergesAfter && neighbourhood.areClose(run.lastOn, after)
        let span = (mergesAfter ? after : run.lastOn) - run.mergedBegin
        return RunEnd(
            lastOn: run.lastOn, after: after, isLongEnough: span >= selector.options.minDuration,
            isActiveEnough: isActiveEnough, span: span)
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

/// The geofence of each row of a block, as a geofence selector sees it.
struct RowGeofences {
    private let set: GeofenceSet
    private let position: RouteColumns
    private var places: [Int: Int?] = [:]

    /// `rows` are the rows of the block that the selector saw; nil: all of them.
    init(_ set: GeofenceSet, _ places: [Int?], rows: [Int]?, position: RouteColumns) {
        self.set = set
        self.position = position
        for (index, place) in places.enumerated() { self.places[rows?[index] ?? index] = .some(place) }
    }

    func name(_ place: Int) -> String { set.geofences[place].name }

    /// The name of the geofence in a row: the one that the selector used, else the one around its position.
    func name(_ block: ExpressionBlock, row: Int) -> String? {
        if let used = places[row] { return used.map { name($0) } }
        guard let point = position.point(block, row) else { return nil }
        return set.first(latitude: point.latitude, longitude: point.longitude).map { name($0) }
    }
}
