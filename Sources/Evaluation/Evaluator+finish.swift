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
        var fields: [String: Value] = [
            "begin": .number(interval.begin.seconds), "end": .number(interval.end.seconds),
            "duration": .number(interval.duration),
        ]
        var results = accumulators.results()[...]
        for counter in plan.calculator.counters {
            let fromMessages = counter.readsMessages ? results.removeFirst() : nil
            guard let value = fromMessages ?? value(of: counter, interval, fields, previous) else { continue }
            fields[counter.name] = value
            interval.counters.append(Interval.Counter(name: counter.name, value: value))
        }
        if let validate = plan.calculator.validateInterval, !evaluate(validate, fields, previous).truth()[0] {
            return nil
        }
        previous = plan.previousNames.isEmpty ? [:] : fields.filter { plan.previousNames.contains($0.key) }
        return EvaluatedInterval(interval: interval, isComplete: !accumulators.isIncomplete)
    }

    /// The value of a counter that needs no messages.
    private func value(
        of counter: Counter, _ interval: Interval, _ fields: [String: Value], _ previous: [String: Value]?
    ) -> Value? {
        switch counter.kind {
        case .interval(let program): return evaluate(program, fields, previous).present(0)
        case .active: return .boolean(interval.isActive)
        case .datetime(let format, let border):
            return .string(format.text(border == .begin ? interval.begin : interval.end, in: plan.environment.timeZone))
        case .specified(let value): return value
        case .values, .route, .message: return nil
        }
    }

    private func evaluate(_ program: Program, _ fields: [String: Value], _ previous: [String: Value]?) -> ValueColumn {
        let columns = plan.calculator.intervalLayout.names.map { ValueColumn(repeating: fields[$0], count: 1) }
        var memory = ProgramMemory(for: program, previousFields: previous)
        return program.evaluate(
            ExpressionBlock(timestamps: [0], columns: columns), memory: &memory, environment: plan.environment)
    }
}
