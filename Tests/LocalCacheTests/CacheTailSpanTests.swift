import LocalCache
import MessageChunks
import SeededRandom
import Telemetry
import Testing

@Suite("What is found of a tail and of shared chunks")
struct CacheTailSpanTests {
    @Test("the tail gives what a range needs, in whatever order its batches came and went", arguments: 1...40)
    func anyOrder(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let test = try TestCache()
        var held: [Int64: [(Int64, Double)]] = [:]
        for position in 1...40 as ClosedRange<Int64> {
            // Mostly in order, some late, some over each other.
            let start = random.below(4) > 0 ? position * 10 : random.below(400)
            let batch = (0..<1 + random.below(3)).map { (start + $0 * 7, Double(position)) }
            try test.cache.appendTail(TestCache.device, position: position, TestCache.batch(batch))
            held[position] = batch
            if random.below(12) == 0 {
                try test.cache.settleSeal(TestCache.device, replaced: [], upTo: position - 3)
                held = held.filter { $0.key > position - 3 }
            }
            if random.below(9) == 0 { try test.reopen() }
            let lower = random.below(450 as Int64)
            let range = TimeRange(lower: .at(lower), upper: .at(lower + random.below(80 as Int64)))
            let found = try test.cache.tail(TestCache.device, overlapping: range)
            let wanted = held.values.joined().filter { range.contains(.at($0.0)) }
            let times = found.timestamps.filter { range.contains(Timestamp(microseconds: $0)) }
            #expect(found.isSorted)
            #expect(times == wanted.map { $0.0 * 1_000_000 }.sorted(), "seed \(seed), position \(position)")
        }
    }

    @Test("a large tail is read part by part, each of about as many messages as asked for", arguments: 1...40)
    func borders(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let test = try TestCache()
        var wanted: [Int64] = []
        for position in 1...60 as ClosedRange<Int64> {
            let start = random.below(5) > 0 ? position * 10 : random.below(600)
            let batch = (0..<1 + random.below(6)).map { (start + $0 * 3, Double(position)) }
            try test.cache.appendTail(TestCache.device, position: position, TestCache.batch(batch))
            wanted += batch.map { $0.0 * 1_000_000 }
        }
        // Some are behind the next chunk, and not to be read before it.
        let upper = Timestamp.at(300 + random.below(400))
        var (moment, times) = (Timestamp.distantPast, [Int64]())
        func take(_ range: TimeRange) throws -> [Int64] {
            try test.cache.tail(TestCache.device, overlapping: range).timestamps
                .filter { range.contains(Timestamp(microseconds: $0)) }
        }
        while let border = try test.cache.tailBorder(TestCache.device, after: moment, before: upper, countMax: 20) {
            let part = try take(TimeRange(lower: Timestamp(microseconds: moment.microseconds + 1), upper: border))
            let last = try take(TimeRange(inclusive: border, border))
            #expect(border > moment && border < upper && !last.isEmpty, "seed \(seed)")
            #expect(part.count < 60, "seed \(seed)")
            times += part + last
            moment = border
        }
        let rest = TimeRange(lower: Timestamp(microseconds: moment.microseconds + 1), upper: upper)
        times += try take(rest)
        #expect(times == wanted.filter { $0 < upper.microseconds }.sorted(), "seed \(seed)")
        #expect(moment > .distantPast, "seed \(seed): nothing was cut")
    }

    @Test("chunks that are shared are those of the cache, also after one of them has changed")
    func shared() throws {
        let test = try TestCache()
        let device = TestCache.device
        func insert(_ value: Double) throws -> MessageBatch {
            let batch = TestCache.batch([(10, value), (20, value)]).sorted()
            try test.cache.insertChunk(
                device, first: .at(10), last: .at(20), count: 2, MessageChunk.encode(batch))
            return batch
        }
        let names = try insert(1).columns.map(\.parameter)
        for value in [1.0, 2] {
            let batch = try insert(value)
            test.cache.shareChunks(of: device, parameters: names)
            for _ in 0..<2 {
                let found = try test.cache.sharedChunk(device, first: .at(10), parameters: names)
                #expect(found.columns == batch.columns)
            }
        }
        test.cache.shareChunks(of: device, parameters: [])
        #expect(try test.cache.sharedChunk(device, first: .at(10), parameters: names).columns.count == names.count)
        #expect(try test.cache.sharedChunk(device, first: .at(10), parameters: []).columns.isEmpty)
    }
}
