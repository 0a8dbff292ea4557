import FaultDisk
import SQLiteClient
import Testing

@Suite("SQLite through failures")
struct FailureTests {
    @Test(
        "whichever operation fails, no acknowledged transaction is lost and none is half there",
        arguments: [false, true])
    func failures(isLasting: Bool) throws {
        let disk = FaultDisk()
        #expect(Ledger.run(disk, count: 5) == 5)
        let snapshot = disk.snapshot()
        var n = 0
        var recoveryCount = 0
        repeat {
            n += 1
            disk.restore(snapshot)
            disk.failOperation(at: n, isLasting: isLasting)
            let last = Ledger.run(disk, count: 6, from: 5) {
                // A process that meets an error closes its files or just ends, or the power goes with it.
                if n % 3 > 0 { Self.end(disk, n) }
            }
            guard disk.failureCount > 0 else { break }
            Self.end(disk, n)
            disk.restart()
            // The recovery fails too, now and then at each of its operations.
            let failed = disk.snapshot()
            for m in n % 40 == 0 ? 1...200 : (n % 50 + 1)...(n % 50 + 1) {
                disk.restore(failed)
                disk.failOperation(at: m, isLasting: isLasting)
                _ = try? Ledger.last(disk)
                let isHit = disk.failureCount > 0
                disk.kill()
                disk.restart()
                recoveryCount += 1
                #expect(try (last...last + 1).contains(Ledger.last(disk)), "operations \(n) and \(m)")
                if !isHit { break }
            }
        } while n < 10_000
        report("failures, lasting \(isLasting): \(n - 1) operations failed, \(recoveryCount) recoveries after them")
        disk.restart()
        #expect(n > 150 && n < 10_000)
        #expect(try Ledger.last(disk) == 11)
    }

    private static func end(_ disk: FaultDisk, _ n: Int) {
        if n % 2 == 0 { disk.kill() } else { disk.cutPower(seed: UInt64(n)) }
    }

    @Test("a full disk acknowledges nothing that is not durable, reads go on, and room is all it needs")
    func full() throws {
        let disk = FaultDisk()
        #expect(Ledger.run(disk, count: 5) == 5)
        let snapshot = disk.snapshot()
        let used = disk.usedByteCount
        var fullCount = 0
        for step in 0..<120 {
            disk.restore(snapshot)
            disk.capacity = used + step * 500
            var last: Int64 = 5
            do {
                let ledger = try Ledger(disk)
                do { for _ in 0..<12 { last = try ledger.append() } } catch let error as SQLiteError {
                    #expect(error.isDiskFull, "step \(step)")
                    fullCount += 1
                    #expect(try ledger.check() == last, "step \(step)")
                    disk.capacity = nil
                    last = try ledger.append()
                    #expect(try ledger.check() == last, "step \(step)")
                }
            } catch let error as SQLiteError {
                // It may be full before it is open.
                #expect(error.isDiskFull && step < 10, "step \(step): \(error)")
            }
            disk.cutPower(seed: UInt64(step))
            disk.restart()
            disk.capacity = nil
            #expect(try Ledger.last(disk) == last, "step \(step)")
        }
        report("full disk: \(fullCount) of 120 sizes were too small")
        #expect((20...119).contains(fullCount))
    }

    @Test("after a sync that failed a new process builds on sand, unless it writes the log anew first")
    func failedSync() throws {
        var lost: [Bool: Int] = [:]
        for isHardened in [false, true] {
            for n in 1...12 {
                let disk = FaultDisk()
                #expect(Ledger.run(disk, count: 5) == 5)
                disk.failOperation(at: n, kind: .sync)
                _ = Ledger.run(disk, checkpointPageCount: 1000, count: 9, from: 5) { disk.kill() }
                disk.restart()
                if isHardened { try Connection.hardenLog(of: disk.path("ledger.db")) }
                let ledger = try Ledger(disk, checkpointPageCount: 1000)
                // The log itself may be new: its name must stay as well.
                try Connection.syncFolder(disk.path("").dropLast().description)
                let last = try ledger.append()
                disk.cutPower(seed: UInt64(n))
                withExtendedLifetime(ledger) {}
                disk.restart()
                if try Ledger.last(disk) < last { lost[isHardened, default: 0] += 1 }
            }
        }
        report(
            "failed sync: \(lost[false] ?? 0) of 12 lost what came after it, \(lost[true] ?? 0) with the log hardened")
        #expect(lost[true] == nil)
        #expect((lost[false] ?? 0) > 0)
    }
}
