import MessageChunks
import Telemetry
import Testing

/// Chunks that older programs wrote; an entry is never changed, only added.
@Suite struct VersionTests {
    static let version1 = [
        "4f440105288080afa2dbffad0680dbfbb90180897ac0e8b2bb010412080100230300c20203000a03000503000b0300170300",
        "300300280001001480897a080002e4e4e4e4e4e4e4e40002e4e403798ea28bf10319050e4a5a8e5eed81590d52cc4149cbd1",
        "ab3d30ab410f0475b9fd0003f0555555555555d53f000000000000d03f9a9999999999c93f555555555555c53f9224499224",
        "49c23f000000000000c03f1cc7711cc771bc3f9a9999999999b93f46175d74d145b73f555555555555b53f143bb1133bb1b3",
        "3f922449922449b23f111111111111b13f000000000000b03f1e1e1e1e1e1eae3f1cc7711cc771ac3f28afa1bc86f2aa3f9a",
        "9999999999a93f188661188661a83f46175d74d145a73f64210b59c842a63f555555555555a53f7b14ae47e17aa43f143bb1",
        "133bb1a33f682fa1bd84f6a23f922449922449a23f967b1a61b9a7a13f111111111111a13f841042082184a03f0000000000",
        "00a03f081f7cf0c1079f3f1e1e1e1e1e1e9e3f1dd4411dd4419d3f1cc7711cc7719c3fd0bac114f9ac9b3f28afa1bc86f29a",
        "3f1aa4411aa4419a3f9a9999999999993ffa189c8fc1f9983f188661188661983f03e0555555555555d53f0401024f4b0208",
        "000187c3e17000013813080001de7befbd0001f709060602c0c0c0c0c0c0c000030400020400020400020400020400020400",
        "020400028080d287e2bc2d000204000204000204000204000204000204002008000388c6221a8b682ca2b188c62200031a8b",
        "680002219601ac0202027331025b5d080001aa0a2ccbc234fcbc56b4e7830665202abf3aced8f809c581510b7518f0a86804",
        "904775554cd537d76ad673457cc7b1b3b4e8ddd168e4cb29077487c6a393a5ccab46d5f1f4f71f9a20910dd3482544726164",
        "c472d5a181bec6ef35b0a844382bf58845313dd8270cbee71c774c0abf0320ba2de2ce18bbee92d94489c6d37249695f36fb",
        "f31f699b26eb3414666367e452f499528ec98b97c2fee68a1c84af94d49a735292bb9bc1e23937e77e0dd84019979947ac6b",
        "23767ec7873a91f8441a76c9dd6a05abaf48007deeb4c9b123dc0787ec5ae181b0add37e5293796ea8fd82819fbc4d9acdb9",
        "4d1930433b08a0d368c0a9a8d14a74c92b6e7d9fee1e0f8915cc0f59a27b94cc546e7a7b0925fc2c90e3a901647aec21fb56",
        "5ca52fdfa4d262dbe942beae90ccd555ce2eff95ed3842f06ce498758ecc061af998de063633662805a9fa7e",
    ].joined()

    static let version2 = [
        "4f44020d288080afa2dbffad0680dbfbb90180897ac0e8b2bb0104120801009c03a4383b4949b82303007c158fc1f377cf8e",
        "c2020300cc3dbcdeae77fac60a03005a77c1200fd9741e050300a12fa0fbc5b7953d0b03007c88ac12815f79c71703008d4b",
        "fee7339ff17b30030083510016e2039ac8280001001480897a080002e4e4e4e4e4e4e4e40002e4e403798ea28bf10319050e",
        "4a5a8e5eed81590d52cc4149cbd1ab3d30ab410f0475b9fd0003f0555555555555d53f000000000000d03f9a9999999999c9",
        "3f555555555555c53f922449922449c23f000000000000c03f1cc7711cc771bc3f9a9999999999b93f46175d74d145b73f55",
        "5555555555b53f143bb1133bb1b33f922449922449b23f111111111111b13f000000000000b03f1e1e1e1e1e1eae3f1cc771",
        "1cc771ac3f28afa1bc86f2aa3f9a9999999999a93f188661188661a83f46175d74d145a73f64210b59c842a63f5555555555",
        "55a53f7b14ae47e17aa43f143bb1133bb1a33f682fa1bd84f6a23f922449922449a23f967b1a61b9a7a13f111111111111a1",
        "3f841042082184a03f000000000000a03f081f7cf0c1079f3f1e1e1e1e1e1e9e3f1dd4411dd4419d3f1cc7711cc7719c3fd0",
        "bac114f9ac9b3f28afa1bc86f29a3f1aa4411aa4419a3f9a9999999999993ffa189c8fc1f9983f188661188661983f03e055",
        "5555555555d53f0401024f4b0208000187c3e17000013813080001de7befbd0001f709060602c0c0c0c0c0c0c00003040002",
        "0400020400020400020400020400020400028080d287e2bc2d000204000204000204000204000204000204002008000388c6",
        "221a8b682ca2b188c62200031a8b680002219601ac0202027331025b5d080001aa0ab32d8e19",
    ].joined()

    /// The same messages four times, cold.
    static let version2Cold = [
        "4f44020ea0018080afa2dbffad0680dbfbb90180897ac0e8b2bb017c360801019c03a4383b4949b82e03017c158fc1f377cf",
        "8eec010300cc3dbcdeae77fac60a03005a77c1200fd9741e050300a12fa0fbc5b7953d2003017c88ac12815f79c72703018d",
        "4bfee7339ff17b22030183510016e2039ac83f00090014008b0609902143860c19326400902143860c193264c8902143860c",
        "193264c8902143860c193264c88b0609902143860c193264c8902143860c19326400902143860c193264c8902143860c1932",
        "64c88b0609902143860c193264c8902143860c193264c8902143860c19326400902143860c193264c8140080897a080002e4",
        "e4e4e4e4e4e4e40002e4e4e4e4e4e4e4e40002e4e4e4e4e4e4e4e40002e4e4e4e4e4e4e4e40002e4e4e4e4e4e4e4e4a70128",
        "b52ffd00001d0100c8037d8ea28bf1030102060a0e0f0b1a030004190c100d09050f020074a95440f51c03820a28b52ffd00",
        "080d0700640a03f055d53f00d03f9a99c93fc53f922449922449c2c03f1cc7711cc771bcb93f46175d74d145b7b53f143bb1",
        "133bb1b3b23f11b1b03f1eaeac3f28afa1bc86f2aaa93f188661188661a8a73f64210b59c842a6a53f7b14ae47e17aa4a33f",
        "682fa1bd84f6a2a23f967b1a61b9a7a1a13f841042082184a0a03f081f7cf0c1079f9e3f1dd4411dd4419d9c3fd0bac114f9",
        "ac9b9a3f1aa4411aa4419a993ffa189c8fc1f998983f19881020c248cc071010467cffffff33bd8776658c6c634e6c610eec",
        "1e73b4c6186e31c55e42e071088063aba95cca5051ec540570f01cc00103e0555555555555d53f0401024f4b0208000187c3",
        "e17000013887c3e10001703887c30001e17038870001c3e17038a50228b52ffd0000e5000080130c0100020202020d060106",
        "06060ce303003cd42476a1c1802a5cba0128b52ffd0000bd000058030400028080d287e2bc2d030087a828e033317a8e0898",
        "0228b52ffd0000a501000402200c0100020406080a2c0296c2ee1a46729e0001020405060702027331025b5d0600e706d066",
        "35e0332adfdda55210a71c01c4c5dd27",
    ].joined()

    /// Every layout, packing and stream of the format.
    static let messages: MessageBatch = {
        let count = 40
        let rows = 0..<count
        var batch = MessageBatch.made(
            [
                ValueColumn(
                    numbers: rows.map { 52.1234567 + Double($0 * $0 % 17) / 1e7 }.map { ($0 * 1e7).rounded() / 1e7 }),
                ValueColumn(numbers: rows.map { 1 / Double($0 + 3) }),
                ValueColumn(repeating: .number(1.0 / 3), count: count),
                ValueColumn(repeating: .string("OK"), count: count),
                ValueColumn(rows.map { .boolean($0 % 7 < 3) }),
                ValueColumn(rows.map { $0 % 5 == 0 ? nil : .number(Double($0 * 3)) }),
                ValueColumn(rows.map { $0 == 20 ? .number(1e14) : .number(Double($0 % 3)) }),
                ValueColumn(
                    rows.map { row in
                        let values: [Value?] = [
                            nil, .null, .boolean(row % 2 == 0), .number(Double(row) / 4), .string("s\(row % 3)"),
                            .json("[]"),
                        ]
                        return values[row % 6]
                    }),
            ], count: count)
        batch.acceptances = rows.map { batch.timestamps[$0] + 1_000_000 + Int64($0 % 4) * 1_000_000 }
        return batch
    }()

    @Test("a chunk of version 1 keeps its meaning")
    func readVersion1() throws {
        let chunk = try MessageChunk(bytes(Self.version1))
        #expect(areExactlyEqual(try chunk.batch(), Self.messages))
        #expect(chunk.isSorted && !chunk.hasEqualTimestamps)
    }

    @Test("a chunk of version 2 keeps its meaning: without hashes, and with columns that zstd has made smaller")
    func readVersion2() throws {
        let batch = SealedTests.genuine(Self.messages)
        #expect(areExactlyEqual(try MessageChunk(bytes(Self.version2)).batch(), batch))
        let four = (0..<3).reduce(batch) { whole, _ in whole.concatenated(batch) }
        #expect(areExactlyEqual(try MessageChunk(bytes(Self.version2Cold)).batch(), four))
    }

    @Test("what is kept is written as it was; compressed columns depend on the version of zstd")
    func writeVersion2() {
        let batch = SealedTests.genuine(Self.messages)
        #expect(hexadecimal(MessageChunk.encodeSealed(batch, names: SealedTests.table)) == Self.version2)
    }

    @Test("the encoder writes what it wrote, so that equal messages have equal bytes")
    func writeVersion1() {
        #expect(hexadecimal(MessageChunk.encode(Self.messages)) == Self.version1)
    }

    private func bytes(_ text: String) -> [UInt8] {
        let digits = text.utf8.map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
