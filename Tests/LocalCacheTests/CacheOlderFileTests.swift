import Foundation
import LocalCache
import SQLiteClient
import Telemetry
import Testing

@Suite("Older parts of a worker's cache")
struct CacheOlderFileTests {
    private static let device = TestCache.device

    private static func append(_ cache: WorkerCache, _ positions: Range<Int64>) throws {
        for position in positions {
            try cache.transaction {
                try cache.appendTail(device, position: position, TestCache.batch([(position * 10, 1)]))
                try cache.setHeld(
                    TestCache.key,
                    HeldInterval(
                        id: position, firstOn: .at(position), begin: .at(position), end: .at(position), isActive: false,
                        digest: 1))
                try cache.setDevice(CachedDevice(device: device, sealed: 0, latest: .at(position * 10)))
                try cache.setPosition(position)
            }
        }
    }

    private static func copy(_ path: String, _ suffix: String, to name: String) throws {
        try Data(contentsOf: URL(filePath: path + suffix)).write(to: URL(filePath: name + suffix))
    }

    @Test("without its write-ahead log a cache is as it was at an earlier moment, with the position of that moment")
    func deletedLog() throws {
        let test = try TestCache()
        let copy = test.path + "-copy"
        defer { WorkerCache.delete(path: copy) }
        try Self.append(test.cache, 1..<30)
        try test.cache.setEpochs([:])
        try Self.append(test.cache, 30..<60)
        try Self.copy(test.path, "", to: copy)
        let found = try WorkerCache(path: copy, storeID: 1)
        #expect(found.rebuiltReason == nil)
        #expect(try found.position() == 29)
        #expect(try found.tail(Self.device).count == 29)
        #expect(try found.held(TestCache.key, firstOnIn: .all).count == 29)
        try found.audit(readsBodies: true)
    }

    @Test("a part of the write-ahead log gives an earlier moment", arguments: [1, 7, 20])
    func cutLog(_ tenths: Int) throws {
        let test = try TestCache()
        let copy = test.path + "-copy"
        defer { WorkerCache.delete(path: copy) }
        try Self.append(test.cache, 1..<60)
        try Self.copy(test.path, "", to: copy)
        let log = try Data(contentsOf: URL(filePath: test.path + "-wal"))
        try log.prefix(log.count * tenths / 23).write(to: URL(filePath: copy + "-wal"))
        let found = try WorkerCache(path: copy, storeID: 1)
        let position = try found.position()
        #expect(position < 59)
        #expect(try found.tail(Self.device).count == Int(position))
        #expect(try found.held(TestCache.key, firstOnIn: .all).count == Int(position))
    }

    @Test("an older file under a newer write-ahead log is noticed")
    func olderFile() throws {
        let test = try TestCache()
        let copy = test.path + "-copy"
        defer { WorkerCache.delete(path: copy) }
        try Self.append(test.cache, 1..<400)
        try test.cache.setEpochs([:])
        try Self.copy(test.path, "", to: copy)
        try Self.append(test.cache, 400..<800)
        try test.cache.setEpochs([:])
        try Self.append(test.cache, 800..<810)
        try Self.copy(test.path, "-wal", to: copy)
        #expect(throws: CacheError.self) {
            let found = try WorkerCache(path: copy, storeID: 1)
            if found.rebuiltReason != nil { throw CacheError.corrupt("") }
            _ = try found.tail(Self.device)
        }
    }

    @Test("a row put back as it was before is noticed")
    func olderRow() throws {
        let test = try TestCache()
        try Self.append(test.cache, 1..<20)
        let older = test.path + "-older"
        defer { WorkerCache.delete(path: older) }
        try test.reopen(after: { path in
            try Self.copy(path, "", to: older)
            let cache = try WorkerCache(path: path, storeID: 1)
            try cache.setHeld(
                TestCache.key,
                HeldInterval(id: 1, firstOn: .at(1), begin: .at(1), end: .at(3), isActive: false, digest: 2))
            let connection = try Connection(path: path)
            try connection.execute("ATTACH '\(older)' AS older")
            try connection.execute("INSERT OR REPLACE INTO held SELECT * FROM older.held WHERE first_on = 1000000")
        })
        #expect(throws: CacheError.self) { try test.cache.held(TestCache.key, firstOnIn: .all) }
    }
}
