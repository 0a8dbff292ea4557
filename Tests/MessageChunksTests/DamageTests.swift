import MessageChunks
import SeededRandom
import Telemetry
import Testing

@Suite struct DamageTests {
    /// A chunk with every encoding in it.
    static func rich(seed: UInt64) -> [UInt8] {
        var random = RandomBatch(seed: seed)
        let count = 90
        let columns = (0..<10).map { _ in random.column(count) }
        var batch = MessageBatch.made(columns, count: count)
        batch.acceptances = random.times(count)
        return MessageChunk.encode(batch)
    }

    @Test("every flipped bit is noticed")
    func flips() {
        let bytes = MessageChunk.encode(.made([ValueColumn([.number(1.5), .string("a"), nil])], count: 3))
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: ChunkError.self) { try MessageChunk(damaged) }
        }
    }

    @Test("every truncation is noticed, with a fitting checksum too")
    func truncations() {
        let bytes = Self.rich(seed: 1)
        for length in 0..<bytes.count {
            #expect(throws: ChunkError.self) { try MessageChunk(Array(bytes.prefix(length))) }
            if length >= 4 {
                #expect(throws: ChunkError.self) { try MessageChunk(resealed(Array(bytes.prefix(length)))) }
            }
        }
    }

    @Test("forged bytes under a fitting checksum throw or decode, and never trap", arguments: UInt64(0)..<40)
    func forgeries(seed: UInt64) {
        let bytes = Self.rich(seed: seed)
        var random = SeededGenerator(seed: seed ^ 0xface)
        for _ in 0..<150 {
            var forged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 3..<(Bool.random(using: &random) ? 80 : forged.count), using: &random)
                forged[index] =
                    Bool.random(using: &random)
                    ? UInt8.random(in: 0...255, using: &random)
                    : forged[index] ^ (1 << UInt8.random(in: 0...7, using: &random))
            }
            if Int.random(in: 0...3, using: &random) == 0 {
                forged.removeSubrange(Int.random(in: 4..<forged.count, using: &random)...)
            }
            readAll(resealed(forged))
        }
    }

    @Test("noise behind a good beginning throws and never traps", arguments: UInt64(0)..<40)
    func noise(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let length = Int.random(in: 13...400, using: &random)
            let small = Bool.random(using: &random)
            let noise = (0..<length).map { _ in UInt8.random(in: 0...(small ? 12 : 255), using: &random) }
            readAll(resealed([0x4f, 0x44, 1] + noise))
        }
    }

    private func readAll(_ bytes: [UInt8]) {
        guard let chunk = try? MessageChunk(bytes) else { return }
        _ = try? chunk.timestamps()
        _ = try? chunk.acceptances()
        _ = try? chunk.hashes()
        for parameter in chunk.parameters {
            guard let values = try? chunk.values(parameter) else { continue }
            #expect(values.count == chunk.count)
            for row in 0..<values.count { _ = values[row] }
        }
        _ = try? chunk.batch()
    }

    @Test("a chunk of a newer version is refused by its version")
    func newerVersion() {
        var bytes = MessageChunk.encode(MessageBatch())
        bytes[2] = 3
        #expect(throws: ChunkError.unsupportedVersion(3)) { try MessageChunk(bytes) }
        #expect(ChunkError.unsupportedVersion(3).description.contains("version 3"))
    }

    @Test("a codec that this version does not have is refused by its number")
    func unknownCodec() throws {
        var bytes = MessageChunk.encode(
            MessageBatch(
                timestamps: [0], acceptances: [0], hashes: [0],
                columns: [MessageColumn(parameter: ParameterID(rawValue: 7), values: ValueColumn(numbers: [1]))]))
        // Magic, version, flags, seven varints of one byte, the number of columns, the parameter; then the codec.
        #expect(bytes[12] == 7 && bytes[13] == 0)
        bytes[13] = 1
        #expect(throws: ChunkError.unsupportedCodec(1, parameter: ParameterID(rawValue: 7))) {
            try MessageChunk(resealed(bytes))
        }
    }

    @Test("what is no chunk is told from a damaged one")
    func otherBytes() {
        #expect(throws: ChunkError.notAChunk) { try MessageChunk([]) }
        #expect(throws: ChunkError.notAChunk) { try MessageChunk(Array("SQLite format 3".utf8)) }
        var bytes = MessageChunk.encode(MessageBatch())
        bytes[bytes.count - 1] ^= 1
        #expect { try MessageChunk(bytes) } throws: { error in
            if case ChunkError.checksumMismatch = error { true } else { false }
        }
    }
}
