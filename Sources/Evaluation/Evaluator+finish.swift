import Calculators
import Expressions
import Telemetry

extension Evaluator {
    /// The interval of a piece; nil if `validate_interval` refuses it. A kept one becomes the previous interval.
    func finish(
        _ piece: Piece, _ end: PieceEnd, _ accumulators: Accumulators, isActive: Bool,
        previous: inout [String: Value]?
    ) -> EvaluatedInterval? {
        var interval = Interval(
            begin: Timestamp(microseconds: piece.begin), end: Timestamp(microseconds: end.end),
            firstOn: Timestamp(microseconds: piece.firstOn), isActive: isActive, counters: [])
        var fields: [String: Value] = [:]
        if plan.readsFields {
            fields = [
                "begin": .number(interval.begin.seconds), "end": .number(interval.end.seconds),
                "duration": .number(interval.duration),
            ]
        }
        let counters = plan.calculator.counters
        interval.counters.reserveCapacity(counters.count)
        let results = accumulators.results()
        for index in counters.indices {
            let fromMessages = plan.resultPlaces[index].map { results[$0] }
            guard let value = fromMessages ?? value(of: counters[index], piece, interval, fields, previous) else {
                continue
            }
            if plan.readsFields { fields[counters[index].name] = value }
            interval.counters.append(Interval.Counter(name: counters[index].name, value: value))
        }
        if let validate = plan.calculator.validateInterval, !evaluate(validate, fields, previous).truth()[0] {
            return nil
        }
        if plan.readsFields, let custom = customFields[interval.firstOn] {
            fields.merge(custom) { counted, _ in counted }
        }
        previous = plan.previousNames.isEmpty ? [:] : fields.filter { plan.previousNames.contains($0.key) }
        return EvaluatedInterval(
            interval: interval, isComplete: !accumulators.isIncomplete, isCut: piece.isCut)
    }

    /// The value of a counter that needs no messages.
    private func value(
        of counter: Counter, _ piece: Piece, _ interval: Interval, _ fields: [String: Value],
        _ previous: [String: Value]?
    ) -> Value? {
        switch counter.kind {
        case .interval(let program): return evaluate(program, fields, previous).present(0)
        case .active: return .boolean(interval.isActive)
        case .datetime(let format, let border):
            return .string(format.text(border == .begin ? interval.begin : interval.end, in: plan.environment.timeZone))
        case .geofence: return piece.geofence.map { .string($0) }
        case .source(let counter):
            return counter.value(over: interval, sources[counter.source.calculator] ?? [], plan.environment)
        case .accumulator(let accumulator):
            return total(of: accumulator, named: counter.name, interval, fields, previous)
        case .specified(let value): return value
        case .values, .route, .message, .variable: return nil
        }
    }

    /// What a counter comes to with the intervals before, since the last reset.
    private func total(
        of accumulator: AccumulatorCounter, named name: String, _ interval: Interval, _ fields: [String: Value],
        _ previous: [String: Value]?
    ) -> Value? {
        var total = previous?[name]?.numeric ?? 0
        if let unit = accumulator.resetUnit, case .number(let begin)? = previous?["begin"] {
            let zone = plan.environment.timeZone
            let before = Timestamp(microseconds: Int64((begin * 1e6).rounded()))
            if zone.bucket(unit, at: before).label != zone.bucket(unit, at: interval.begin).label { total = 0 }
        }
        if let reset = accumulator.reset, evaluate(reset, fields, previous).truth()[0] { total = 0 }
        total += fields[accumulator.counter]?.numeric ?? 0
        return total.isFinite ? .number(total == 0 ? 0 : total) : nil
    }

    private func evaluate(_ program: Program, _ fields: [String: Value], _ previous: [String: Value]?) -> ValueColumn {
        let columns = plan.calculator.intervalLayout.names.map { ValueColumn(repeating: fields[$0], count: 1) }
        var memory = ProgramMemory(for: program, previousFields: previous)
        return program.evaluate(
            ExpressionBlock(timestamps: [0], columns: columns), memory: &memory, environment: plan.environment)
    }
}
