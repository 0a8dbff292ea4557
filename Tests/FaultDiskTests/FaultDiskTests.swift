import Dispatch
import FaultDisk
import Foundation
import SQLiteClient
import Synchronization
import Testing

@Suite("The simulated disk")
struct FaultDiskTests {
    @Test("a writer and two readers of threads of their own share a file in write-ahead mode")
    func threads() throws {
        let disk = FaultDisk()
        try Ledger(disk).append()
        let isDone = Atomic(false)
        let failures = Mutex<[String]>([])
        let ready = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        for _ in 0..<2 {
            Thread.detachNewThread {
                do { try Self.read(disk, ready, until: isDone) } catch { failures.withLock { $0.append("\(error)") } }
                ready.signal()
                ended.signal()
            }
        }
        for _ in 0..<2 { ready.wait() }
        do {
            defer { isDone.store(true, ordering: .releasing) }
            let ledger = try Ledger(disk)
            for _ in 0..<300 { try ledger.append() }
        }
        for _ in 0..<2 { ended.wait() }
        #expect(failures.withLock { $0 } == [])
        #expect(try Ledger.last(disk) == 301)
        // The last connection has taken the log into the file and deleted it.
        #expect(disk.files.map(\.name) == ["ledger.db"])
    }

    private static func read(_ disk: FaultDisk, _ ready: DispatchSemaphore, until isDone: borrowing Atomic<Bool>) throws
    {
        let reader = try Connection(path: disk.path("ledger.db"), mode: .readOnly)
        var last: Int64 = 0
        var isLast = false
        while true {
            let seen = try reader.transaction(isWriting: false) { try Self.seen(reader) }
            guard seen >= last else { throw Ledger.Damage(reason: "\(seen) after \(last)") }
            if last == 0 { ready.signal() }
            last = seen
            if isLast { break }
            isLast = isDone.load(ordering: .acquiring)
        }
        guard last == 301 else { throw Ledger.Damage(reason: "a reader ended at \(last)") }
    }

    private static func seen(_ reader: Connection) throws -> Int64 {
        let count = try reader.integer("SELECT count FROM state") ?? -1
        let greatest = try reader.integer("SELECT MAX(number) FROM entries") ?? -2
        guard count == greatest else { throw Ledger.Damage(reason: "\(count) is not \(greatest)") }
        return count
    }

    @Test("after the process died what was written is there, and its connections are dead")
    func kill() throws {
        let disk = FaultDisk()
        let old = try Ledger(disk, synchronous: "OFF")
        let reader = try Connection(path: disk.path("ledger.db"), mode: .readOnly)
        for _ in 0..<5 { try old.append() }
        #expect(try reader.integer("SELECT count FROM state") == 5)
        disk.kill()
        #expect(disk.isDead)
        let refused = #expect(throws: SQLiteError.self) { try old.append() }
        #expect(refused?.isInputOutput == true)
        #expect(throws: SQLiteError.self) { try Connection(path: disk.path("ledger.db"), pragmas: ["user_version"]) }
        disk.restart()
        #expect(try Ledger.last(disk) == 5)
        #expect(throws: SQLiteError.self) { try reader.integer("SELECT count FROM state") }
        #expect(throws: SQLiteError.self) { try old.append() }
    }

    @Test("a loss of power is the same for the same seed, and never takes what was synced")
    func determinism() throws {
        // The salt of a log is SQLite's own random number, so only the course of things can be compared.
        func run(_ seed: UInt64) throws -> [FaultDisk.File] {
            let disk = FaultDisk()
            let durable = Ledger.run(disk, count: 5)
            disk.die(atOperation: 150)
            _ = Ledger.run(disk, synchronous: "OFF", count: 30, from: durable)
            disk.cutPower(seed: seed)
            return disk.files
        }
        let first = try (1...8).map(run)
        #expect(try (1...8).map(run) == first)
        #expect(Set(first).count > 2)
        let disk = FaultDisk()
        #expect(Ledger.run(disk, count: 5) == 5)
        disk.cutPower(seed: 3)
        disk.restart()
        #expect(try Ledger.last(disk) == 5)
    }

    @Test("a snapshot keeps everything as it was, a copy of a file is the file of then, and other paths are real files")
    func snapshots() throws {
        let disk = FaultDisk(sectorSize: .large)
        #expect(Ledger.run(disk, count: 3) == 3)
        let snapshot = disk.snapshot()
        #expect(disk.copy(file: "ledger.db", to: "old.db"))
        #expect(Ledger.run(disk, count: 3) == 6)
        #expect(disk.copy(file: "old.db", to: "ledger.db") && disk.delete(file: "old.db"))
        #expect(try Ledger.last(disk) == 3)
        #expect(Ledger.run(disk, count: 4) == 7)
        disk.restore(snapshot)
        #expect(try Ledger.last(disk) == 3 && disk.files.map(\.name) == ["ledger.db"])
        let other = FaultDisk()
        other.restore(snapshot)
        #expect(try Ledger.last(other) == 3)
        #expect(try Connection(path: ":memory:").integer("SELECT 1") == 1)
        Connection.deleteFile(other.path("ledger.db"))
        Connection.deleteFile(other.path("ledger.db"))
        #expect(other.files == [] && other.usedByteCount == 0 && disk.byteCount(file: "ledger.db") ?? 0 > 0)
    }

    @Test("a flipped bit and a file cut short are what is read from then on")
    func bits() throws {
        let disk = FaultDisk()
        #expect(Ledger.run(disk, count: 8) == 8)
        let size = try #require(disk.byteCount(file: "ledger.db"))
        let before = try #require(disk.bytes(file: "ledger.db", offset: 2048, count: 1))
        #expect(disk.flipBit(file: "ledger.db", offset: 2048, bit: 3))
        #expect(disk.bytes(file: "ledger.db", offset: 2048, count: 1) == [before[0] ^ 8])
        #expect(throws: (any Error).self) { try Ledger.last(disk) }
        #expect(disk.flipBit(file: "ledger.db", offset: 2048, bit: 3))
        #expect(try Ledger.last(disk) == 8)
        #expect(disk.truncate(file: "ledger.db", byteCount: size - 1024))
        #expect(throws: (any Error).self) { try Ledger.last(disk) }
        #expect(!disk.flipBit(file: "ledger.db", offset: size, bit: 0) && !disk.truncate(file: "x", byteCount: 0))
    }

    @Test("a name that no folder sync has made durable may vanish with the power, after one it stays")
    func names() throws {
        var lost = 0
        for seed in 1...40 as ClosedRange<UInt64> {
            let disk = FaultDisk()
            do { _ = try Connection(path: disk.path("a.db"), pragmas: ["journal_mode = OFF", "user_version = 1"]) }
            let isSynced = seed % 2 == 0
            if isSynced { try Connection.syncFolder(disk.path("").dropLast().description) }
            disk.cutPower(seed: seed)
            let isLost = disk.byteCount(file: "a.db") == nil
            if isLost { lost += 1 }
            #expect(!(isLost && isSynced), "seed \(seed)")
        }
        #expect((5...15).contains(lost))
    }
}
