import MessageChunks
import SeededRandom
import Telemetry
import Testing

@Suite("Chunks that are kept")
struct SealedTests {
    /// Names for the ids that the batches have; one of them is not part of the hash.
    static let table = ParameterTable(names: (0..<40).map { $0 == 4 ? "peer" : "p\($0)" })

    /// A batch with the hashes that its messages get when they come.
    static func genuine(_ batch: MessageBatch) -> MessageBatch {
        var batch = batch
        batch.hashes = (0..<batch.count).map { row in
            var hash = PayloadHash()
            for column in batch.columns {
                guard let value = column.values[row] else { continue }
                hash.add(nameHash: table.nameHash(column.parameter), value)
            }
            return hash.value
        }
        return batch
    }

    @Test("decoding gives back every message exactly, cold or not, hashes included", arguments: UInt64(0)..<200)
    func roundTrip(seed: UInt64) throws {
        var random = RandomBatch(seed: seed)
        let made = random.batch()
        for batch in [Self.genuine(made), made] {
            for isCold in [false, true] {
                let chunk = try MessageChunk(MessageChunk.encodeSealed(batch, names: Self.table, isCold: isCold))
                #expect(areExactlyEqual(try chunk.batch(), batch), "seed \(seed), cold \(isCold)")
                #expect(try chunk.hashes() == batch.hashes && chunk.timestamps() == batch.timestamps)
                #expect(chunk.parameters == batch.columns.map(\.parameter) && chunk.isSorted == batch.isSorted)
                for column in batch.columns {
                    let alone = try #require(
                        try chunk.batch(parameters: [column.parameter], hashes: true).columns.first)
                    #expect(areExactlyEqual(alone.values, column.values), "seed \(seed), \(column.parameter)")
                }
            }
        }
    }

    @Test("hashes are left out where they follow from the columns, and stored where they do not")
    func hashes() throws {
        let count = 500
        let noise = (0..<count).map { Double(mix64(UInt64($0)) % 90) }
        let batch = Self.genuine(.made([ValueColumn(numbers: noise)], count: count))
        let without = MessageChunk.encodeSealed(batch, names: Self.table).count
        #expect(without < MessageChunk.encode(batch).count - 8 * count + 20)
        var other = batch
        other.hashes[77] ^= 1
        let kept = MessageChunk.encodeSealed(other, names: Self.table)
        #expect(kept == MessageChunk.encode(other))
        #expect(try MessageChunk(kept).hashes() == other.hashes)
    }

    @Test("a chunk with fewer messages than columns keeps its hashes, which take less room than the names' hashes")
    func few() throws {
        let batch = Self.genuine(.made((0..<12).map { ValueColumn(numbers: [Double($0), 5]) }, count: 2))
        #expect(MessageChunk.encodeSealed(batch, names: Self.table) == MessageChunk.encode(batch))
    }

    @Test("columns that repeat or follow a pattern become much smaller when they go cold")
    func smaller() throws {
        let count = 2_000
        let texts: [Value?] = (0..<count).map { .string("{\"state\":\"driving along the road\",\"n\":\($0 % 400)}") }
        let steps = (0..<count).map { Double($0 % 50 * 1_000_003) }
        let batch = Self.genuine(.made([ValueColumn(texts), ValueColumn(numbers: steps)], count: count))
        let warm = MessageChunk.encodeSealed(batch, names: Self.table)
        let cold = MessageChunk.encodeSealed(batch, names: Self.table, isCold: true)
        #expect(cold.count < warm.count / 4)
        #expect(areExactlyEqual(try MessageChunk(cold).batch(), batch))
    }

    @Test("merging without the hashes that do not matter gives what merging with all of them gives", arguments: 0..<60)
    func besides(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        func some(_ count: Int, every step: Int64) -> MessageBatch {
            let numbers = (0..<count).map { _ in Double(Int.random(in: 0...3, using: &random)) }
            var batch = MessageBatch.made([ValueColumn(numbers: numbers), ValueColumn(numbers: numbers)], count: count)
            batch.timestamps = (0..<count).map { _ in Int64.random(in: 0...400, using: &random) * step }
            return Self.genuine(batch).sorted()
        }
        // Of some rounds no two timestamps are alike, of others many.
        let stored = some(60, every: seed % 3 == 0 ? 1 : 7_919)
        let late = some(seed % 4, every: seed % 2 == 0 ? 7_919 : 13)
        let chunk = try MessageChunk(MessageChunk.encodeSealed(stored, names: Self.table))
        let parameters = [ParameterID(rawValue: 1)]
        func only(_ batch: MessageBatch) -> MessageBatch {
            var batch = batch
            batch.columns = Array(batch.columns.prefix(1))
            return batch
        }
        let expected = only(stored).merged(with: only(late))
        let merged = try chunk.batch(parameters: parameters, besides: late.timestamps).merged(with: only(late))
        #expect(merged.timestamps == expected.timestamps && merged.columns == expected.columns, "seed \(seed)")
    }

    @Test("every flipped bit of a cold chunk is noticed")
    func flips() throws {
        let batch = Self.genuine(.made([ValueColumn(numbers: (0..<90).map { Double($0 % 5) })], count: 90))
        let bytes = MessageChunk.encodeSealed(batch, names: Self.table, isCold: true)
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: ChunkError.self) { try MessageChunk(damaged) }
        }
    }

    @Test("forged bytes of kept chunks throw or decode, and never trap", arguments: UInt64(0)..<30)
    func forgeries(seed: UInt64) {
        var random = RandomBatch(seed: seed)
        let columns = (0..<6).map { _ in random.column(90) }
        let batch = Self.genuine(.made(columns, count: 90))
        let bytes = MessageChunk.encodeSealed(batch, names: Self.table, isCold: seed % 3 != 0)
        for _ in 0..<100 {
            var forged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random.random) {
                let end = Bool.random(using: &random.random) ? min(120, forged.count) : forged.count
                forged[Int.random(in: 3..<end, using: &random.random)] = UInt8.random(
                    in: 0...255, using: &random.random)
            }
            guard let chunk = try? MessageChunk(resealed(forged)) else { continue }
            _ = try? chunk.hashes()
            if let all = try? chunk.batch() { #expect(all.count == chunk.count) }
        }
    }

    @Test("a chunk cannot claim many more messages than its bytes allow")
    func claim() throws {
        let batch = Self.genuine(.made([ValueColumn(repeating: .number(3), count: 4_096)], count: 4_096))
        let bytes = MessageChunk.encodeSealed(batch, names: Self.table)
        #expect(bytes.count < 100)
        #expect(areExactlyEqual(try MessageChunk(bytes).batch(), batch))
        // Magic, version, flags; then the number of messages, 4,096 as a varint.
        #expect(bytes[4] == 0x80 && bytes[5] == 0x20)
        var forged = bytes
        forged.replaceSubrange(4..<6, with: [0xff, 0x7f])
        #expect(throws: ChunkError.self) { try MessageChunk(resealed(forged)) }
    }
}
