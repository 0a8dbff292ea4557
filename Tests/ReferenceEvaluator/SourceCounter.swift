extension RefInterval {
    /// Begin, end, duration and the counters by name.
    var fields: [String: RefValue] {
        Dictionary(orderedFields, uniquingKeysWith: { $1 })
    }

    private var orderedFields: [(String, RefValue)] {
        let length = endMicroseconds - beginMicroseconds
        return [
            ("begin", .number(Double(beginMicroseconds) / 1e6)), ("end", .number(Double(endMicroseconds) / 1e6)),
            ("duration", .number(Double(length) / 1e6)),
        ] + counters
    }

    /// Whether a validation over the interval alone holds; none always does.
    func passes(_ validation: Expression?, _ surroundings: Surroundings) -> Bool {
        validation?.isTrue(in: scope(surroundings)) ?? true
    }

    func scope(_ surroundings: Surroundings) -> IntervalScope {
        IntervalScope(surroundings: surroundings, fields: fields, previous: nil)
    }
}

extension CounterEvaluation {
    /// What a calc counter makes of another calculator's intervals within this one.
    func sourceValue(_ source: CounterDefinition.Source) -> RefValue? {
        guard let found = stream.surroundings.sources[source.id] else { return nil }
        let intervals = found.intervals.filter { lies($0, source) }
        if intervals.isEmpty { return nil }
        let fields = source.fields ?? Self.allFields(found.counterNames)
        let columns = fields.map { field in
            intervals.map { field.expression.outcome(in: $0.scope(stream.surroundings)) }
        }
        func object(_ row: Int) -> JSONTree {
            .object(
                zip(fields, columns).compactMap { field, column in column[row].flatMap(\.ifFinite).map(field.member) })
        }
        switch source.choice {
        case .first: return object(0).value
        case .last: return object(intervals.count - 1).value
        case .each: return JSONTree.array(intervals.indices.map(object)).value
        case .aggregate:
            let members = zip(fields, columns).compactMap { Grouping.member($0, $1, Self.defaultMethod) }
            return JSONTree.object(members).value
        case .aggregateByField:
            return JSONTree.array(Grouping(fields: fields, columns: columns).groups(Self.defaultMethod)).value
        }
    }

    private func lies(_ interval: RefInterval, _ source: CounterDefinition.Source) -> Bool {
        interval.endMicroseconds >= beginMicroseconds && interval.beginMicroseconds <= endMicroseconds
            && (source.allowsStartBefore || interval.beginMicroseconds >= beginMicroseconds)
            && (source.allowsFinishAfter || interval.endMicroseconds <= endMicroseconds)
            && interval.passes(source.validateInterval, stream.surroundings)
    }

    private static func allFields(_ counterNames: [String]) -> [CounterDefinition.Field] {
        (["begin", "end", "duration"] + counterNames).map {
            CounterDefinition.Field(name: $0, expression: .name($0, isOptional: false))
        }
    }

    /// Numbers and booleans add up; where there is anything else the first counts.
    private static func defaultMethod(_ outcomes: [RefValue?]) -> CounterDefinition.Method {
        let values = outcomes.compactMap { $0?.ifKnown }
        return values.allSatisfy { Aggregation.number($0) != nil } ? .summary : .first
    }
}
