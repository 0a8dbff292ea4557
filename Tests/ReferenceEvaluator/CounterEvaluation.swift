/// The counters over the messages of one interval.
struct CounterEvaluation {
    /// The interval's messages, those merged before and after included, with the variables counted so far.
    var stream: MessageStream
    let isActive: Bool
    let beginMicroseconds: Int64
    let endMicroseconds: Int64
    /// The geofence that the selectors found at the first ON message.
    let geofence: Geofence?
    /// The fields of the interval kept before.
    let previous: [String: RefValue]?

    /// The value of a counter, given the fields before it; nil where it has none.
    mutating func value(of counter: CounterDefinition, fields: [String: RefValue]) -> RefValue? {
        if case .variable(let expression) = counter.kind { runVariable(counter, expression) }
        guard let value = rawValue(of: counter, fields), value != .null else { return nil }
        guard case .number(let number) = value else { return value }
        return number.isFinite ? .number(number == 0 ? 0 : number) : nil
    }

    private func rawValue(of counter: CounterDefinition, _ fields: [String: RefValue]) -> RefValue? {
        switch counter.kind {
        case .interval(let expression): return expression.outcome(in: scope(fields))
        case .active: return .boolean(isActive)
        case .geofence: return geofence.map { .string($0.name) }
        case .datetime(let format, let ofEnd):
            let seconds = LocalTime.floorDivide(Int(ofEnd ? endMicroseconds : beginMicroseconds), 1_000_000)
            return .string(LocalTime(seconds: seconds, in: stream.surroundings.timeZone).formatted(format))
        case .specified(let value): return value
        case .variable: return stream.variables.last?[counter.name] ?? nil
        case .calc(let source): return sourceValue(source)
        case .accumulator: return accumulated(counter, fields)
        case .values, .route, .message, .dataset:
            return messageValue(of: counter, stream.validated(by: counter.validateMessage))
        }
    }

    private func messageValue(of counter: CounterDefinition, _ seen: MessageStream) -> RefValue? {
        switch counter.kind {
        case .values(let expression, let method):
            return Aggregation(outcomes: seen.outcomes(of: expression), messages: seen.messages).result(method)
        case .route:
            let positions = seen.messages.compactMap { Position($0) }
            return positions.isEmpty ? nil : .string(Position.polyline(positions))
        case .message(let projection): return Projecting(stream: seen, projection: projection).value
        case .dataset(let fields, let allowsUnknown): return dataset(fields, allowsUnknown, seen)
        default: return nil
        }
    }

    func scope(_ fields: [String: RefValue]) -> IntervalScope {
        IntervalScope(surroundings: stream.surroundings, fields: fields, previous: previous)
    }

    /// One object a message; a message with an unknown field is passed over, or goes without that field.
    private func dataset(
        _ fields: [CounterDefinition.Field], _ allowsUnknown: Bool, _ seen: MessageStream
    ) -> RefValue? {
        var objects: [JSONTree] = []
        for place in seen.messages.indices {
            let values = fields.map { $0.expression.outcome(in: seen[place]).flatMap(\.ifKnown) }
            if !allowsUnknown, values.contains(nil) { continue }
            objects.append(
                .object(zip(fields, values).compactMap { field, value in value.map { field.member($0) } }))
        }
        return objects.isEmpty ? nil : JSONTree.array(objects).value
    }

    /// Runs a variable over the interval's messages, and leaves its value at each of them in the stream.
    ///
    /// The value lives on in messages that the counter does not see, or in which its expression errs. Which messages it
    /// sees may depend on its own value.
    private mutating func runVariable(_ counter: CounterDefinition, _ expression: Expression) {
        let name = counter.name
        var value: RefValue?
        let readsItself = counter.validateMessage?.names.contains(name) ?? false
        var seen = readsItself ? [] : stream.places(where: counter.validateMessage)
        var view = stream.selecting(seen)
        for place in stream.messages.indices {
            stream.setVariable(name, at: place, to: value)
            if readsItself, let validation = counter.validateMessage, validation.isTrue(in: stream[place]) {
                seen.append(place)
                view = stream.selecting(seen)
            }
            guard let index = seen.firstIndex(of: place) else { continue }
            view.setVariable(name, at: index, to: value)
            if let outcome = expression.outcome(in: view[index]) { value = outcome }
            view.setVariable(name, at: index, to: value)
            stream.setVariable(name, at: place, to: value)
        }
    }

    /// The sum over the intervals since the last reset.
    private func accumulated(_ counter: CounterDefinition, _ fields: [String: RefValue]) -> RefValue? {
        guard case .accumulator(let name, let interval, let expression) = counter.kind else { return nil }
        let own = fields[name].flatMap(Aggregation.number) ?? 0
        guard let previous, case .number(let before)? = previous[counter.name] else { return .number(own) }
        if let expression, expression.isTrue(in: scope(fields)) { return .number(own) }
        if let interval, case .number(let begin)? = previous["begin"] {
            let zone = stream.surroundings.timeZone
            let last = LocalTime.bucket(interval, microseconds: Int64((begin * 1e6).rounded()), in: zone)
            if last != LocalTime.bucket(interval, microseconds: beginMicroseconds, in: zone) { return .number(own) }
        }
        return .number(before + own)
    }
}

extension CounterDefinition.Field {
    func member(_ value: RefValue) -> JSONTree.Member { JSONTree.Member(key: name, value: JSONTree(value)) }
}

extension RefValue {
    /// The value unless it is null or no finite number.
    var ifKnown: RefValue? { self == .null ? nil : ifFinite }

    /// The value unless it is no finite number.
    var ifFinite: RefValue? {
        if case .number(let number) = self, !number.isFinite { return nil }
        return self
    }
}
