import LocalCache
import MessageChunks
import Telemetry
import Testing

@Suite("Messages in a worker's cache")
struct CacheMessagesTests {
    private static func insert(_ messages: [(Int64, Double)], into cache: WorkerCache) throws {
        let batch = TestCache.batch(messages).sorted()
        let range = try #require(batch.timeRange)
        try cache.insertChunk(
            TestCache.device, first: range.lower, last: Timestamp(microseconds: range.upper.microseconds - 1),
            count: batch.count,
            MessageChunk.encode(batch))
    }

    @Test("the tail gives the messages of all batches that may lie in a range, sorted, duplicates once")
    func tail() throws {
        let test = try TestCache()
        let device = TestCache.device
        try test.cache.appendTail(device, position: 1, TestCache.batch([(30, 1), (10, 2)]))
        try test.cache.appendTail(device, position: 2, TestCache.batch([(20, 3), (10, 2)]))
        try test.cache.appendTail(device, position: 3, TestCache.batch([(100, 4)]))
        try test.cache.appendTail(device, position: 4, MessageBatch())
        try test.cache.appendTail(DeviceID(8), position: 3, TestCache.batch([(5, 5)]))
        let all = try test.cache.tail(device)
        #expect(all.timestamps == [10, 20, 30, 100].map { $0 * 1_000_000 } && all.isSorted)
        let early = try test.cache.tail(device, overlapping: TimeRange(lower: .at(25), upper: .at(100)))
        #expect(early.timestamps == [10, 30].map { $0 * 1_000_000 })
        #expect(try test.cache.tail(device, overlapping: TimeRange(lower: .at(31), upper: .at(100))).isEmpty)
        #expect(try test.cache.tail(device, overlapping: TimeRange(lower: .at(100), upper: .at(101))).count == 1)
        #expect(try test.cache.tailCounts() == [device: 5, DeviceID(8): 1])
    }

    @Test("many small batches join to the same messages as one")
    func manyBatches() throws {
        let test = try TestCache()
        let messages = (0..<50).map { (Int64($0 * 7 % 50), Double($0)) }
        for (position, message) in messages.enumerated() {
            try test.cache.appendTail(TestCache.device, position: Int64(position), TestCache.batch([message]))
        }
        #expect(try test.cache.tail(TestCache.device) == TestCache.batch(messages).sorted())
    }

    @Test("batches in one row are the same messages as in rows of their own, and stay until all of them are sealed")
    func runs() throws {
        let test = try TestCache()
        let messages = (0..<40).map { (Int64($0 * 10), Double($0)) }
        for start in stride(from: 0, to: 40, by: 20) {
            let batches = stride(from: start, to: start + 20, by: 4).map { Array(messages[$0..<$0 + 4]) }
            try test.cache.appendTail(
                TestCache.device, position: Int64(start + 4), first: .at(messages[start].0),
                last: .at(messages[start + 19].0), count: 20,
                ChunkRun.encode(batches.map { MessageChunk.encode(TestCache.batch($0)) }))
        }
        try test.reopen()
        #expect(try test.cache.tail(TestCache.device) == TestCache.batch(messages))
        let late = try test.cache.tail(TestCache.device, overlapping: TimeRange(lower: .at(350), upper: .at(360)))
        #expect(late == TestCache.batch(Array(messages[32..<36])))
        #expect(try test.cache.tailCounts() == [TestCache.device: 40])
        try test.cache.settleSeal(TestCache.device, replaced: [], upTo: 23)
        #expect(try test.cache.tail(TestCache.device) == TestCache.batch(Array(messages[20...])))
        try test.cache.audit(readsBodies: true)
    }

    @Test("chunks that end after a moment are found in the order of time")
    func chunks() throws {
        let test = try TestCache()
        for start in [100, 0, 200] as [Int64] {
            try Self.insert([(start, 1), (start + 50, 2)], into: test.cache)
        }
        func firsts(_ moment: Timestamp) throws -> [Timestamp] {
            try test.cache.chunks(TestCache.device, endingAfter: moment).map(\.first)
        }
        #expect(try firsts(.distantPast) == [.at(0), .at(100), .at(200)])
        #expect(try firsts(.at(0)) == [.at(0), .at(100), .at(200)])
        #expect(try firsts(.at(49)) == [.at(0), .at(100), .at(200)])
        #expect(try firsts(.at(50)) == [.at(100), .at(200)])
        #expect(try firsts(.at(120)) == [.at(100), .at(200)])
        #expect(try firsts(.at(175)) == [.at(200)])
        #expect(try firsts(.at(250)).isEmpty)
        #expect(try test.cache.chunks(DeviceID(8), endingAfter: .distantPast).isEmpty)
        let chunk = try #require(try test.cache.chunks(TestCache.device, endingAfter: .at(60)).first)
        #expect(chunk.first == .at(100) && chunk.last == .at(150) && chunk.count == 2)
    }

    @Test("a chunk gives the columns asked for, all of them without a list")
    func columns() throws {
        let test = try TestCache()
        try Self.insert([(1, 10), (2, 20)], into: test.cache)
        let a = try #require(TestCache.table.existing("a"))
        let b = try #require(TestCache.table.existing("b"))
        let all = try test.cache.chunk(TestCache.device, first: .at(1), parameters: nil, hashes: true)
        #expect(all == TestCache.batch([(1, 10), (2, 20)]))
        let some = try test.cache.chunk(TestCache.device, first: .at(1), parameters: [a, b], hashes: false)
        #expect(some.values(a)?[1] == .number(20) && (some.values(b)?[0] ?? .null) == .null)
        let none = try test.cache.chunk(TestCache.device, first: .at(1), parameters: [], hashes: false)
        #expect(none.timestamps == [1_000_000, 2_000_000] && none.values(a) == nil)
        #expect(throws: CacheError.self) {
            try test.cache.chunk(TestCache.device, first: .at(2), parameters: nil, hashes: false)
        }
    }

    @Test("sealing replaces chunks and drops the tail that they cover")
    func sealing() throws {
        let test = try TestCache()
        let device = TestCache.device
        try test.cache.setDevice(CachedDevice(device: device, sealed: 0, latest: .at(9)))
        try Self.insert([(1, 1)], into: test.cache)
        for position in 1...4 as ClosedRange<Int64> {
            try test.cache.appendTail(device, position: position, TestCache.batch([(position + 1, 1)]))
        }
        try test.cache.transaction {
            try test.cache.settleSeal(device, replaced: [.at(1)], upTo: 3)
            try Self.insert([(1, 1), (2, 1), (3, 1), (4, 1)], into: test.cache)
        }
        #expect(try test.cache.tail(device).timestamps == [5_000_000])
        #expect(try test.cache.chunks(device, endingAfter: .distantPast).map(\.count) == [4])
        #expect(try test.cache.devices().first?.sealed == 3)
    }

    @Test("a damaged chunk is a corrupt cache, not wrong messages")
    func damage() throws {
        let test = try TestCache()
        let batch = TestCache.batch([(1, 1), (2, 2)])
        var bytes = MessageChunk.encode(batch)
        bytes[bytes.count / 2] ^= 0x40
        try test.cache.insertChunk(TestCache.device, first: .at(1), last: .at(2), count: 2, bytes)
        #expect(throws: CacheError.self) {
            try test.cache.chunk(TestCache.device, first: .at(1), parameters: nil, hashes: true)
        }
    }

    @Test("a damaged chunk says that the cache is corrupt, so that it is built anew")
    func damageKind() throws {
        let test = try TestCache()
        var bytes = MessageChunk.encode(TestCache.batch([(1, 1), (2, 2)]))
        bytes[bytes.count / 2] ^= 0x40
        try test.cache.insertChunk(TestCache.device, first: .at(1), last: .at(2), count: 2, bytes)
        var isCorrupt = false
        do throws(CacheError) {
            _ = try test.cache.chunk(TestCache.device, first: .at(1), parameters: nil, hashes: true)
        } catch {
            if case .corrupt = error { isCorrupt = true }
        }
        #expect(isCorrupt)
    }
}
