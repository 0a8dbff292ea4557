import SeededRandom
import Telemetry
import Testing

@Suite("Message batches")
struct MessageBatchTests {
    /// A message as a test writes it.
    struct Payload {
        var timestamp: Int64 = 1_000_000
        var acceptance: Int64 = 2_000_000
        var values: [(String, Value)]
    }

    static let table = ParameterTable(names: [
        "position.latitude", "position.longitude", "a", "b", "server.timestamp", "peer", "channel.id", "protocol.id",
    ])
    static let latitude = table.existing("position.latitude")
    static let longitude = table.existing("position.longitude")

    static func batch(_ payloads: [Payload]) -> MessageBatch {
        var builder = MessageBatchBuilder(table: table)
        for payload in payloads {
            for (name, value) in payload.values {
                if let id = table.id(for: name) { builder.set(id, value) }
            }
            builder.finishMessage(
                timestamp: Timestamp(microseconds: payload.timestamp),
                acceptance: Timestamp(microseconds: payload.acceptance))
        }
        return builder.build()
    }

    private static func coalesced(_ batch: MessageBatch) -> MessageBatch {
        batch.sorted().coalesced(latitude: latitude, longitude: longitude)
    }

    private static func permutations<Element>(_ items: [Element]) -> [[Element]] {
        guard items.count > 1 else { return [items] }
        return items.indices.flatMap { index -> [[Element]] in
            var rest = items
            let first = rest.remove(at: index)
            return permutations(rest).map { [first] + $0 }
        }
    }

    /// The values of a row by name, whatever the order and form of the columns.
    private static func row(_ batch: MessageBatch, _ row: Int) -> [String: Value] {
        var result: [String: Value] = [:]
        for column in batch.columns { result[table.name(column.parameter)] = column.values[row] }
        return result
    }

    static let three = [
        Payload(acceptance: 30, values: [("position.latitude", .number(1)), ("a", .number(1)), ("b", .string("x"))]),
        Payload(
            acceptance: 10,
            values: [("position.latitude", .number(2)), ("position.longitude", .number(20)), ("a", .number(2))]),
        Payload(acceptance: 20, values: [("position.longitude", .number(30)), ("b", .null)]),
    ]

    @Test("three payloads of one timestamp give one result in all six orders, however they are batched")
    func sixOrders() throws {
        let expected = Self.coalesced(Self.batch(Self.three))
        #expect(expected.count == 1 && expected.acceptances == [10])
        for order in Self.permutations(Self.three) {
            let whole = Self.coalesced(Self.batch(order))
            let apart = Self.coalesced(
                Self.batch([order[0]]).merged(with: Self.batch([order[1]])).merged(with: Self.batch([order[2]])))
            for result in [whole, apart] {
                #expect(Self.row(result, 0) == Self.row(expected, 0))
                #expect(result.acceptances == expected.acceptances && result.hashes == expected.hashes)
            }
        }
    }

    @Test("the greater hash overrides parameter by parameter; latitude and longitude come from one payload")
    func coalescing() throws {
        let sorted = Self.batch(Self.three).sorted()
        let merged = Self.row(Self.coalesced(sorted), 0)
        #expect(merged["position.latitude"] == .number(2) && merged["position.longitude"] == .number(20))
        for name in ["a", "b"] {
            let last = (0..<3).compactMap { Self.row(sorted, $0)[name] }.last
            #expect(merged[name] == last)
        }
    }

    @Test("where no payload has both coordinates, they still do not mix")
    func halfPositions() {
        let halves = [
            Payload(values: [("position.latitude", .number(1))]), Payload(values: [("position.longitude", .number(2))]),
        ]
        for order in [halves, halves.reversed()] {
            let merged = Self.row(Self.coalesced(Self.batch(order)), 0)
            #expect((merged["position.latitude"] == nil) != (merged["position.longitude"] == nil))
        }
    }

    @Test("a duplicate keeps the smallest acceptance and nothing else changes", arguments: 0..<6)
    func duplicates(_ index: Int) {
        let copies = [30, 10, 20].map { Payload(acceptance: $0, values: [("a", .number(1))]) }
        let batch = Self.batch(Self.permutations(copies)[index]).sorted()
        #expect(batch.count == 1 && batch.acceptances == [10])
        #expect(batch.merged(with: Self.batch([copies[0]])) == batch)
    }

    @Test("a duplicate of equal acceptance changes nothing, whichever comes first")
    func equalDuplicates() {
        let copies = ["10.0.0.1", "10.0.0.2"].map { Payload(values: [("a", .number(1)), ("peer", .string($0))]) }
        let forward = Self.row(Self.batch(copies).sorted(), 0)
        let backward = Self.row(Self.batch(copies.reversed()).sorted(), 0)
        withKnownIssue("of equal acceptances the one that stands first stays, with its peer") {
            #expect(forward == backward)
        }
    }

    @Test("the hash knows neither the order of parameters nor the way a message came")
    func hashing() {
        let values: [(String, Value)] = [("a", .number(1)), ("b", .string("x")), ("position.latitude", .null)]
        let plain = Self.batch([Payload(values: values)]).hashes
        for order in Self.permutations(values) {
            #expect(Self.batch([Payload(timestamp: 5, acceptance: 6, values: order)]).hashes == plain)
        }
        for name in ["server.timestamp", "peer", "channel.id", "protocol.id"] {
            #expect(Self.batch([Payload(values: values + [(name, .number(7))])]).hashes == plain)
        }
        let others: [[(String, Value)]] = [
            [], Array(values.dropLast()), values + [("c", .null)],
            [("a", .string("x")), ("b", .number(1)), ("position.latitude", .null)],
            [("a", .number(1)), ("b", .json("x")), ("position.latitude", .null)],
        ]
        for other in others { #expect(Self.batch([Payload(values: other)]).hashes != plain) }
        #expect(
            Self.batch([Payload(values: [("a", .number(-0.0))])]).hashes
                == Self.batch([Payload(values: [("a", .number(0))])]).hashes)
    }

    @Test("the builder keeps a parameter's last value, fills gaps, and forgets a cancelled message")
    func building() throws {
        var builder = MessageBatchBuilder(table: Self.table)
        let a = try #require(Self.table.existing("a"))
        let b = try #require(Self.table.existing("b"))
        builder.set(b, .number(0))
        builder.cancelMessage()
        builder.set(b, .number(1))
        builder.set(b, .number(2))
        builder.finishMessage(timestamp: Timestamp(microseconds: 1), acceptance: Timestamp(microseconds: 1))
        builder.set(a, .number(3))
        builder.finishMessage(timestamp: Timestamp(microseconds: 2), acceptance: Timestamp(microseconds: 2))
        let batch = builder.build()
        #expect(builder.count == 2 && batch.columns.map(\.parameter) == [a, b])
        #expect(batch.values(a)?[0] == nil && batch.values(a)?[1] == .number(3))
        #expect(batch.values(b)?[0] == .number(2) && batch.values(b)?[1] == nil)
    }

    /// Random messages with many equal timestamps and duplicates.
    private static func random(_ random: inout SeededGenerator) -> [Payload] {
        (0..<Int.random(in: 0...12, using: &random)).map { _ in
            var values: [(String, Value)] = []
            for name in ["a", "b", "position.latitude", "position.longitude"] where random.chance(0.5) {
                values.append(
                    (name, random.chance(0.2) ? .string("x") : .number(Double(Int.random(in: 0...1, using: &random)))))
            }
            return Payload(
                timestamp: Int64.random(in: 0...4, using: &random),
                acceptance: Int64.random(in: 10...20, using: &random),
                values: values)
        }
    }

    @Test("sorting and merging do not depend on order or batching", arguments: 0..<200)
    func order(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let payloads = Self.random(&random)
        let expected = Self.batch(payloads).sorted()
        #expect(expected.isSorted, "seed \(seed)")
        let shuffled = payloads.shuffled(using: &random)
        let cut = Int.random(in: 0...shuffled.count, using: &random)
        let parts = [Self.batch(Array(shuffled[..<cut])), Self.batch(Array(shuffled[cut...]))]
        let merged = parts[0].merged(with: parts[1])
        #expect(merged.timestamps == expected.timestamps && merged.hashes == expected.hashes, "seed \(seed)")
        #expect(merged.acceptances == expected.acceptances, "seed \(seed)")
        for row in 0..<expected.count { #expect(Self.row(merged, row) == Self.row(expected, row), "seed \(seed)") }
        let read = Self.coalesced(merged)
        #expect(read.timestamps == Array(Set(payloads.map(\.timestamp))).sorted(), "seed \(seed)")
    }

    @Test("a few messages merged with many stand where sorting all of them puts them", arguments: 0..<200)
    func few(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        func parts(_ count: Int) -> [Payload] {
            (0..<count).map { _ in
                let value = random.chance(0.2) ? Value.string("x\(Int.random(in: 0...3, using: &random))") : .number(1)
                return Payload(
                    timestamp: Int64.random(in: 0...(seed % 2 == 0 ? 1_000 : 60), using: &random),
                    acceptance: Int64.random(in: 10...20, using: &random),
                    values: [(random.chance(0.8) ? "a" : "b", value)])
            }
        }
        let many = Self.batch(parts(40)).sorted()
        let few = Self.batch(parts(Int.random(in: 0...6, using: &random))).sorted()
        let merged = many.merged(with: few)
        let expected = many.concatenated(few).sorted()
        #expect(merged.timestamps == expected.timestamps && merged.hashes == expected.hashes, "seed \(seed)")
        #expect(merged.acceptances == expected.acceptances, "seed \(seed)")
        for row in 0..<expected.count { #expect(Self.row(merged, row) == Self.row(expected, row), "seed \(seed)") }
    }

    @Test("slices and gathered rows are the rows asked for", arguments: 0..<50)
    func rows(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let batch = Self.batch(Self.random(&random)).sorted()
        let lower = Int.random(in: 0...batch.count, using: &random)
        let range = lower..<Int.random(in: lower...batch.count, using: &random)
        let slice = batch.slice(range)
        let gathered = batch.gather(Array(range))
        for (index, row) in range.enumerated() {
            #expect(Self.row(slice, index) == Self.row(batch, row) && slice.timestamps[index] == batch.timestamps[row])
            #expect(Self.row(gathered, index) == Self.row(batch, row) && gathered.hashes[index] == batch.hashes[row])
        }
        for moment in -1...6 {
            let row = batch.firstRow(at: Timestamp(microseconds: Int64(moment)))
            #expect(row == batch.timestamps.prefix { $0 < Int64(moment) }.count, "seed \(seed)")
        }
        #expect((batch.timeRange == nil) == batch.isEmpty)
    }

    @Test(
        "batches joined are their rows one after the other, whatever parameters and kinds each has", arguments: 0..<200)
    func joining(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parts = (0..<Int.random(in: 0...8, using: &random)).map { _ in Self.batch(Self.random(&random)) }
        let joined = MessageBatch.joined(parts)
        let rows = parts.flatMap { part in (0..<part.count).map { (part, $0) } }
        #expect(joined.timestamps == rows.map { $0.0.timestamps[$0.1] })
        #expect(joined.acceptances == rows.map { $0.0.acceptances[$0.1] })
        #expect(joined.hashes == rows.map { $0.0.hashes[$0.1] })
        #expect((0..<joined.count).map { Self.row(joined, $0) } == rows.map { Self.row($0.0, $0.1) })
        #expect(zip(joined.columns, joined.columns.dropFirst()).allSatisfy { $0.parameter < $1.parameter })
        #expect(joined.columns.allSatisfy { $0.values.count == joined.count })
    }
}
