import Foundation
import LocalCache
import SQLiteClient
import Telemetry
import Testing

@Suite("The file of a worker's cache")
struct CacheFileTests {
    @Test("what was stored is there after opening again")
    func persistence() throws {
        let test = try TestCache()
        #expect(try test.cache.position() == 0)
        try test.cache.setPosition(42)
        try test.cache.setDevice(CachedDevice(device: TestCache.device, sealed: 5, latest: .at(9)))
        try test.reopen()
        #expect(try test.cache.position() == 42)
        #expect(try test.cache.devices() == [CachedDevice(device: TestCache.device, sealed: 5, latest: .at(9))])
    }

    @Test("a cache of another store is built anew, and then belongs to it", arguments: [2, UInt64.max, 0])
    func otherStore(_ storeID: UInt64) throws {
        let test = try TestCache()
        try test.cache.setPosition(42)
        try test.cache.setDevice(CachedDevice(device: TestCache.device, sealed: 5, latest: nil))
        try test.reopen(storeID: storeID)
        #expect(try test.cache.position() == 0)
        #expect(try test.cache.devices().isEmpty)
        try test.cache.setPosition(7)
        try test.reopen(storeID: storeID)
        #expect(try test.cache.position() == 7)
    }

    @Test("a cache of another version is built anew", arguments: [0, 3, 5, 99])
    func otherVersion(_ version: Int) throws {
        let test = try TestCache()
        try test.cache.setPosition(42)
        try test.reopen(after: { path in try Connection(path: path).execute("PRAGMA user_version = \(version)") })
        #expect(try test.cache.position() == 0)
        #expect(test.cache.rebuiltReason != nil)
    }

    @Test("a cache of the version before, whose tables have other columns, is built anew")
    func versionBefore() throws {
        let test = try TestCache()
        try test.reopen(after: { path in
            WorkerCache.delete(path: path)
            let old = try Connection(path: path)
            try old.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID")
            try old.execute("INSERT INTO meta VALUES ('store', 1), ('version', 3), ('position', 42)")
        })
        #expect(try test.cache.position() == 0)
        try test.cache.setPosition(7)
        #expect(try test.cache.position() == 7)
    }

    @Test("a cache of another worker is built anew, and then belongs to it; without a name any is taken")
    func otherWorker() throws {
        let test = try TestCache()
        func open(_ name: String?) throws -> WorkerCache {
            try WorkerCache(path: test.path + "-w", storeID: 1, name: name)
        }
        defer { WorkerCache.delete(path: test.path + "-w") }
        try open("worker-0").setPosition(42)
        #expect(try open("worker-0").position() == 42)
        #expect(try open(nil).position() == 42)
        #expect(try open("worker-1").position() == 0)
        try open("worker-1").setPosition(7)
        #expect(try open("worker-1").position() == 7)
        #expect(try open("worker-0").position() == 0)
    }

    @Test("a file that is no database is built anew", arguments: [16, 4096, 100_000])
    func noDatabase(_ size: Int) throws {
        let test = try TestCache()
        try test.cache.setPosition(42)
        try test.reopen(after: { path in
            WorkerCache.delete(path: path)
            try Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) }).write(to: URL(filePath: path))
        })
        #expect(try test.cache.position() == 0)
        try test.cache.setPosition(3)
        #expect(try test.cache.position() == 3)
    }

    @Test("a database whose first pages are damaged is built anew")
    func damaged() throws {
        let test = try TestCache()
        try test.cache.setPosition(42)
        try test.reopen(after: { path in
            var bytes = try Data(contentsOf: URL(filePath: path))
            try #require(bytes.count > 8192)
            bytes.replaceSubrange(100..<8192, with: Data(repeating: 0xa5, count: 8092))
            try bytes.write(to: URL(filePath: path))
        })
        #expect(try test.cache.position() == 0)
    }

    @Test("a folder that is not there is an error, not a crash")
    func noFolder() {
        #expect(throws: CacheError.self) { try WorkerCache(path: "/nonexistent/folder/cache.db", storeID: 1) }
    }

    @Test("delete() leaves no file behind")
    func deletion() throws {
        let test = try TestCache()
        try test.cache.setPosition(1)
        WorkerCache.delete(path: test.path)
        for suffix in ["", "-wal", "-shm"] { #expect(!FileManager.default.fileExists(atPath: test.path + suffix)) }
    }

    @Test("a transaction that throws leaves nothing, one that returns leaves all")
    func transactions() throws {
        struct Refused: Error {}
        let test = try TestCache()
        let batch = TestCache.batch([(1, 1), (2, 2)])
        #expect(throws: CacheError.self) {
            try test.cache.transaction {
                try test.cache.setPosition(9)
                try test.cache.appendTail(TestCache.device, position: 9, batch)
                throw Refused()
            }
        }
        #expect(try test.cache.position() == 0)
        #expect(try test.cache.tail(TestCache.device).isEmpty)
        let result = try test.cache.transaction {
            try test.cache.setPosition(9)
            try test.cache.appendTail(TestCache.device, position: 9, batch)
            return "done"
        }
        try test.reopen()
        #expect(result == "done")
        #expect(try test.cache.position() == 9)
        #expect(try test.cache.tail(TestCache.device).count == 2)
    }
}
