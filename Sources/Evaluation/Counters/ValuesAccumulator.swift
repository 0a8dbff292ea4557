import Calculators
import Expressions
import Telemetry

/// The methods that keep a few numbers whatever the interval's length: first, last, minimum, maximum, average, summary
/// and difference.
///
/// All pass over null and errors; the numeric ones take numbers and booleans (as 1 and 0) and pass over texts.
struct ValuesAccumulator: Sendable {
    private var first: Value?
    private var last: Value?
    private var extreme: Double?
    private var sum = LaneSum()

    /// Takes the values in some rows of a column.
    mutating func take(_ values: ValueColumn, _ rows: Range<Int>, _ method: Method) {
        switch method {
        case .first: if first == nil { first = Self.first(rows) { values.present($0) } }
        case .last: last = Self.first(rows.reversed()) { values.present($0) } ?? last
        case .difference:
            if first == nil { first = Self.first(rows) { values.numeric($0) }.map { .number($0) } }
            if let end = Self.first(rows.reversed(), { values.numeric($0) }) { last = .number(end) }
        case .minimum: fold(values, rows) { $0 < $1 ? $0 : $1 }
        case .maximum: fold(values, rows) { $0 > $1 ? $0 : $1 }
        default: add(values, rows)
        }
    }

    /// Takes the legs of a way: the one to its first position, if it has any, and those between its positions.
    mutating func take(_ leg: Double?, _ legs: [Double], _ method: Method) {
        guard let leg else { return }
        take(ValueColumn(numbers: [leg]), 0..<1, method)
        if !legs.isEmpty { take(ValueColumn(numbers: legs), 0..<legs.count, method) }
    }

    func result(_ method: Method) -> Value? {
        switch method {
        case .first: return first
        case .last: return last
        case .minimum, .maximum: return finite(extreme)
        case .summary: return finite(sum.count > 0 ? sum.total : nil)
        case .average: return finite(sum.count > 0 ? sum.total / Double(sum.count) : nil)
        default:
            guard case .number(let start)? = first, case .number(let end)? = last else { return nil }
            return finite(end - start)
        }
    }

    func write(to writer: inout ByteWriter) {
        writer.write(first)
        writer.write(last)
        writer.write(extreme.map { .number($0) })
        sum.write(to: &writer)
    }

    mutating func read(from reader: inout ByteReader) throws(MalformedBytes) {
        first = try reader.readValue()
        last = try reader.readValue()
        if case .number(let number)? = try reader.readValue() { extreme = number } else { extreme = nil }
        sum = try LaneSum(from: &reader)
    }

    /// The first row's value that there is.
    @inline(__always)
    private static func first<Result>(_ rows: some Sequence<Int>, _ value: (Int) -> Result?) -> Result? {
        for row in rows { if let value = value(row) { return value } }
        return nil
    }

    /// Keeps the least or the greatest number; `choose` gives its second argument where neither is chosen, so that
    /// what is no number is passed over. Four lanes do not wait for each other; of two zeros it keeps no sign.
    @inline(__always)
    private mutating func fold(
        _ values: ValueColumn, _ rows: Range<Int>, _ choose: (Double, Double) -> Double
    ) {
        guard values.uniform == .number || values.uniform == .boolean else {
            for row in rows {
                if let number = values.numeric(row) { extreme = extreme.map { choose(number, $0) } ?? number }
            }
            return
        }
        let result = values.numbers.withUnsafeBufferPointer { numbers in
            let start = extreme ?? numbers[rows.lowerBound]
            var (a, b, c, d) = (start, start, start, start)
            var row = rows.lowerBound
            while row &+ 4 <= rows.upperBound {
                a = choose(numbers[row], a)
                b = choose(numbers[row &+ 1], b)
                c = choose(numbers[row &+ 2], c)
                d = choose(numbers[row &+ 3], d)
                row &+= 4
            }
            while row < rows.upperBound {
                a = choose(numbers[row], a)
                row &+= 1
            }
            return choose(choose(a, b), choose(c, d))
        }
        extreme = result == 0 ? 0 : result
    }

    private mutating func add(_ values: ValueColumn, _ rows: Range<Int>) {
        if values.uniform == .number || values.uniform == .boolean {
            values.numbers.withUnsafeBufferPointer { sum.add(UnsafeBufferPointer(rebasing: $0[rows])) }
        } else {
            rows.compactMap { values.numeric($0) }.withUnsafeBufferPointer { sum.add($0) }
        }
    }

    private func finite(_ number: Double?) -> Value? {
        number.flatMap { $0.isFinite ? .number($0 == 0 ? 0 : $0) : nil }
    }
}

extension ValueColumn {
    /// A value that is neither null nor an error; a number that JSON cannot hold is passed over.
    func present(_ row: Int) -> Value? {
        switch kind(row) {
        case .absent, .null, .error: nil
        case .number: numbers[row].isFinite ? self[row] : nil
        case .boolean, .string, .json: self[row]
        }
    }

    /// A value as JSON can hold it, null included.
    func storable(_ row: Int) -> Value? { kind(row) == .null ? .null : present(row) }

    /// A number, or a boolean as 1 or 0.
    func numeric(_ row: Int) -> Double? {
        let kind = kind(row)
        return kind == .number || kind == .boolean ? numbers[row] : nil
    }
}

/// A sum in four lanes by index, folded in a fixed order: the same bits however the values are cut into runs, and
/// fast, since the lanes do not wait for each other.
struct LaneSum: Sendable, Equatable {
    private var lanes = SIMD4<Double>(repeating: 0)
    private(set) var count: UInt64 = 0

    init() {}

    var total: Double { (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) }

    mutating func add(_ values: UnsafeBufferPointer<Double>) {
        var index = 0
        while index < values.count, count & 3 != 0 { addOne(values[index], &index) }
        while index + 4 <= values.count {
            lanes += SIMD4(values[index], values[index + 1], values[index + 2], values[index + 3])
            count += 4
            index += 4
        }
        while index < values.count { addOne(values[index], &index) }
    }

    private mutating func addOne(_ value: Double, _ index: inout Int) {
        lanes[Int(count & 3)] += value
        count += 1
        index += 1
    }

    func write(to writer: inout ByteWriter) {
        writer.write(varint: count)
        for lane in 0..<4 { writer.write(double: lanes[lane]) }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        count = try reader.readVarint()
        for lane in 0..<4 { lanes[lane] = try reader.readDouble() }
    }
}
