/// What a message counter makes of the messages that it sees.
struct Projecting {
    let stream: MessageStream
    let projection: CounterDefinition.Projection

    var value: RefValue? {
        let places = stream.messages.indices
        switch projection.choice {
        case .first: return places.first.map { object($0).value }
        case .last: return places.last.map { object($0).value }
        case .minimum(let expression): return extreme(expression) { $0 < $1 }.map { object($0).value }
        case .maximum(let expression): return extreme(expression) { $0 > $1 }.map { object($0).value }
        case .each: return places.isEmpty ? nil : JSONTree.array(places.map(object)).value
        case .aggregateByField:
            let columns = projection.fields.map { stream.outcomes(of: $0.expression) }
            let groups = Grouping(fields: projection.fields, columns: columns).groups { _ in .first }
            return groups.isEmpty ? nil : JSONTree.array(groups).value
        }
    }

    /// The place of the extreme number, the first among equals.
    private func extreme(_ expression: Expression, _ isBetter: (Double, Double) -> Bool) -> Int? {
        var best: (place: Int, number: Double)?
        for (place, outcome) in stream.outcomes(of: expression).enumerated() {
            guard let number = outcome.flatMap(Aggregation.number) else { continue }
            if let held = best, !isBetter(number, held.number) { continue }
            best = (place, number)
        }
        return best?.place
    }

    private func object(_ place: Int) -> JSONTree {
        .object(
            projection.fields.compactMap { field in
                field.expression.outcome(in: stream[place]).flatMap(\.ifFinite).map(field.member)
            })
    }
}

/// Rows grouped by their first field, the others aggregated.
struct Grouping {
    let fields: [CounterDefinition.Field]
    /// The outcomes of each field, row by row; nil for an error.
    let columns: [[RefValue?]]

    /// An object a group, in order of first appearance; `method` is what a field without an aggregate takes.
    func groups(_ method: ([RefValue?]) -> CounterDefinition.Method) -> [JSONTree] {
        guard let keyField = fields.first, let keyColumn = columns.first else { return [] }
        var rowsByKey: [(key: String, rows: [Int])] = []
        for (row, outcome) in keyColumn.enumerated() {
            for key in Self.keys(outcome) {
                if let place = rowsByKey.firstIndex(where: { $0.key == key }) {
                    rowsByKey[place].rows.append(row)
                } else {
                    rowsByKey.append((key, [row]))
                }
            }
        }
        return rowsByKey.map { key, rows in
            let members = zip(fields, columns).dropFirst().compactMap { field, column in
                Self.member(field, rows.map { column[$0] }, method)
            }
            return .object([keyField.member(.string(key))] + members)
        }
    }

    /// One field of an aggregated object; nil where no value counts.
    static func member(
        _ field: CounterDefinition.Field, _ outcomes: [RefValue?],
        _ method: ([RefValue?]) -> CounterDefinition.Method
    ) -> JSONTree.Member? {
        Aggregation.result(outcomes, field.aggregate ?? method(outcomes)).map(field.member)
    }

    /// The groups of a row: one for each element of an array, none for null and errors.
    private static func keys(_ outcome: RefValue?) -> [String] {
        guard let outcome, outcome != .null else { return [] }
        guard case .array(let items) = JSONTree(outcome) else { return [outcome.text] }
        return items.compactMap { item in
            if case .object = item { return item["id"]?.value.text }
            return item == .null ? nil : item.value.text
        }
    }
}
