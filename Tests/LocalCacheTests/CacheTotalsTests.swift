import Foundation
import SQLiteClient
import SeededRandom
import Telemetry
import Testing

@testable import LocalCache

@Suite("What a worker's cache counts of itself")
struct CacheTotalsTests {
    private struct Refused: Error {}

    /// One change of a kind and an object that the generator chooses.
    private static func change(_ cache: WorkerCache, _ random: inout SeededGenerator) throws {
        let key = FilledCache.keys[random.below(FilledCache.keys.count)]
        let moment = Timestamp.at(random.below(40) * 1000)
        let kind = random.below(Int64(13))
        switch kind {
        case 0: try cache.setPosition(1000 + random.below(1000))
        case 1: try cache.setDevice(CachedDevice(device: key.device, sealed: random.below(5), latest: moment))
        case 2, 3:
            try cache.appendTail(key.device, position: 940 + random.below(60), TestCache.batch([(random.below(99), 1)]))
        case 4:
            let position = 900 + random.below(Int64(60))
            try cache.settleSeal(key.device, replaced: [.at(random.below(40) * 86_400)], upTo: position)
        case 5: try cache.removeMessages(key.device, before: .at(random.below(40) * 86_400))
        case 6:
            let first = random.below(Int64(60)) * 86_400
            try cache.insertChunk(
                key.device, first: .at(first), last: .at(first + 1), count: 1, [UInt8](repeating: 7, count: 50))
        case 7:
            try cache.setHeld(
                key, HeldInterval(id: 9, firstOn: moment, begin: moment, end: moment, isActive: true, digest: 4))
        case 8: try cache.removeHeld(key, firstOn: moment)
        case 9:
            try cache.setState(
                key, SavedState(moment: moment, pendingFrom: nil, isLast: false, count: 1, bytes: [1, 2]))
        case 10: try cache.removeStates(key, in: TimeRange(lower: moment, upper: moment.advanced(bySeconds: 9000)))
        case 11:
            try cache.setInvalidations(
                key, random.below(2) == 0 ? [] : [Invalidation(range: .all, since: moment, due: moment, cause: "x")])
        default: try changeRarely(cache, key, &random)
        }
    }

    private static func changeRarely(_ cache: WorkerCache, _ key: AssignmentKey, _ random: inout SeededGenerator) throws
    {
        switch random.below(6) {
        case 0: try cache.removeAllHeld(key)
        case 1: try cache.removeAssignment(key)
        case 2: try cache.removeDevice(key.device)
        default:
            try cache.setAssignment(
                CachedAssignment(
                    key: key, calculatorRevision: random.below(9), deviceDigest: 1, applied: 2, timer: nil,
                    isCalculated: true, horizon: .at(random.below(100))))
        }
    }

    @Test("whatever is changed, and whatever of it is rolled back, the totals are those of the rows", arguments: 0..<10)
    func anyChanges(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let test = try TestCache()
        try FilledCache.fill(test.cache, &random)
        for _ in 0..<60 {
            let isRefused = random.below(4) == 0
            let before = isRefused ? rows(test.cache) : []
            do {
                try test.cache.transaction {
                    for _ in 0..<(1 + random.below(6)) { try Self.change(test.cache, &random) }
                    if isRefused { throw Refused() }
                }
            } catch { #expect(isRefused, "\(error)") }
            try test.cache.audit()
            if isRefused { #expect(rows(test.cache) == before) }
            if random.below(10) == 0 { try test.cache.setEpochs([Slot(rawValue: 9): random.below(50)]) }
        }
        let last = rows(test.cache)
        try test.reopen()
        #expect(test.cache.rebuiltReason == nil)
        try test.cache.audit()
        #expect(rows(test.cache) == last)
    }

    /// What stands in memory.
    private func rows(_ cache: WorkerCache) -> [String] {
        let lines = cache.entries.map { device, entry in
            let assignments = entry.assignments.calculators.map {
                "\($0) \(entry.assignments[$0]?.written ?? 0)"
            }
            return "\(device) \(entry.written ?? 0) \(assignments)"
        }
        return lines.sorted() + ["\(cache.totals)"]
    }

    @Test("changes outside a transaction are each committed with their totals")
    func withoutTransaction() throws {
        var random = SeededGenerator(seed: 77)
        let test = try TestCache()
        for _ in 0..<200 {
            try Self.change(test.cache, &random)
            try test.cache.audit()
        }
        try test.reopen()
        try test.cache.audit()
    }

    @Test("a full disk leaves the cache as it was, and the same transaction succeeds once there is room")
    func full() throws {
        let test = try TestCache()
        var random = SeededGenerator(seed: 5)
        try FilledCache.fill(test.cache, &random)
        let before = try CacheReading(test.cache)
        let pages = try #require(try test.cache.connection.integer("PRAGMA page_count"))
        try test.cache.connection.execute("PRAGMA max_page_count = \(pages + 20)")
        func grow() throws(CacheError) {
            try test.cache.transaction {
                try test.cache.setPosition(5000)
                for position in 5000..<5400 as Range<Int64> {
                    try test.cache.appendTail(
                        TestCache.device, position: position, first: .at(1), last: .at(1), count: 1,
                        [UInt8](repeating: 9, count: 3000))
                }
            }
        }
        var isFull = false
        do throws(CacheError) { try grow() } catch { if case .full = error { isFull = true } }
        #expect(isFull)
        #expect(try CacheReading(test.cache) == before)
        try test.cache.audit()
        try test.cache.setPosition(4000)
        try test.cache.connection.execute("PRAGMA max_page_count = 1000000")
        try grow()
        #expect(try test.cache.position() == 5000)
        try test.cache.audit()
        try test.reopen()
        #expect(try test.cache.position() == 5000)
        try test.cache.audit()
    }

    @Test("nothing of a transaction is committed if a part of it failed, even where the error was caught")
    func caughtError() throws {
        let test = try TestCache()
        try test.cache.setPosition(3)
        #expect(throws: CacheError.self) {
            try test.cache.transaction {
                try test.cache.setPosition(9)
                try? test.cache.transaction { throw Refused() }
            }
        }
        #expect(try test.cache.position() == 3)
    }

    @Test("an audit finds a damaged body only where it reads bodies, and rows that belong to nothing")
    func audits() throws {
        let test = try TestCache()
        var random = SeededGenerator(seed: 6)
        try FilledCache.fill(test.cache, &random)
        try test.reopen(after: { path in
            let connection = try Connection(path: path)
            try connection.execute(
                "UPDATE states SET data = x'0102' WHERE device = 8 AND calculator = 4 AND moment = 0")
        })
        try test.cache.audit()
        try test.cache.audit(DeviceID(7), readsBodies: true)
        #expect(throws: CacheError.self) { try test.cache.audit(DeviceID(8), readsBodies: true) }
        try test.cache.removeDevice(DeviceID(8))
        try test.cache.audit(readsBodies: true)
        try test.reopen(after: { path in
            try Connection(path: path).execute("UPDATE OR IGNORE held SET device = 5555 WHERE first_on = 0")
        })
        #expect(throws: CacheError.self) { try test.cache.audit() }
    }

    @Test("messages that end before a moment are removed from chunks and tail, no others")
    func removedMessages() throws {
        let test = try TestCache()
        let device = TestCache.device
        for day in [0, 10, 20] as [Int64] {
            try test.cache.insertChunk(device, first: .at(day), last: .at(day + 5), count: 2, [1, 2, 3, 4, 5])
            try test.cache.appendTail(device, position: day, TestCache.batch([(day, 1), (day + 5, 2)]))
        }
        try test.cache.removeMessages(device, before: .at(15))
        #expect(try test.cache.chunks(device, endingAfter: .distantPast).map(\.first) == [.at(10), .at(20)])
        #expect(try test.cache.tail(device).count == 4)
        #expect(try test.cache.tailCounts() == [device: 4])
        try test.cache.removeMessages(device, before: .distantFuture)
        #expect(try test.cache.tail(device).isEmpty && test.cache.tailCounts().isEmpty)
        try test.cache.audit()
        #expect(test.cache.entries.isEmpty)
    }

    @Test("horizons and the nature of what is pending are kept")
    func horizons() throws {
        let test = try TestCache()
        let assignment = CachedAssignment(
            key: TestCache.key, calculatorRevision: 1, deviceDigest: 2, applied: 3, timer: nil, isCalculated: true,
            horizon: .at(1234))
        let pending = [(false, false), (true, false), (false, true), (true, true)].map { isConfigured, isHeld in
            Invalidation(
                range: .all, since: .at(1), due: .at(2), cause: "c", isConfigured: isConfigured, isHeld: isHeld)
        }
        try test.cache.setAssignment(assignment)
        try test.cache.setInvalidations(TestCache.key, pending)
        try test.reopen()
        #expect(try test.cache.assignments() == [assignment])
        #expect(try test.cache.invalidations().first?.pending == pending)
    }
}
