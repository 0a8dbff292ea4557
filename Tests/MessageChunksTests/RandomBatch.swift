import SeededRandom
import Telemetry

/// Makes random columns of every sort that the format tells apart.
struct RandomBatch {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func batch() -> MessageBatch {
        let count = [0, 1, 2, 3, 31, 32, 33, 64, 65, 200, 1000, 4096].randomElement(using: &random) ?? 0
        let columns = (0..<Int.random(in: 0...12, using: &random)).map { _ in column(count) }
        var batch = MessageBatch.made(columns, count: count)
        batch.timestamps = times(count)
        batch.acceptances =
            Bool.random(using: &random)
            ? times(count) : batch.timestamps.map { $0 &+ Int64.random(in: 0...9, using: &random) }
        batch.hashes = (0..<count).map { _ in random.next() }
        return batch
    }

    mutating func times(_ count: Int) -> [Int64] {
        let unit: Int64 = [1, 1000, 1_000_000].randomElement(using: &random) ?? 1
        let phase = Int64.random(in: 0...999_999, using: &random)
        switch Int.random(in: 0...3, using: &random) {
        case 0: return (0..<count).map { _ in Int64(truncatingIfNeeded: random.next()) }
        case 1: return [Int64](repeating: phase, count: count)
        case 2: return (0..<count).map { phase + Int64($0) * 10 * unit }
        default:
            var now = 1_790_000_000_000_000 + phase
            return (0..<count).map { _ in
                now += Int64.random(in: 0...20, using: &random) * unit
                return now
            }
        }
    }

    mutating func column(_ count: Int) -> ValueColumn {
        let sort = Int.random(in: 0...10, using: &random)
        let absences: [Double] = [0, 0, 0.1, 0.9]
        let absence = absences.randomElement(using: &random) ?? 0
        let digits = Int.random(in: 0...11, using: &random)
        let constant = value(sort, digits)
        let isConstant = Int.random(in: 0...5, using: &random) == 0
        return ValueColumn(
            (0..<count).map { _ in
                if Double.random(in: 0..<1, using: &random) < absence { return nil }
                return isConstant ? constant : value(sort, digits)
            })
    }

    private mutating func value(_ sort: Int, _ digits: Int) -> Value? {
        switch sort {
        case 0: return .number(Double(bitPattern: random.next()))
        case 1: return .number(decimal(digits))
        case 2: return .number(Double(Int64.random(in: -100...100, using: &random)))
        case 3: return .number(Double(Int64(truncatingIfNeeded: random.next())))
        case 4: return .boolean(Bool.random(using: &random))
        case 5: return .string(text())
        case 6: return .json("[\(Int.random(in: 0...9, using: &random))]")
        case 7: return .null
        case 8: return .number(Double.random(in: -1...1, using: &random))
        default: return value(Int.random(in: 0...8, using: &random), digits)
        }
    }

    private mutating func decimal(_ digits: Int) -> Double {
        let power = (0..<digits).reduce(1.0) { power, _ in power * 10 }
        return Double(Int64.random(in: -1_800_000_000...1_800_000_000, using: &random)) / power
    }

    private mutating func text() -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let scalars: [Unicode.Scalar] = ["a", "\0", "é", "\u{301}", "e", "日", "🚚", "\u{200d}", "\"", "\n"]
            let scalar = Unicode.Scalar(UInt32.random(in: 0...0x10ffff, using: &random))
            text.unicodeScalars.append(
                Bool.random(using: &random) ? scalars.randomElement(using: &random) ?? "a" : scalar ?? "?")
        }
        return text
    }
}
