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

    /// The result of a method that needs no messages, over the values of a field.
    static func result(_ outcomes: [RefValue?], _ method: CounterDefinition.Method) -> RefValue? {
        guard let value = Aggregation(outcomes: outcomes, messages: []).result(method) else { return nil }
        guard case .number(let number) = value else { return value }
        return number.isFinite ? .number(number == 0 ? 0 : number) : nil
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
