import Foundation

/// A stretch that one selector chose, by places in the calculator's stream.
struct Run: Equatable {
    /// The ON messages; the first and the last are the run's borders.
    var onMessages: [Int]
    /// Still open at the end of the data.
    var isOpen: Bool

    var first: Int { onMessages[0] }
    var last: Int { onMessages[onMessages.count - 1] }
}

extension SelectorDefinition {
    func isGap(_ differenceMicroseconds: Int64) -> Bool {
        gapMicrosecondsMax > 0 && differenceMicroseconds > gapMicrosecondsMax
    }
}

/// What a selector says of a message.
enum SelectorState {
    case on, onNew, off, unknown
}

/// One selector over the calculator's whole stream.
struct SelectorRuns {
    let definition: SelectorDefinition
    let stream: MessageStream
    /// The places of the messages that the selector sees.
    let seen: [Int]
    /// What a geofence selector finds in each seen message; empty for other selectors.
    let findings: [GeofenceFinding]
    private let nowMicroseconds: Int64

    init(_ definition: SelectorDefinition, _ stream: MessageStream, nowMicroseconds: Int64) {
        self.definition = definition
        self.stream = stream
        self.nowMicroseconds = nowMicroseconds
        seen = stream.places(where: definition.validateMessage)
        findings = Self.findings(definition, stream.selecting(seen))
    }

    func time(_ place: Int) -> Int64 { stream.messages[place].timestampMicroseconds }

    /// The state of each seen message, before `merge_unknown`.
    private func states() -> [SelectorState] {
        let view = stream.selecting(seen)
        let states =
            switch definition.kind {
            case .boolean(let expression): view.outcomes(of: expression).map(Self.state)
            case .change(let expression): Self.changes(view.outcomes(of: expression))
            case .datetime(let split): Self.changes(view.messages.map { bucket(split, $0) })
            case .inactive(let delay): inactiveStates(view, delay)
            case .geofence: geofenceStates()
            case .calc(let id, let validation): sourceStates(view, id, validation)
            }
        return definition.invert ? states.map(Self.inverted) : states
    }

    private static func state(_ outcome: RefValue?) -> SelectorState {
        guard let value = outcome, value != .null else { return .unknown }
        return value.isTrue ? .on : .off
    }

    private static func inverted(_ state: SelectorState) -> SelectorState {
        switch state {
        case .on, .onNew: .off
        case .off: .on
        case .unknown: .unknown
        }
    }

    /// ON_NEW where a value differs from the last known one.
    private static func changes(_ outcomes: [RefValue?]) -> [SelectorState] {
        var known: RefValue?
        return outcomes.map { outcome in
            guard let value = outcome, value != .null else { return .unknown }
            defer { known = value }
            return value == known ? .on : .onNew
        }
    }

    /// The calendar bucket of a message.
    private func bucket(_ split: String?, _ message: RefMessage) -> RefValue {
        .string(
            LocalTime.bucket(
                split, microseconds: message.timestampMicroseconds, in: stream.surroundings.timeZone))
    }

    /// ON while the message lies within a source interval, ON_NEW where it is another than the last one.
    private func sourceStates(_ view: MessageStream, _ id: Int, _ validation: Expression?) -> [SelectorState] {
        let intervals = (view.surroundings.sources[id]?.intervals ?? [])
            .filter { $0.passes(validation, view.surroundings) }
        var known: Int64?
        return view.messages.map { message in
            let time = message.timestampMicroseconds
            let around = intervals.filter { $0.beginMicroseconds <= time && time <= $0.endMicroseconds }
            guard let firstOn = around.map(\.firstOnMicroseconds).max() else { return .off }
            defer { known = firstOn }
            return firstOn == known ? .on : .onNew
        }
    }

    /// ON in late messages and at both sides of a gap, ON_NEW where a gap begins.
    private func inactiveStates(_ view: MessageStream, _ delay: Int64) -> [SelectorState] {
        let messages = view.messages
        return messages.indices.map { place in
            let time = messages[place].timestampMicroseconds
            let next = place + 1 < messages.count ? messages[place + 1].timestampMicroseconds : nowMicroseconds
            let isAfterGap = place > 0 && time - messages[place - 1].timestampMicroseconds > delay
            let isLate = messages[place].acceptanceMicroseconds - time > delay
            if isAfterGap || isLate { return .on }
            return next - time > delay ? .onNew : .off
        }
    }
}

extension SelectorRuns {
    /// The runs as the states give them, before any is dropped or split.
    private func rawRuns() -> [Run] {
        var runs: [Run] = []
        var current: Run?
        var isWaiting = false
        var before = SelectorState.off
        var previous: Int?
        func close() {
            if var run = current {
                run.isOpen = false
                runs.append(run)
            }
            current = nil
            isWaiting = false
        }
        for (place, evaluated) in zip(seen, states()) {
            if let previous, isGap(time(place) - time(previous)) {
                close()
                before = .off
            }
            let state = evaluated == .unknown ? (definition.mergesUnknown ? before : .off) : evaluated
            if let run = current, isWaiting, exceedsInactive(place, run) { close() }
            switch state {
            case .onNew:
                close()
                current = Run(onMessages: [place], isOpen: true)
            case .on:
                current = Run(onMessages: (current?.onMessages ?? []) + [place], isOpen: true)
                isWaiting = false
            case .off, .unknown:
                if let run = current {
                    if definition.inactiveMicrosecondsMax == 0 || exceedsInactive(place, run) {
                        close()
                    } else {
                        isWaiting = true
                    }
                }
            }
            before = state == .off ? .off : .on
            previous = place
        }
        if let current { runs.append(current) }
        return runs
    }

    private func isGap(_ difference: Int64) -> Bool { definition.isGap(difference) }

    private func exceedsInactive(_ place: Int, _ run: Run) -> Bool {
        time(place) - time(run.last) > definition.inactiveMicrosecondsMax
    }

    /// The runs that last long enough, cut by `max_active`, with their merges judged against every selector's gaps.
    func runs(gaps: Gaps) -> [Run] {
        rawRuns().filter(isActiveEnough).flatMap(split).filter { lastsEnough($0, gaps) }
    }

    /// Rule 13, before merging; an open run is judged as if it ended at its last ON message (rule 42).
    private func isActiveEnough(_ run: Run) -> Bool {
        switch definition.kind {
        case .boolean, .change, .geofence, .calc: break
        case .datetime, .inactive: return true
        }
        if let least = definition.activeMicrosecondsMin { return time(run.last) - time(run.first) >= least }
        if case .change = definition.kind { return true }
        return run.first != run.last
    }

    /// Cuts a run where the next ON message would lie more than `max_active` after the first.
    private func split(_ run: Run) -> [Run] {
        guard definition.activeMicrosecondsMax > 0 else { return [run] }
        var pieces: [Run] = []
        var piece: [Int] = []
        for place in run.onMessages {
            if let first = piece.first, time(place) - time(first) > definition.activeMicrosecondsMax {
                pieces.append(Run(onMessages: piece, isOpen: false))
                piece = []
            }
            piece.append(place)
        }
        return pieces + [Run(onMessages: piece, isOpen: run.isOpen)]
    }

    /// `min_duration` with the run's own merges, the one after only once it is closed (rule 43).
    private func lastsEnough(_ run: Run, _ gaps: Gaps) -> Bool {
        let before = definition.mergesMessageBefore && gaps.canMerge(run.first - 1, run.first)
        let after = !run.isOpen && definition.mergesMessageAfter && gaps.canMerge(run.last, run.last + 1)
        let span = time(after ? run.last + 1 : run.last) - time(before ? run.first - 1 : run.first)
        return span >= definition.durationMicrosecondsMin
    }

    /// Whether an open run is still active at `now`: no timer of its selector is over (rule 12).
    func isActive(_ run: Run) -> Bool {
        guard run.isOpen else { return false }
        if case .inactive(let delay) = definition.kind { return nowMicroseconds - time(run.last) > delay }
        let limit = definition.inactiveMicrosecondsMax
        return !(limit > 0 && nowMicroseconds - time(run.last) > limit)
    }
}

/// The gaps of all selectors, which no merge crosses.
struct Gaps {
    let selectors: [SelectorRuns]

    /// Whether two neighbours of the calculator's stream exist and no selector has a gap between them.
    func canMerge(_ left: Int, _ right: Int) -> Bool {
        guard let selector = selectors.first, left >= 0, right < selector.stream.messages.count else { return false }
        return selectors.allSatisfy { !hasGap($0, left, right) }
    }

    private func hasGap(_ selector: SelectorRuns, _ left: Int, _ right: Int) -> Bool {
        let limit = selector.definition.gapMicrosecondsMax
        guard limit > 0 else { return false }
        if selector.time(right) - selector.time(left) > limit { return true }
        guard let before = selector.seen.last(where: { $0 <= left }),
            let after = selector.seen.first(where: { $0 >= right })
        else { return false }
        return selector.time(after) - selector.time(before) > limit
    }
}
