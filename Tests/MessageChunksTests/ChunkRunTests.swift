import MessageChunks
import Telemetry
import Testing

@Suite struct ChunkRunTests {
    private func chunk(_ number: Double, count: Int = 2) -> [UInt8] {
        MessageChunk.encode(.made([ValueColumn([Value](repeating: .number(number), count: count))], count: count))
    }

    private func read(_ bytes: [UInt8]) throws -> [[UInt8]] {
        try bytes.withUnsafeBytes { try ChunkRun.chunks($0).map(\.bytes) }
    }

    @Test("chunks come back in their order, one alone stands as it is")
    func roundTrip() throws {
        let chunks = (0..<40).map { chunk(Double($0) / 8, count: 1 + $0 % 5) }
        for count in 1...chunks.count {
            #expect(try read(ChunkRun.encode(Array(chunks[..<count]))) == Array(chunks[..<count]))
        }
        #expect(ChunkRun.encode([chunks[0]]) == chunks[0])
    }

    @Test("every flipped bit and every truncation of a run is noticed")
    func damage() throws {
        let bytes = ChunkRun.encode([chunk(1), chunk(2.5), chunk(3)])
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: ChunkError.self) { try read(damaged) }
        }
        for length in 0..<bytes.count {
            #expect(throws: ChunkError.self) { try read(Array(bytes.prefix(length))) }
        }
    }
}
