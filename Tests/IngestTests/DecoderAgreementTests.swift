import Telemetry
import Testing

@testable import Ingest

@Suite struct DecoderAgreementTests {
    @Test("the fast path gives the batch that the builder gives, hashes included", arguments: UInt64(1)...40)
    func agreement(seed: UInt64) throws {
        var random = SplitMix64(seed)
        let table = ParameterTable()
        var builder = MessageBatchBuilder(table: table)
        var writer = JSONWriter()
        writer.write(literal: "[")
        for index in 0..<random.integer(1...60) {
            let moment = Timestamp(microseconds: 1_699_000_000_000_000 + Int64(index) * 250_000)
            writer.separate()
            writer.write(literal: "{\"timestamp\":")
            writer.write(moment)
            for _ in 0..<random.integer(0...12) {
                let name = ["a", "b.c", "peer", "x.\(random.integer(0...30))", "é"][random.integer(0...4)]
                let value = name == "peer" ? .string("10.0.0.\(random.integer(1...3))") : Self.value(&random)
                writer.write(key: name)
                writer.write(value)
                builder.set(try #require(table.id(for: name)), value)
            }
            writer.write(literal: "}")
            builder.finishMessage(timestamp: moment, acceptance: acceptedAt)
        }
        writer.write(literal: "]")
        let decoded = try MessageDecoder(table: table).decode(writer.bytes, acceptance: .now(acceptedAt))
        let fast = try #require(decoded.byIdent.first?.messages)
        let slow = builder.build()
        #expect(fast.hashes == slow.hashes, "seed \(seed)")
        #expect(fast.timestamps == slow.timestamps && fast.acceptances == slow.acceptances)
        #expect(fast.columns.map(\.parameter) == slow.columns.map(\.parameter), "seed \(seed)")
        for (left, right) in zip(fast.columns, slow.columns) {
            #expect(left.values.count == right.values.count)
            for row in 0..<fast.count { #expect(left.values[row] == right.values[row], "seed \(seed), row \(row)") }
        }
    }

    private static func value(_ random: inout SplitMix64) -> Value {
        switch random.integer(0...6) {
        case 0: .null
        case 1: .boolean(random.happens(0.5))
        case 2: .number(Double(random.integer(-1_000...1_000)))
        case 3: .number(random.number(-1e6, 1e6))
        case 4: .string(["", "on", "näive\n\"q\"", "日本"][random.integer(0...3)])
        case 5: .json(["[1,2]", "{\"k\":[]}"][random.integer(0...1)])
        default: .number(random.number(-1, 1) * 1e-9)
        }
    }
}
