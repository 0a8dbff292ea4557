/// One value for each row of a block, stored as columns: a kind and eight bytes a row.
///
/// The payload of a number is itself, of a boolean 0 or 1, of a string or JSON text its index in `texts`, of an error
/// the index of the instruction that failed. When all rows are of one kind, `uniform` names it and `kinds` is empty:
/// the case that column programs run fast on.
public struct ValueColumn: Sendable, Equatable {
    /// The kind of every row, when all are alike; an empty column is uniformly absent.
    public var uniform: ValueKind?
    /// The kind of each row; empty while `uniform` is set.
    public var kinds: [ValueKind]
    /// The payload of each row.
    public var numbers: [Double]
    /// The texts that the payloads of strings and JSON point into.
    public var texts: [String]

    public init() {
        uniform = .absent
        kinds = []
        numbers = []
        texts = []
    }

    /// A column of numbers.
    public init(numbers: [Double]) {
        self.init(uniform: .number, numbers: numbers)
    }

    public init(uniform: ValueKind, numbers: [Double], texts: [String] = []) {
        self.uniform = uniform
        self.kinds = []
        self.numbers = numbers
        self.texts = texts
    }

    public init(kinds: [ValueKind], numbers: [Double], texts: [String] = []) {
        precondition(kinds.count == numbers.count, "every row has a kind and a payload")
        self.uniform = nil
        self.kinds = kinds
        self.numbers = numbers
        self.texts = texts
        becomeUniformIfPossible()
    }

    /// The same value in `count` rows.
    public init(repeating value: Value?, count: Int) {
        self.init()
        guard let value else {
            numbers = [Double](repeating: 0, count: count)
            return
        }
        var texts: [String] = []
        let payload = Self.payload(value, into: &texts)
        self.init(uniform: value.kind, numbers: [Double](repeating: payload, count: count), texts: texts)
    }

    @inlinable
    public var count: Int { numbers.count }

    @inlinable
    public func kind(_ row: Int) -> ValueKind { uniform ?? kinds[row] }

    /// The value in a row; nil where it is absent or an error.
    public subscript(row: Int) -> Value? {
        switch kind(row) {
        case .absent, .error: nil
        case .null: .null
        case .boolean: .boolean(numbers[row] != 0)
        case .number: .number(numbers[row])
        case .string: .string(texts[Int(numbers[row])])
        case .json: .json(texts[Int(numbers[row])])
        }
    }

    /// Adds a row.
    public mutating func append(_ value: Value?) {
        let kind = value?.kind ?? .absent
        if numbers.isEmpty {
            uniform = kind
        } else if let uniform, uniform != kind {
            kinds = [ValueKind](repeating: uniform, count: numbers.count)
            self.uniform = nil
        }
        if uniform == nil { kinds.append(kind) }
        numbers.append(value.map { Self.payload($0, into: &texts) } ?? 0)
    }

    /// Adds absent rows until the column has `count` of them.
    public mutating func pad(to count: Int) {
        guard numbers.count < count else { return }
        if numbers.isEmpty || uniform == .absent {
            if numbers.isEmpty { uniform = .absent }
            numbers.append(contentsOf: repeatElement(0, count: count - numbers.count))
        } else {
            while numbers.count < count { append(nil) }
        }
    }

    /// The rows of a range.
    public func slice(_ range: Range<Int>) -> ValueColumn {
        var result = self
        if range == 0..<count { return result }
        result.numbers = Array(numbers[range])
        if uniform == nil {
            result.kinds = Array(kinds[range])
            result.becomeUniformIfPossible()
        }
        return result
    }

    /// The rows at the given indices, in their order; -1 gives an absent row.
    public func gather(_ rows: [Int]) -> ValueColumn {
        if let uniform, uniform == .absent || !rows.contains(-1) {
            return ValueColumn(
                uniform: uniform, numbers: rows.map { $0 < 0 ? 0 : numbers[$0] }, texts: texts)
        }
        return ValueColumn(
            kinds: rows.map { $0 < 0 ? .absent : kind($0) }, numbers: rows.map { $0 < 0 ? 0 : numbers[$0] },
            texts: texts)
    }

    /// The rows of some ranges, in their order.
    func gather(_ runs: [Range<Int>]) -> ValueColumn {
        var result = self
        result.numbers = numbers.gathered(runs)
        if uniform == nil {
            result.kinds = kinds.gathered(runs)
            result.becomeUniformIfPossible()
        }
        return result
    }

    /// This column followed by another.
    public func concatenated(_ other: ValueColumn) -> ValueColumn {
        var result = self
        result.append(contentsOf: other)
        result.becomeUniformIfPossible()
        return result
    }

    /// Columns one after the other, each value copied once; nil stands for so many absent rows.
    static func joined(_ parts: [(column: ValueColumn?, count: Int)], count: Int) -> ValueColumn {
        var result = ValueColumn()
        result.numbers.reserveCapacity(count)
        for part in parts {
            result.append(contentsOf: part.column ?? ValueColumn(repeating: nil, count: part.count))
        }
        result.becomeUniformIfPossible()
        return result
    }

    /// Adds the rows of another column; it may be left with kinds that are all alike.
    private mutating func append(contentsOf other: ValueColumn) {
        guard other.count > 0 else { return }
        if count == 0 {
            uniform = other.uniform
        } else if let uniform, uniform != other.uniform {
            kinds = [ValueKind](repeating: uniform, count: count)
            self.uniform = nil
        }
        if uniform == nil {
            if let kind = other.uniform {
                kinds.append(contentsOf: repeatElement(kind, count: other.count))
            } else {
                kinds.append(contentsOf: other.kinds)
            }
        }
        if texts.isEmpty || other.texts.isEmpty {
            numbers.append(contentsOf: other.numbers)
        } else {
            let offset = Double(texts.count)
            for row in 0..<other.count {
                let isText = other.kind(row) == .string || other.kind(row) == .json
                numbers.append(isText ? other.numbers[row] + offset : other.numbers[row])
            }
        }
        texts.append(contentsOf: other.texts)
    }

    private mutating func becomeUniformIfPossible() {
        guard uniform == nil else { return }
        guard let first = kinds.first else {
            uniform = .absent
            return
        }
        if kinds.allSatisfy({ $0 == first }) {
            uniform = first
            kinds = []
        }
    }

    private static func payload(_ value: Value, into texts: inout [String]) -> Double {
        switch value {
        case .null: return 0
        case .boolean(let flag): return flag ? 1 : 0
        case .number(let number): return number == 0 ? 0 : number
        case .string(let text), .json(let text):
            // By bytes: Swift's == takes texts of other bytes that mean the same characters as equal.
            if let last = texts.last, last.utf8.elementsEqual(text.utf8) { return Double(texts.count - 1) }
            texts.append(text)
            return Double(texts.count - 1)
        }
    }
}

extension Array {
    /// The elements of some ranges, in their order.
    func gathered(_ runs: [Range<Int>]) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(runs.reduce(0) { $0 + $1.count })
        for run in runs { result.append(contentsOf: self[run]) }
        return result
    }
}
