import Testing

@testable import MessageChunks

@Suite struct ChecksumTests {
    @Test("CRC-32C gives the check values of its definition")
    func checkValues() {
        #expect(crc32c(Array("123456789".utf8)) == 0xe306_9283)
        #expect(crc32c([UInt8]()) == 0)
        // RFC 3720, B.4.
        #expect(crc32c([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(crc32c([UInt8](repeating: 255, count: 32)) == 0x62a8_ab43)
        #expect(crc32c([UInt8](0..<32)) == 0x46dd_794e)
        #expect(crc32c([UInt8]((0..<32).reversed())) == 0x113f_db5c)
    }

    @Test("the checksum of two parts is the second's with the first's as seed, at any length")
    func seeds() {
        let bytes = (0..<100).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        for length in 0...bytes.count {
            let whole = Array(bytes.prefix(length))
            #expect(crc32c(whole) == bitwise(whole))
            #expect(whole.withUnsafeBytes { crc32cByTables($0, seed: 0) } == bitwise(whole))
            for cut in stride(from: 0, through: length, by: 7) {
                #expect(crc32c(Array(whole[cut...]), seed: crc32c(Array(whole[..<cut]))) == crc32c(whole))
            }
        }
    }

    private func bitwise(_ bytes: [UInt8]) -> UInt32 {
        var state = ~UInt32(0)
        for byte in bytes {
            state ^= UInt32(byte)
            for _ in 0..<8 { state = state & 1 == 1 ? (state >> 1) ^ 0x82f6_3b78 : state >> 1 }
        }
        return ~state
    }
}
