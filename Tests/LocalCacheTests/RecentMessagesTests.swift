import MessageChunks
import SeededRandom
import Telemetry
import Testing

@testable import LocalCache

@Suite("The messages that were read last")
struct RecentMessagesTests {
    @Test(
        "what is kept of the last reading is what the file gives, whatever comes and goes in between",
        arguments: 1...20 as ClosedRange<UInt64>)
    func likeFile(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let test = try TestCache()
        var chunk = try Self.insert(Self.messages(60, &random), test.cache)
        var (position, known) = (Int64(0), 0)
        for step in 0..<80 {
            switch Int.random(in: 0..<12, using: &random) {
            case 0: chunk = try Self.insert(Self.messages(60, &random), test.cache, instead: chunk)
            case 1: try test.cache.settleSeal(TestCache.device, replaced: [], upTo: position - 3)
            case 2: try? test.cache.transaction { try Self.append(1, position + 1, test.cache, &random, fails: true) }
            case 3: try test.reopen()
            default:
                position += 1
                try Self.append(Int.random(in: 1...2, using: &random), position, test.cache, &random)
            }
            let moment = Timestamp.at([0, 0, 250, 400].randomElement(using: &random) ?? 0)
            let parameters = [nil, TestCache.table.existing("a").map { [$0] }].randomElement(using: &random) ?? nil
            if test.cache.recent != nil { known += 1 }
            let name: Comment = "seed \(seed), step \(step)"
            let read = try test.cache.messages(TestCache.device, in: chunk, after: moment, parameters: parameters)
            let times = TestCache.batch(Self.messages(1, &random)).timestamps
            let lacks = try test.cache.lacks(timesOf: TestCache.batch([(times[0] / 1_000_000, 1)]), TestCache.device)
            test.cache.recent = nil
            let plain = try test.cache.messages(TestCache.device, in: chunk, after: moment, parameters: parameters)
            #expect(read.timestamps == plain.timestamps && read.columns == plain.columns, name)
            #expect(read.acceptances == plain.acceptances, name)
            if lacks { #expect(!plain.timestamps.contains(times[0]), name) }
            _ = try test.cache.messages(TestCache.device, in: chunk, after: moment, parameters: parameters)
        }
        #expect(known > 20)
    }

    private static func append(
        _ count: Int, _ position: Int64, _ cache: WorkerCache, _ random: inout SeededGenerator, fails: Bool = false
    ) throws {
        try cache.appendTail(TestCache.device, position: position, TestCache.batch(messages(count, &random)))
        if fails { throw CacheError.database("on purpose") }
    }

    /// Messages among which there are some of one time.
    private static func messages(_ count: Int, _ random: inout SeededGenerator) -> [(seconds: Int64, value: Double)] {
        (0..<count).map { _ in
            (Int64.random(in: 1...600, using: &random), Double(Int.random(in: 0..<3, using: &random)))
        }
    }

    private static func insert(
        _ messages: [(seconds: Int64, value: Double)], _ cache: WorkerCache, instead: CachedChunk? = nil
    ) throws -> CachedChunk {
        let batch = TestCache.batch(messages).sorted()
        let range = try #require(batch.timeRange)
        let last = Timestamp(microseconds: range.upper.microseconds - 1)
        if let instead { try cache.settleSeal(TestCache.device, replaced: [instead.first], upTo: -1) }
        try cache.insertChunk(
            TestCache.device, first: range.lower, last: last, count: batch.count, MessageChunk.encode(batch))
        return CachedChunk(first: range.lower, last: last, count: batch.count)
    }
}
