import Telemetry

extension ValueColumn {
    init(booleans: [Bool]) {
        self.init(uniform: .boolean, numbers: booleans.map { $0 ? 1 : 0 })
    }

    /// Whether every row is a number, a boolean or null, so that its payload is its number.
    var isNumeric: Bool {
        switch uniform {
        case .number, .boolean, .null: true
        case nil: kinds.allSatisfy { $0 == .number || $0 == .boolean || $0 == .null }
        default: count == 0
        }
    }

    /// Whether every row is a number or a boolean: true where it is not zero.
    var isUniformlyNumeric: Bool { uniform == .number || uniform == .boolean }

    var hasNull: Bool { uniform == .null || (uniform == nil && kinds.contains(.null)) }

    /// Whether each row is true in a boolean context; errors are false.
    public func truth() -> [Bool] {
        switch uniform {
        case .number, .boolean: return numbers.map { $0 != 0 }
        case .string, .json: return [Bool](repeating: true, count: count)
        case .null, .absent, .error: return [Bool](repeating: false, count: count)
        case nil:
            return (0..<count).map { isTrue($0) }
        }
    }

    /// Whether a row is true in a boolean context.
    public func isTrue(_ row: Int) -> Bool {
        switch kind(row) {
        case .number, .boolean: numbers[row] != 0
        case .string, .json: true
        case .null, .absent, .error: false
        }
    }

    /// Absent rows made null or errors.
    func replacingAbsent(with kind: ValueKind, payload: Int) -> ValueColumn {
        let filler = kind == .error ? Double(payload) : 0
        if uniform == .absent {
            return ValueColumn(uniform: kind, numbers: [Double](repeating: filler, count: count))
        }
        guard uniform == nil, kinds.contains(.absent) else { return self }
        var result = self
        for row in kinds.indices where kinds[row] == .absent {
            result.kinds[row] = kind
            result.numbers[row] = filler
        }
        return ValueColumn(kinds: result.kinds, numbers: result.numbers, texts: texts)
    }

    /// Whether each row has a value.
    func presence() -> ValueColumn {
        if let uniform {
            return ValueColumn(uniform: .boolean, numbers: numbers.map { _ in uniform == .absent ? 0 : 1 })
        }
        return ValueColumn(uniform: .boolean, numbers: kinds.map { $0 == .absent ? 0 : 1 })
    }

    /// A function of each row; errors stay, nil makes one.
    func mapRows(failure: Int, _ transform: (Value) -> Value?) -> ValueColumn {
        var result = RowBuilder(capacity: count, failure: failure)
        for row in 0..<count {
            if let value = self[row] { result.append(transform(value)) } else { result.appendError(numbers[row]) }
        }
        return result.build()
    }
}
