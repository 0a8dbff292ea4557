import Calculators
import Expressions
import Telemetry

/// An interval as the evaluation gives it.
public struct EvaluatedInterval: Sendable, Equatable {
    public var interval: Interval
    /// Whether all of it was computed: false where the evaluation resumed inside an interval that lists messages.
    public var isComplete: Bool
    /// Whether it begins with the first message after a horizon that nothing is known before.
    public var isCut: Bool
}

/// Turns the messages of one device into the intervals of one calculator, block by block.
///
/// The messages may be cut into blocks anywhere: intervals and states come out alike. An interval is given once no
/// later message can change it; `pendingIntervals` gives the rest as of now.
public struct Evaluator: Sendable {
    public internal(set) var state: EvaluationState
    /// The intervals of the calculators that are read, in order: at least those that touch what lies between
    /// `state.pendingFrom`, or the state's position, and the end of the next block.
    public var sources: [CalculatorID: [Interval]] = [:]
    /// What people have added to intervals, by the first message that is on; `previous()` finds it.
    public var customFields: [Timestamp: [String: Value]] = [:]

    let plan: EvaluationPlan

    public var calculator: Calculator { plan.calculator }

    /// An evaluation that goes on from a state, or from the start.
    public init(_ calculator: Calculator, environment: ExpressionEnvironment, from state: EvaluationState? = nil) {
        self.init(EvaluationPlan(calculator, environment), from: state)
    }

    /// The same by a plan that was made before.
    public init(_ plan: EvaluationPlan, from state: EvaluationState? = nil) {
        self.plan = plan
        self.state = state ?? EvaluationState(plan.calculator)
    }

    /// The intervals that the next messages of the stream settle, in order.
    public mutating func consume(_ block: MessageBlock) -> [EvaluatedInterval] {
        guard let last = block.content.timestamps.last else { return [] }
        precondition(
            state.position.map { $0.microseconds < block.content.timestamps[0] } ?? true
                || SeededBug.isAnyOn,
            "blocks must follow each other")
        if state.cut == .min { state.cut = block.content.timestamps[0] }
        defer { if state.cut != state.carry?.timestamps[0] { state.cut = nil } }
        state.position = Timestamp(microseconds: last)
        let stream = StreamBlock(valid(block), plan)
        guard stream.count > 0 else { return [] }
        advance(stream)
        let settled = settlePieces(stream)
        keepMarks(stream)
        let lastRow = stream.count - 1
        state.carry =
            plan.keepsLastMessage
            ? stream.content.slice(lastRow..<stream.count)
            : ExpressionBlock(timestamps: [stream.timestamps[lastRow]], columns: [])
        return settled
    }

    /// The messages that selectors and counters may see.
    private mutating func valid(_ block: MessageBlock) -> ExpressionBlock {
        let content = block.content
        var isValid: [Bool]?
        if let validate = plan.calculator.validateMessage, var memory = state.validateMemory {
            isValid = validate.evaluate(content, memory: &memory, environment: plan.environment).truth()
            state.validateMemory = memory
        }
        if plan.updatePeriod > 0 {
            let given = isValid ?? [Bool](repeating: true, count: content.count)
            isValid = given.indices.map {
                given[$0] && content.timestamps[$0] >= block.acceptances[$0] - plan.updatePeriod
            }
        }
        guard let isValid, isValid.contains(false) else { return content }
        return content.gather(isValid.indices.filter { isValid[$0] })
    }

    /// Runs the selectors over a block and follows their runs.
    private mutating func advance(_ stream: StreamBlock) {
        let neighbourhood = Neighbourhood(
            timestamps: stream.timestamps, carry: state.carry?.timestamps[0], gaps: plan.gaps)
        let surroundings = Markup.Surroundings(environment: plan.environment, sources: sources)
        var events: [RunEvent] = []
        var geofences: RowGeofences?
        let before = state.tracks
        for (index, selector) in plan.calculator.selectors.enumerated() {
            let markup = Markup.run(
                selector, index: index, over: stream.content, neighbourhood, track: &state.tracks[index], surroundings)
            events += markup.events
            if index == plan.geofenceSelector { geofences = markup.geofences }
        }
        if plan.calculator.selectors.count > 1 {
            events.sort { ($0.row, $0.order, $0.selector) < ($1.row, $1.order, $1.selector) }
        }
        let finder = GeofenceFinder(plan, stream.content, geofences, state.carry, before)
        follow(events, openAtStart: before.map { $0.run != nil }, neighbourhood, finder)
    }

    private mutating func follow(
        _ events: [RunEvent], openAtStart: [Bool], _ neighbourhood: Neighbourhood, _ finder: GeofenceFinder
    ) {
        var isOpen = openAtStart
        var beginsHere: Set<Int> = []
        for (index, event) in events.enumerated() {
            for index in state.pieces.indices { state.pieces[index].follow(event) }
            switch event.kind {
            case .judged: break
            case .closed: isOpen[event.selector] = false
            case .opened, .openedBefore:
                isOpen[event.selector] = true
                beginsHere.insert(event.selector)
            }
            let next = index + 1 < events.count ? events[index + 1] : nil
            let isBefore = event.order == 0
            guard next?.row != event.row || (isBefore && next?.order != 0) else { continue }
            if !beginsHere.isEmpty, isOpen.allSatisfy({ $0 }) {
                open(isBefore ? event.row - 1 : event.row, beginsHere, neighbourhood, finder)
            }
            beginsHere = []
        }
    }

    /// Begins a piece with a row; -1 is the last message before the block.
    private mutating func open(
        _ row: Int, _ beginsHere: Set<Int>, _ neighbourhood: Neighbourhood, _ finder: GeofenceFinder
    ) {
        let firstOn = row < 0 ? neighbourhood.carry ?? neighbourhood.timestamps[0] : neighbourhood.timestamps[row]
        let isMerged = row >= 0 && beginsHere.allSatisfy { plan.calculator.selectors[$0].options.mergesBefore }
        let begin = isMerged ? neighbourhood.mergedBegin(row) : firstOn
        var marks: [Accumulators] = []
        if begin < neighbourhood.timestamps[0], let carry = state.carry { marks = [accumulators(over: carry)] }
        state.pieces.append(
            Piece(
                firstOn: firstOn, begin: begin, isCut: begin == state.cut, geofence: finder.name(row: row),
                ends: plan.calculator.selectors.map { _ in nil }, marks: marks))
    }

    /// The counters of an interval that is the last message before the block, so far.
    func accumulators(over carry: ExpressionBlock) -> Accumulators {
        var start = plan.start
        start.consume(StreamBlock(carry, plan), 0..<1, plan)
        return start
    }
}

/// Finds the geofence of a message for the counter of type `geofence`.
struct GeofenceFinder {
    private let plan: EvaluationPlan
    private let block: ExpressionBlock
    private let geofences: RowGeofences?
    private let carry: ExpressionBlock?
    private let carried: SelectorTrack?

    init(
        _ plan: EvaluationPlan, _ block: ExpressionBlock, _ geofences: RowGeofences?, _ carry: ExpressionBlock?,
        _ tracks: [SelectorTrack]
    ) {
        self.plan = plan
        self.block = block
        self.geofences = geofences
        self.carry = carry
        carried = plan.geofenceSelector.map { tracks[$0] }
    }

    /// The name of the geofence in a row; -1 is the last message before the block. nil where no counter asks for it.
    func name(row: Int) -> String? {
        guard let columns = plan.geofenceColumns else { return nil }
        if row >= 0 {
            return geofences.map { $0.name(block, row: row) } ?? assigned(columns.point(block, row))
        }
        guard let carry else { return nil }
        if let carried, carried.lastSeen == carry.timestamps[0] { return carried.geofenceHere }
        return around(columns.point(carry, 0))
    }

    private func around(_ point: GeoPoint?) -> String? {
        guard let selector = plan.geofenceSelector, case .geofence(let own) = plan.calculator.selectors[selector].kind
        else { return assigned(point) }
        return name(point, own.geofences(plan.environment))
    }

    private func assigned(_ point: GeoPoint?) -> String? { name(point, plan.environment.geofences) }

    private func name(_ point: GeoPoint?, _ set: GeofenceSet) -> String? {
        guard let point, let place = set.first(latitude: point.latitude, longitude: point.longitude) else { return nil }
        return set.geofences[place].name
    }
}
