/// The counters over the messages of one interval.
struct CounterEvaluation {
    /// The interval's messages, those merged before and after included.
    let stream: MessageStream
    let isActive: Bool
    let beginMicroseconds: Int64
    let endMicroseconds: Int64
    /// The geofence that the selectors found at the first ON message.
    let geofence: Geofence?

    /// The value of a counter; nil where it has none.
    func value(
        of counter: CounterDefinition, fields: [String: RefValue], previous: [String: RefValue]?
    ) -> RefValue? {
        guard let value = rawValue(of: counter, fields, previous), value != .null else { return nil }
        guard case .number(let number) = value else { return value }
        return number.isFinite ? .number(number == 0 ? 0 : number) : nil
    }

    private func rawValue(
        of counter: CounterDefinition, _ fields: [String: RefValue], _ previous: [String: RefValue]?
    ) -> RefValue? {
        let seen = stream.validated(by: counter.validateMessage)
        switch counter.kind {
        case .values(let expression, let method):
            return Aggregation(outcomes: seen.outcomes(of: expression), messages: seen.messages).result(method)
        case .interval(let expression):
            let scope = IntervalScope(surroundings: stream.surroundings, fields: fields, previous: previous)
            return expression.outcome(in: scope)
        case .active: return .boolean(isActive)
        case .geofence: return geofence.map { .string($0.name) }
        case .datetime(let format, let ofEnd):
            let seconds = LocalTime.floorDivide(Int(ofEnd ? endMicroseconds : beginMicroseconds), 1_000_000)
            return .string(LocalTime(seconds: seconds, in: stream.surroundings.timeZone).formatted(format))
        case .route:
            let positions = seen.messages.compactMap { Position($0) }
            return positions.isEmpty ? nil : .string(Position.polyline(positions))
        case .message(let projection): return messages(projection, seen)
        case .specified(let value): return value
        }
    }

    private func messages(_ projection: CounterDefinition.Projection, _ seen: MessageStream) -> RefValue? {
        let places = seen.messages.indices
        let chosen: Int? =
            switch projection.choice {
            case .first: places.first
            case .last: places.last
            case .minimum(let expression): extreme(seen.outcomes(of: expression)) { $0 < $1 }
            case .maximum(let expression): extreme(seen.outcomes(of: expression)) { $0 > $1 }
            case .each: nil
            }
        if projection.choice == .each {
            if places.isEmpty { return nil }
            return JSONTree.array(places.map { object(projection, seen[$0]) }).value
        }
        return chosen.map { object(projection, seen[$0]).value }
    }

    /// The place of the extreme number, the first among equals.
    private func extreme(_ outcomes: [RefValue?], _ isBetter: (Double, Double) -> Bool) -> Int? {
        var best: (place: Int, number: Double)?
        for (place, outcome) in outcomes.enumerated() {
            guard let number = outcome.flatMap(Aggregation.number) else { continue }
            if let held = best, !isBetter(number, held.number) { continue }
            best = (place, number)
        }
        return best?.place
    }

    private func object(_ projection: CounterDefinition.Projection, _ scope: MessageScope) -> JSONTree {
        .object(
            projection.fields.compactMap { field in
                guard let value = field.expression.outcome(in: scope) else { return nil }
                if case .number(let number) = value, !number.isFinite { return nil }
                return JSONTree.Member(key: field.name, value: JSONTree(value))
            })
    }
}

/// The methods over the outcomes of one expression, message by message.
struct Aggregation {
    /// nil for an error.
    let outcomes: [RefValue?]
    let messages: [RefMessage]

    private var values: [RefValue] { outcomes.compactMap { $0 == .null ? nil : $0 } }
    private var numbers: [Double] { values.compactMap(Self.number) }

    /// Numbers, and booleans as 1 and 0; nothing else counts.
    static func number(_ value: RefValue) -> Double? {
        switch value {
        case .number(let number): number
        case .boolean(let flag): flag ? 1 : 0
        case .null, .string, .json: nil
        }
    }

    func result(_ method: CounterDefinition.Method) -> RefValue? {
        switch method {
        case .first: return values.first
        case .last: return values.last
        case .distinct: return distinct()
        case .duration: return duration().map(RefValue.number)
        case .minimum, .maximum, .average, .summary, .difference:
            let numbers = numbers
            return numbers.isEmpty ? nil : .number(number(method, numbers))
        }
    }

    private func number(_ method: CounterDefinition.Method, _ numbers: [Double]) -> Double {
        switch method {
        case .minimum: numbers.reduce(numbers[0]) { $1 < $0 ? $1 : $0 }
        case .maximum: numbers.reduce(numbers[0]) { $1 > $0 ? $1 : $0 }
        case .average: Self.sum(numbers) / Double(numbers.count)
        case .difference: numbers[numbers.count - 1] - numbers[0]
        default: Self.sum(numbers)
        }
    }

    /// The sum in four lanes by index, folded in a fixed order (rule 16).
    static func sum(_ numbers: [Double]) -> Double {
        var lanes: [Double] = [0, 0, 0, 0]
        for (index, number) in numbers.enumerated() { lanes[index % 4] += number }
        return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
    }

    /// The time for which the expression is true, by the earlier message of each pair.
    private func duration() -> Double? {
        guard outcomes.contains(where: { $0 != nil }) else { return nil }
        var microseconds: Int64 = 0
        for place in outcomes.indices.dropFirst() where outcomes[place - 1]?.isTrue ?? false {
            microseconds += messages[place].timestampMicroseconds - messages[place - 1].timestampMicroseconds
        }
        return Double(microseconds) / 1e6
    }

    private func distinct() -> RefValue? {
        var unique: [RefValue] = []
        for value in values where !unique.contains(value) { unique.append(value) }
        return unique.isEmpty ? nil : JSONTree.array(unique.map { JSONTree($0) }).value
    }
}
