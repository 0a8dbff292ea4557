import Telemetry

/// The operators over whole columns: loops over numbers where all rows are numeric, row by row otherwise.
enum Operators {
    static func unary(_ operation: UnaryOperator, _ operand: ValueColumn, failure: Int) -> ValueColumn {
        switch operation {
        case .not: return ValueColumn(booleans: operand.truth().map { !$0 })
        case .negate:
            if operand.isNumeric { return ValueColumn(numbers: operand.numbers.map { -$0 }) }
            return operand.mapRows(failure: failure) { Conversion.number($0).map { .number(-$0) } }
        case .bitNot:
            return operand.mapRows(failure: failure) { Conversion.integer($0).map { .number(Double(~$0)) } }
        }
    }

    static func binary(
        _ operation: BinaryOperator, _ left: ValueColumn, _ right: ValueColumn, failure: Int
    ) -> ValueColumn {
        switch operation {
        case .or: return logical(left, right) { $0 || $1 }
        case .and: return logical(left, right) { $0 && $1 }
        default: break
        }
        if left.isNumeric, right.isNumeric, let fast = numeric(operation, left, right) { return fast }
        var result = RowBuilder(capacity: left.count, failure: failure)
        for row in 0..<left.count {
            guard let a = left[row], let b = right[row] else {
                result.appendError(left.kind(row) == .error ? left.numbers[row] : right.numbers[row])
                continue
            }
            result.append(single(operation, a, b))
        }
        return result.build()
    }

    static func select(_ condition: ValueColumn, _ whenTrue: ValueColumn, _ whenFalse: ValueColumn) -> ValueColumn {
        let truth = condition.truth()
        if !truth.contains(false) { return whenTrue }
        if !truth.contains(true) { return whenFalse }
        let both = whenTrue.concatenated(whenFalse)
        return both.gather(truth.indices.map { truth[$0] ? $0 : $0 + truth.count })
    }

    @inline(__always)
    private static func logical(_ left: ValueColumn, _ right: ValueColumn, _ combine: (Bool, Bool) -> Bool)
        -> ValueColumn
    {
        if left.isUniformlyNumeric, right.isUniformlyNumeric {
            return comparison(left.numbers, right.numbers) { combine($0 != 0, $1 != 0) }
        }
        let a = left.truth()
        let b = right.truth()
        var numbers = [Double](repeating: 0, count: a.count)
        for row in numbers.indices { numbers[row] = combine(a[row], b[row]) ? 1 : 0 }
        return ValueColumn(uniform: .boolean, numbers: numbers)
    }

    /// Rows that are all numbers, booleans or null; nil where the operator needs a look at each row.
    private static func numeric(_ operation: BinaryOperator, _ left: ValueColumn, _ right: ValueColumn) -> ValueColumn?
    {
        let a = left.numbers
        let b = right.numbers
        switch operation {
        case .add: return ValueColumn(numbers: zipped(a, b) { $0 + $1 })
        case .subtract: return ValueColumn(numbers: zipped(a, b) { $0 - $1 })
        case .multiply: return ValueColumn(numbers: zipped(a, b) { $0 * $1 })
        case .divide: return b.contains(0) ? nil : ValueColumn(numbers: zipped(a, b) { $0 / $1 })
        case .less: return comparison(a, b) { $0 < $1 }
        case .lessOrEqual: return comparison(a, b) { $0 <= $1 }
        case .greater: return comparison(a, b) { $0 > $1 }
        case .greaterOrEqual: return comparison(a, b) { $0 >= $1 }
        case .equal: return left.hasNull || right.hasNull ? nil : comparison(a, b) { $0 == $1 }
        case .notEqual: return left.hasNull || right.hasNull ? nil : comparison(a, b) { $0 != $1 }
        default: return nil
        }
    }

    @inline(__always)
    private static func zipped(_ a: [Double], _ b: [Double], _ combine: (Double, Double) -> Double) -> [Double] {
        precondition(a.count == b.count, "columns of one block have one length")
        return [Double](unsafeUninitializedCapacity: a.count) { buffer, count in
            for row in 0..<a.count { buffer[row] = combine(a[row], b[row]) }
            count = a.count
        }
    }

    @inline(__always)
    private static func comparison(_ a: [Double], _ b: [Double], _ holds: (Double, Double) -> Bool) -> ValueColumn {
        ValueColumn(uniform: .boolean, numbers: zipped(a, b) { holds($0, $1) ? 1 : 0 })
    }

    /// One row; nil is an error.
    private static func single(_ operation: BinaryOperator, _ a: Value, _ b: Value) -> Value? {
        switch operation {
        case .equal: return .boolean(Conversion.areEqual(a, b))
        case .notEqual: return .boolean(!Conversion.areEqual(a, b))
        case .matches:
            guard case .string(let text) = a, case .string(let pattern) = b else { return nil }
            return .boolean(Wildcard.matches(text, pattern))
        case .less: return Conversion.compare(a, b).map { .boolean($0.less) }
        case .lessOrEqual: return Conversion.compare(a, b).map { .boolean($0.less || $0.equal) }
        case .greater: return Conversion.compare(b, a).map { .boolean($0.less) }
        case .greaterOrEqual: return Conversion.compare(b, a).map { .boolean($0.less || $0.equal) }
        case .add where a.kind == .string || b.kind == .string:
            // A running value that is added to itself would double with every message.
            return Function.limited(Conversion.text(a) + Conversion.text(b))
        case .add, .subtract, .multiply, .divide, .remainder: return arithmetic(operation, a, b)
        default: return bits(operation, a, b)
        }
    }

    private static func arithmetic(_ operation: BinaryOperator, _ left: Value, _ right: Value) -> Value? {
        guard let a = Conversion.number(left), let b = Conversion.number(right) else { return nil }
        switch operation {
        case .add: return .number(a + b)
        case .subtract: return .number(a - b)
        case .multiply: return .number(a * b)
        case .divide: return b == 0 ? nil : .number(a / b)
        default: return b == 0 ? nil : .number(a.truncatingRemainder(dividingBy: b))
        }
    }

    private static func bits(_ operation: BinaryOperator, _ left: Value, _ right: Value) -> Value? {
        guard let a = Conversion.integer(left), let b = Conversion.integer(right) else { return nil }
        switch operation {
        case .bitAnd: return .number(Double(a & b))
        case .bitOr: return .number(Double(a | b))
        case .bitXor: return .number(Double(a ^ b))
        case .shiftLeft: return (0..<64).contains(b) ? .number(Double(a << b)) : nil
        case .shiftRight: return (0..<64).contains(b) ? .number(Double(a >> b)) : nil
        default: return nil
        }
    }
}

/// Collects a result row by row.
struct RowBuilder {
    private var kinds: [ValueKind] = []
    private var numbers: [Double] = []
    private var texts: [String] = []
    private let failure: Double

    init(capacity: Int, failure: Int) {
        self.failure = Double(failure)
        kinds.reserveCapacity(capacity)
        numbers.reserveCapacity(capacity)
    }

    /// Adds a row; nil is an error of this instruction.
    mutating func append(_ value: Value?) {
        switch value {
        case nil: appendError(failure)
        case .null: add(.null, 0)
        case .boolean(let flag): add(.boolean, flag ? 1 : 0)
        case .number(let number): add(.number, number)
        case .string(let text): addText(.string, text)
        case .json(let text): addText(.json, text)
        }
    }

    /// Adds an error that another instruction made.
    mutating func appendError(_ payload: Double) { add(.error, payload) }

    func build() -> ValueColumn { ValueColumn(kinds: kinds, numbers: numbers, texts: texts) }

    private mutating func addText(_ kind: ValueKind, _ text: String) {
        // By bytes: == takes texts of other bytes that mean the same characters as equal.
        if texts.last.map({ !$0.utf8.elementsEqual(text.utf8) }) ?? true { texts.append(text) }
        add(kind, Double(texts.count - 1))
    }

    private mutating func add(_ kind: ValueKind, _ number: Double) {
        kinds.append(kind)
        numbers.append(number)
    }
}
