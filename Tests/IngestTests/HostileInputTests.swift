import Telemetry
import Testing

@testable import Ingest

@Suite struct HostileInputTests {
    static let samples: [(ImportFormat, String)] = [
        (
            .jsonl,
            #"[{"timestamp":1699999000,"a\u00e9":"x\n","b":[1,{"c":null}],"position.latitude":91.5,"ident":"q"}]"#
        ),
        (.csv, "timestamp,lat,\"lon\",x.y\r\n1617016425,1.5,2,\"a\"\"b\"\r\n3/29/2021 11:13:45 PM,,1e3,true\r\n"),
        (
            .gpx,
            "<gpx><!-- c --><trkpt lat='1' lon=\"2\"><time>2019-02-18T07:45:50+01:00</time><ele><![CDATA[5]]></ele>"
                + "<x:speed>&#49;&amp;</x:speed></trkpt></gpx>"
        ),
    ]

    @Test("damaged text is refused or read, and never traps", arguments: UInt64(1)...300)
    func damaged(seed: UInt64) {
        var random = SplitMix64(seed)
        for (format, sample) in Self.samples {
            var bytes = Array(sample.utf8)
            for _ in 0..<random.integer(1...6) {
                let place = random.integer(0...bytes.count - 1)
                switch random.integer(0...3) {
                case 0: bytes[place] = UInt8(random.integer(0...255))
                case 1 where bytes.count > 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: bytes.prefix(random.integer(0...20)), at: place)
                default: bytes[place] = Array("{}[]\",:\\<>&;/=-.eE0\n\r\t ".utf8)[random.integer(0...22)]
                }
            }
            let table = ParameterTable()
            _ = try? MessageDecoder(table: table).decode(bytes, acceptance: .now(acceptedAt))
            let reader = try? ImportReader(memory: bytes, format: format, options: ImportOptions(), table: table)
            guard let reader, let file = try? Imported(reader, table: table) else { continue }
            for batch in file.byIdent.values {
                #expect(batch.columns.allSatisfy { $0.values.count == batch.count }, "seed \(seed)")
            }
        }
    }

    @Test("what a sender makes up as names is not kept from body to body")
    func hugeNames() throws {
        let decoder = MessageDecoder(table: ParameterTable())
        for index in 0..<50 {
            let name = String(repeating: "n", count: 50_000) + "\(index)"
            let body = Array("[{\"timestamp\":1699999000,\"\(name)\":1,\"speed\":2}]".utf8)
            #expect(try decoder.decode(body, acceptance: .now(acceptedAt)).accepted == 1)
            #expect(decoder.keptNameBytes <= KeyCachePool.bytesMax)
        }
        _ = try decoder.decode(Array(#"[{"timestamp":1699999000,"speed":2}]"#.utf8), acceptance: .now(acceptedAt))
        #expect(decoder.keptNameBytes > 0)
    }
}
