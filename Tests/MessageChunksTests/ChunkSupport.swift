import MessageChunks
import Telemetry

extension MessageBatch {
    /// A batch of made-up messages ten seconds apart with the columns given; parameter ids count in steps of 3.
    static func made(_ columns: [ValueColumn], count: Int) -> MessageBatch {
        MessageBatch(
            timestamps: (0..<count).map { 1_790_000_000_000_000 + Int64($0) * 10_000_000 },
            acceptances: (0..<count).map { 1_790_000_001_500_000 + Int64($0) * 10_000_000 },
            hashes: (0..<count).map { mix64(UInt64($0) + 1) },
            columns: columns.enumerated().map {
                MessageColumn(parameter: ParameterID(rawValue: UInt32($0 * 3 + 1)), values: $1)
            })
    }
}

extension ValueColumn {
    /// A column of the values, one row each.
    init(_ values: [Value?]) {
        var texts: [String] = []
        var numbers: [Double] = []
        for value in values {
            switch value {
            case nil, .null: numbers.append(0)
            case .boolean(let flag): numbers.append(flag ? 1 : 0)
            case .number(let number): numbers.append(number)
            case .string(let text), .json(let text):
                numbers.append(Double(texts.count))
                texts.append(text)
            }
        }
        self.init(kinds: values.map { $0?.kind ?? .absent }, numbers: numbers, texts: texts)
    }
}

/// Whether two columns hold the same in every row: kind, bits of a number, bytes of a text.
func areExactlyEqual(_ left: ValueColumn, _ right: ValueColumn) -> Bool {
    guard left.count == right.count else { return false }
    guard left.uniform == right.uniform || left.count == 0 else { return false }
    return (0..<left.count).allSatisfy { row in
        guard left.kind(row) == right.kind(row) else { return false }
        switch (left[row], right[row]) {
        case (.number(let a)?, .number(let b)?): return a.bitPattern == b.bitPattern
        case (.string(let a)?, .string(let b)?), (.json(let a)?, .json(let b)?): return Array(a.utf8) == Array(b.utf8)
        case (let a, let b): return a == b
        }
    }
}

func areExactlyEqual(_ left: MessageBatch, _ right: MessageBatch) -> Bool {
    left.timestamps == right.timestamps && left.acceptances == right.acceptances && left.hashes == right.hashes
        && left.columns.map(\.parameter) == right.columns.map(\.parameter)
        && zip(left.columns, right.columns).allSatisfy { areExactlyEqual($0.values, $1.values) }
}

/// Encodes and decodes.
func roundTrip(_ batch: MessageBatch) throws -> MessageBatch {
    try MessageChunk(MessageChunk.encode(batch)).batch()
}

/// The bytes with a checksum that fits them, as someone would write it who forges them.
func resealed(_ bytes: [UInt8]) -> [UInt8] {
    let body = Array(bytes.dropLast(4))
    let checksum = crc32c(body)
    return body + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> UInt32(8 * $0)) }
}
