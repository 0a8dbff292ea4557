import Calculators
import Evaluation
import Expressions
import PrimaryStore
import Recalculation
import Telemetry

/// Calculators over all messages of one device, or asset, as the primary store holds them: each from its horizon, and
/// from the state that was saved there, to the last, sources before what reads them. Nothing of it is kept.
struct HistoryEvaluation {
    /// Seconds for which one read of the archive may go on, so that the write-ahead log can be cut in between.
    static let readSecondsMax = 2.0

    private struct Part {
        var compiled: CompiledCalculator
        var binding: ColumnBinding
        var evaluator: Evaluator
        var horizon: Timestamp
        var continued: ContinuedMark
        var settled: [Interval] = []
    }

    let store: any PrimaryStore
    let picture: RegistryPicture
    let device: MirroredDevice
    /// Activity of what others read is judged at this moment.
    let now: Timestamp
    /// Asked after each block of so many messages whether to go on.
    let mayGoOn: (Int) -> Bool

    private(set) var messageCount = 0
    /// Whether it was told to stop, so that what it gives is not complete.
    private(set) var isCut = false
    private var done: [CalculatorID: Part] = [:]
    private var sources: [CalculatorID: [Interval]] = [:]

    init(
        store: any PrimaryStore, picture: RegistryPicture, device: MirroredDevice, now: Timestamp,
        mayGoOn: @escaping (Int) -> Bool
    ) {
        self.store = store
        self.picture = picture
        self.device = device
        self.now = now
        self.mayGoOn = mayGoOn
    }

    /// Evaluates calculators and those that they read, as far as they are assigned; the messages are read at least
    /// once, so that their checksums are.
    mutating func run(_ wanted: some Sequence<CalculatorID>) throws(StoreError) {
        var left = needed(wanted)
        var isFirst = true
        while isFirst || !left.isEmpty {
            isFirst = false
            let ready = left.filter { compiled in
                compiled.calculator.sources.allSatisfy { source in !left.contains { $0.id == source } }
            }
            // Calculators that read each other in a circle are refused when they are stored.
            guard !ready.isEmpty || left.isEmpty else { return }
            left.removeAll { compiled in ready.contains { $0.id == compiled.id } }
            try run(level: ready)
            guard !isCut else { return }
        }
    }

    /// The intervals of a calculator that are not frozen, their activity judged at a moment; nil if it was not
    /// evaluated.
    func intervals(_ calculator: CalculatorID, now moment: Timestamp) -> [Interval]? {
        guard let part = done[calculator] else { return nil }
        let pending = part.evaluator.pendingIntervals(now: moment).map { part.continued.interval($0) }
        let all = (part.settled + pending).filter { $0.end >= part.horizon }
        return all.sorted { ($0.firstOn, $0.begin) < ($1.firstOn, $1.begin) }
    }

    /// From when on the intervals of a calculator are calculated; what ends before is frozen.
    func horizon(_ calculator: CalculatorID) -> Timestamp { done[calculator]?.horizon ?? .distantPast }

    // MARK: Details

    private func needed(_ wanted: some Sequence<CalculatorID>) -> [CompiledCalculator] {
        var ids: Set<CalculatorID> = []
        var open = Array(wanted)
        while let id = open.popLast() {
            guard picture.assignments[key(id)] != nil, let compiled = picture.calculators[id], ids.insert(id).inserted
            else { continue }
            open += compiled.calculator.sources
        }
        return ids.sorted().compactMap { picture.calculators[$0] }
    }

    private mutating func run(level: [CompiledCalculator]) throws(StoreError) {
        var parts: [Part] = []
        for compiled in level { parts.append(try part(compiled)) }
        let streamed = parts.indices.filter { parts[$0].compiled.calculator.messagesSource == nil }
        if !streamed.isEmpty || messageCount == 0 {
            try forEachBlock { batch in
                for index in streamed { Self.consume(parts[index].binding.block(batch), &parts[index]) }
            }
        }
        for index in parts.indices {
            guard let source = parts[index].compiled.calculator.messagesSource else { continue }
            let block = SourceMessages(parts[index].binding).block(sources[source] ?? [])
            if block.count > 0 { Self.consume(block, &parts[index]) }
        }
        for part in parts {
            let id = part.compiled.id
            done[id] = part
            sources[id] = try read(part)
        }
    }

    /// The messages from the horizon on.
    private static func consume(_ block: MessageBlock, _ part: inout Part) {
        let first = block.content.timestamps.firstIndex(after: part.horizon.microseconds - 1)
        guard first < block.count else { return }
        let settled = part.evaluator.consume(first == 0 ? block : block.dropping(first))
        part.settled += settled.map { part.continued.interval($0) }
    }

    /// What others read of a calculator: what is frozen, and what keeps its old revision, as it is stored.
    private func read(_ part: Part) throws(StoreError) -> [Interval] {
        guard part.compiled.calculator.updatesOnChange else { return try stored(part.compiled.id) }
        let calculated = intervals(part.compiled.id, now: now) ?? []
        guard part.horizon > .distantPast else { return calculated }
        return try stored(part.compiled.id).filter { $0.end < part.horizon } + calculated
    }

    private func part(_ compiled: CompiledCalculator) throws(StoreError) -> Part {
        let calculator = compiled.calculator
        let environment = compiled.environment(device, picture.geofences[compiled.id]?.set)
        let start = try start(compiled)
        var evaluator = Evaluator(calculator, environment: environment, from: try beginning(start, calculator))
        for source in calculator.sources { evaluator.sources[source] = sources[source] ?? [] }
        if calculator.readsPreviousInterval {
            evaluator.customFields = try store.intervalFields(key(compiled.id)).valuesByFirstOn
        }
        let binding = ColumnBinding(
            calculator.layout, table: store.parameters, facts: device.facts, stretches: device.stretches)
        return Part(
            compiled: compiled, binding: binding, evaluator: evaluator, horizon: start.moment,
            continued: ContinuedMark(start.moment, calculator))
    }

    private func start(_ compiled: CompiledCalculator) throws(StoreError) -> HorizonStart {
        let key = key(compiled.id)
        let marked = try store.assignment(key)?.marks.horizon ?? .distantPast
        return HorizonStart(key, compiled, marked: marked, lost: try device.lostBefore(store), store: store)
    }

    private func beginning(_ start: HorizonStart, _ calculator: Calculator) throws(StoreError) -> EvaluationState {
        do { return try start.beginning(calculator) } catch let error as StoreError { throw error } catch {
            throw .database("\(error)")
        }
    }

    private func key(_ calculator: CalculatorID) -> AssignmentKey {
        AssignmentKey(calculator: calculator, device: device.facts.id)
    }

    private func stored(_ calculator: CalculatorID) throws(StoreError) -> [Interval] {
        let names = Set(picture.calculators[calculator]?.calculator.counters.map(\.name) ?? [])
        return try store.intervals(key(calculator), IntervalQuery()).map { Interval($0, counters: names) }
    }

    /// The messages in order: of a device all, of an asset what its devices sent while they stood for it.
    private mutating func forEachBlock(_ body: (MessageBatch) -> Void) throws(StoreError) {
        messageCount = 0
        guard device.isAsset else { return try read(device.facts.id, .all, body) }
        for stretch in device.stretches where !isCut { try read(stretch.facts.id, stretch.range, body) }
    }

    private mutating func read(
        _ device: DeviceID, _ range: TimeRange, _ body: (MessageBatch) -> Void
    ) throws(StoreError) {
        var rest: TimeRange? = range
        while let range = rest, !range.isEmpty, !isCut {
            rest = nil
            let deadline = ContinuousClock.now + .seconds(Self.readSecondsMax)
            // What was set apart lies before the horizons, or shows as a difference; it is told by itself.
            try MessageHistory(store: store).forEachBlock(
                device: device, range: range, passesOverDamage: true
            ) { batch throws(StoreError) in
                messageCount += batch.count
                isCut = !mayGoOn(batch.count)
                guard !isCut else { return false }
                body(batch)
                guard ContinuousClock.now > deadline, let last = batch.timestamps.last else { return true }
                rest = TimeRange(lower: Timestamp(microseconds: last + 1), upper: range.upper)
                return false
            }
        }
    }
}

extension MessageBlock {
    /// The rows from one on.
    fileprivate func dropping(_ first: Int) -> MessageBlock {
        MessageBlock(
            timestamps: Array(content.timestamps[first...]), acceptances: Array(acceptances[first...]),
            columns: content.columns.map { $0.slice(first..<count) })
    }
}
