import SeededRandom
import Telemetry
import Testing

@Suite("Value columns")
struct ValueColumnTests {
    /// A column with the plain list that it must equal.
    private struct Pair {
        var column = ValueColumn()
        var model: [Value?] = []

        var isConsistent: Bool {
            column.count == model.count
                && model.indices.allSatisfy { row in
                    column[row] == model[row] && column.kind(row) == (model[row]?.kind ?? .absent)
                } && (column.uniform != nil || column.kinds.count == model.count)
                && (column.uniform == nil || column.kinds.isEmpty)
        }
    }

    private static func value(_ random: inout SeededGenerator, _ kinds: Int) -> Value? {
        switch Int.random(in: 0..<kinds, using: &random) {
        case 0: .number(Double(Int.random(in: -3...3, using: &random)) / 2)
        case 1: nil
        case 2: .string(["a", "b", "", "é"][Int.random(in: 0..<4, using: &random)])
        case 3: .boolean(random.chance(0.5))
        case 4: .json(["[]", "a", "{}"][Int.random(in: 0..<3, using: &random)])
        default: .null
        }
    }

    private static func pair(_ random: inout SeededGenerator) -> Pair {
        var pair = Pair()
        let kinds = Int.random(in: 1...6, using: &random)
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            let value = value(&random, kinds)
            pair.column.append(value)
            pair.model.append(value)
        }
        return pair
    }

    @Test("a column behaves as a list of optional values, whatever is done with it", arguments: 0..<300)
    func model(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var pair = Self.pair(&random)
        #expect(pair.isConsistent, "seed \(seed), at the start")
        for step in 0..<30 {
            let operation = Int.random(in: 0..<6, using: &random)
            Self.apply(operation, to: &pair, &random)
            #expect(pair.isConsistent, "seed \(seed), step \(step), operation \(operation)")
        }
    }

    private static func apply(_ operation: Int, to pair: inout Pair, _ random: inout SeededGenerator) {
        let count = pair.model.count
        switch operation {
        case 0:
            let value = value(&random, 6)
            pair.column.append(value)
            pair.model.append(value)
        case 1:
            let length = Int.random(in: 0...min(count + 3, 40), using: &random)
            pair.column.pad(to: length)
            while pair.model.count < length { pair.model.append(nil) }
        case 2:
            let lower = Int.random(in: 0...count, using: &random)
            let range = lower..<Int.random(in: lower...count, using: &random)
            pair.column = pair.column.slice(range)
            pair.model = Array(pair.model[range])
        case 3:
            let rows = (0..<Int.random(in: 0...10, using: &random)).map { _ in
                count == 0 || random.chance(0.1) ? -1 : Int.random(in: 0..<count, using: &random)
            }
            pair.column = pair.column.gather(rows)
            pair.model = rows.map { $0 < 0 ? nil : pair.model[$0] }
        default:
            let other = Self.pair(&random)
            let isBefore = operation == 4
            pair.column = isBefore ? other.column.concatenated(pair.column) : pair.column.concatenated(other.column)
            pair.model = isBefore ? other.model + pair.model : pair.model + other.model
        }
    }

    @Test("rows of one kind are uniform, and mixing ends it")
    func uniformity() {
        var column = ValueColumn(numbers: [1, 2])
        #expect(column.uniform == .number && column.kinds.isEmpty)
        column.append(.null)
        #expect(column.uniform == nil && column.kinds == [.number, .number, .null])
        #expect(column.slice(0..<2).uniform == .number)
        #expect(ValueColumn(kinds: [.null, .null], numbers: [0, 0]).uniform == .null)
        #expect(ValueColumn(kinds: [], numbers: []).uniform == .absent)
        #expect(ValueColumn().count == 0 && ValueColumn().uniform == .absent)
    }

    @Test("a repeated value stands in every row, an absent one too")
    func repeating() {
        for value in [nil, .null, .number(2), .string("x"), .json("[]"), .boolean(true)] as [Value?] {
            let column = ValueColumn(repeating: value, count: 3)
            #expect(column.count == 3 && (0..<3).allSatisfy { column[$0] == value })
            #expect(column.uniform == (value?.kind ?? .absent))
        }
    }

    @Test("texts keep their bytes, though Swift calls them equal")
    func bytes() {
        var column = ValueColumn()
        column.append(.string("\u{e9}"))
        column.append(.string("e\u{301}"))
        column.append(.string("e\u{301}"))
        #expect(column.texts.count == 2)
        #expect(column.texts.map { Array($0.utf8).count } == [2, 3])
    }

    @Test("-0 is stored as 0, an error has no value")
    func specialValues() {
        var column = ValueColumn()
        column.append(.number(-0.0))
        #expect(column.numbers[0].sign == .plus)
        let failed = ValueColumn(uniform: .error, numbers: [4])
        #expect(failed[0] == nil && failed.kind(0) == .error)
    }
}
