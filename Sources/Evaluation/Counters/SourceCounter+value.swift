import Calculators
import Expressions
import Telemetry

extension SourceCounter {
    /// What the counter gives for an interval; nil if no source interval lies in it.
    func value(over interval: Interval, _ intervals: [Interval], _ environment: ExpressionEnvironment) -> Value? {
        let near = intervals.touching(interval.begin.microseconds, interval.end.microseconds).filter { source in
            (allowsStartBefore || source.begin >= interval.begin) && (allowsFinishAfter || source.end <= interval.end)
        }
        let found = source.valid(near[...], environment)
        guard let first = found.first, let last = found.last else { return nil }
        switch method {
        case .each: return .json(JSONValue.array(objects(found, environment)).text)
        case .first: return objects([first], environment).first.map { .json($0.text) }
        case .last: return objects([last], environment).first.map { .json($0.text) }
        case .aggregate: return .json(total(rows(found, environment)).text)
        case .aggregateByField:
            let groups = FieldGroups.groups(rows(found, environment), names: fields.map(\.name)) { field, values in
                fields[field].aggregated(values)
            }
            return groups.arrayValue?.isEmpty ?? true ? nil : .json(groups.text)
        }
    }

    private func objects(_ intervals: [Interval], _ environment: ExpressionEnvironment) -> [JSONValue] {
        if fields.isEmpty { return intervals.map { .object($0.fields) } }
        return rows(intervals, environment).map { row in
            .object(
                zip(fields, row).compactMap { field, value in
                    value.map { JSONValue.Member(field.name, JSONValue($0)) }
                })
        }
    }

    private func total(_ rows: [[Value?]]) -> JSONValue {
        .object(
            fields.enumerated().compactMap { place, field in
                field.aggregated(rows.compactMap { $0[place] }.filter { $0 != .null }).map {
                    JSONValue.Member(field.name, JSONValue($0))
                }
            })
    }

    /// The values of the fields in each interval; nil where there is none.
    private func rows(_ intervals: [Interval], _ environment: ExpressionEnvironment) -> [[Value?]] {
        let block = source.block(intervals[...])
        let columns = fields.map { field in
            var memory = ProgramMemory(for: field.program)
            return field.program.evaluate(block, memory: &memory, environment: environment)
        }
        return intervals.indices.map { row in columns.map { $0.storable(row) } }
    }
}

extension SourceCounter.Field {
    fileprivate func aggregated(_ values: [Value]) -> Value? {
        guard !values.isEmpty else { return nil }
        return aggregate.map { FieldGroups.aggregate(values, $0) } ?? FieldGroups.aggregate(values)
    }
}
