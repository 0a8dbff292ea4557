import MessageChunks
import Telemetry
import Testing

@Suite struct RoundTripTests {
    @Test("decoding gives back every message exactly, whatever its values", arguments: UInt64(0)..<300)
    func random(seed: UInt64) throws {
        var random = RandomBatch(seed: seed)
        let batch = random.batch()
        let chunk = try MessageChunk(MessageChunk.encode(batch))
        #expect(areExactlyEqual(try chunk.batch(), batch), "seed \(seed)")
        #expect(chunk.count == batch.count)
        #expect(chunk.isSorted == batch.isSorted)
        #expect(chunk.hasEqualTimestamps == (Set(batch.timestamps).count < batch.count))
        #expect(chunk.parameters == batch.columns.map(\.parameter))
        #expect(chunk.firstTimestamp.microseconds == batch.timestamps.min() ?? 0)
        #expect(chunk.lastTimestamp.microseconds == batch.timestamps.max() ?? 0)
        #expect(chunk.earliestAcceptance.microseconds == batch.acceptances.min() ?? 0)
        #expect(chunk.latestAcceptance.microseconds == batch.acceptances.max() ?? 0)
        #expect(try chunk.timestamps() == batch.timestamps)
        #expect(try chunk.acceptances() == batch.acceptances)
        #expect(try chunk.hashes() == batch.hashes)
        for column in batch.columns {
            let values = try #require(try chunk.values(column.parameter))
            #expect(areExactlyEqual(values, column.values), "seed \(seed), parameter \(column.parameter.rawValue)")
        }
    }

    @Test("encoding what was decoded gives the same bytes", arguments: UInt64(0)..<50)
    func canonical(seed: UInt64) throws {
        var random = RandomBatch(seed: seed)
        let bytes = MessageChunk.encode(random.batch())
        #expect(MessageChunk.encode(try MessageChunk(bytes).batch()) == bytes)
    }

    static let doubles: [[Double]] = [
        [0, -0.0], [.infinity, -.infinity, 1], [.nan, 1], [Double(bitPattern: 0x7ff0_0000_dead_beef), 2],
        [Double(bitPattern: 0xfff8_0000_0000_0001)], [.leastNonzeroMagnitude, .leastNormalMagnitude],
        [.greatestFiniteMagnitude, -.greatestFiniteMagnitude], [52.1234567, -1.2860001, 36.8170002],
        [0.1, 0.2, 0.1 + 0.2], [1.0 / 3], [1.0 / 3, 1.0 / 3], [9_007_199_254_740_992, 9_007_199_254_740_994],
        [2_251_799_813_685_247, -2_251_799_813_685_247], [2_251_799_813_685_248], [2_251_799_813_685_247, 0.5],
        [1e300, 1e-300], [123_456_789.123456789], [-0.000_000_001, 999_999.999_999_999], [4.9e-10], [1e15, 1e-9],
        [356_938_035_643_809, 0],
    ]

    @Test("a double keeps its bits, be it a NaN, an infinity, a negative zero or a decimal", arguments: doubles)
    func numbers(_ numbers: [Double]) throws {
        let batch = MessageBatch.made([ValueColumn(numbers: numbers)], count: numbers.count)
        let read = try roundTrip(batch).columns[0].values
        #expect(read.uniform == .number)
        #expect(read.numbers.map(\.bitPattern) == numbers.map(\.bitPattern))
    }

    @Test("a text keeps its bytes, also where another is the same text to a reader")
    func texts() throws {
        let values: [Value?] = [
            .string(""), .string("\0"), .string("é"), .string("e\u{301}"), .json("{}"), .string("{}"), nil,
            .string("👩‍👩‍👧"), .json("[\"\\u0000\"]"), .null, .string("é"), .string(String(repeating: "x", count: 70_000)),
        ]
        let batch = MessageBatch.made([ValueColumn(values)], count: values.count)
        #expect(areExactlyEqual(try roundTrip(batch), batch))
        #expect(try roundTrip(batch).columns[0].values.texts.count == 8)
    }

    @Test("a column of one kind decodes to a uniform column, and one without a value to an absent one")
    func uniform() throws {
        let columns = [
            ValueColumn(repeating: .boolean(true), count: 3), ValueColumn(repeating: nil, count: 3),
            ValueColumn(repeating: .null, count: 3), ValueColumn(repeating: .string("a"), count: 3),
            ValueColumn(repeating: .json("[]"), count: 3), ValueColumn(repeating: .number(-7.25), count: 3),
        ]
        let read = try roundTrip(.made(columns, count: 3))
        #expect(read.columns.map(\.values) == columns)
    }

    @Test("the extremes of time survive")
    func extremes() throws {
        let times: [Int64] = [.max, .min, 0, -1, 1, .min, .max, .max / 2]
        let batch = MessageBatch(
            timestamps: times, acceptances: times.reversed(), hashes: times.map { UInt64(bitPattern: $0) }, columns: [])
        #expect(try roundTrip(batch) == batch)
    }

    @Test("a reader gets the columns it names and no others, and hashes only if it wants them")
    func someColumns() throws {
        let columns = (0..<5).map { ValueColumn(repeating: .number(Double($0)), count: 4) }
        let batch = MessageBatch.made(columns, count: 4)
        let chunk = try MessageChunk(MessageChunk.encode(batch))
        let wanted = [10, 4, 2, 4, 9999].map { ParameterID(rawValue: $0) }
        let some = try chunk.batch(parameters: wanted, hashes: false)
        #expect(some.columns == [batch.columns[1], batch.columns[3]])
        #expect(some.hashes == [0, 0, 0, 0])
        #expect(some.timestamps == batch.timestamps && some.acceptances == batch.acceptances)
        #expect(try chunk.batch(parameters: [], hashes: true).hashes == batch.hashes)
        #expect(try chunk.values(ParameterID(rawValue: 2)) == nil)
    }

    @Test("messages with one timestamp stay apart and are announced")
    func equalTimestamps() throws {
        var batch = MessageBatch.made([ValueColumn(numbers: [1, 2, 3])], count: 3)
        batch.timestamps[1] = batch.timestamps[0]
        batch.hashes = [1, 2, 3]
        let chunk = try MessageChunk(MessageChunk.encode(batch))
        #expect(chunk.isSorted && chunk.hasEqualTimestamps)
        #expect(try chunk.batch() == batch)
        batch.hashes = [1, 1, 3]
        #expect(try MessageChunk(MessageChunk.encode(batch)).isSorted == false)
    }
}
