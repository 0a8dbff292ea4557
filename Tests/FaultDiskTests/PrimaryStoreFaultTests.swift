import FaultDisk
import PrimaryStore
import SeededRandom
import Telemetry
import Testing

@Suite("The primary store through losses of power, failures and full disks")
struct PrimaryStoreFaultTests {
    @Test(
        "whenever the power goes, what was acknowledged is there exactly once, and nothing by half",
        arguments: 1...5 as ClosedRange<UInt64>)
    func powerCuts(seed: UInt64) throws {
        let disk = FaultDisk(sectorSize: seed % 2 == 0 ? .small : .large)
        let work = StoreWorkload(disk, seed: seed)
        try work.setUp()
        var random = SeededGenerator(seed: seed &* 77)
        for cut in 1...20 {
            disk.die(atOperation: Int.random(in: 1...900, using: &random))
            do {
                try work.open()
                // Some are closed in time, so that the power goes while the log is copied into the file.
                for _ in 0..<(cut % 4 == 0 ? 8 : 10_000) { try work.step() }
                disk.die(atOperation: Int.random(in: 1...120, using: &random))
                work.close()
            } catch { #expect(disk.isDead, "seed \(seed), cut \(cut): \(error)") }
            disk.cutPower(seed: random.next())
            work.close()
            disk.restart()
            try work.open()
            #expect(throws: Never.self, "seed \(seed), cut \(cut)") { try work.check() }
            // Some go on with the log as it is, some with an empty one.
            if cut % 3 == 0 { work.close() }
        }
        report(
            "primary store, seed \(seed): 20 losses of power, \(work.acknowledgedCount) calls acknowledged, all there")
    }

    @Test("whichever operation fails, the store keeps what it acknowledged, and so it does when opening it fails too")
    func failures() throws {
        let base = try Base()
        var (n, openings) = (0, 0)
        while true {
            n += Self.stride(n)
            let work = base.work()
            work.disk.failOperation(at: n, isLasting: n % 2 == 0)
            let isOpen = (try? work.open()) != nil
            for _ in 0..<Self.stepCount where isOpen { try? work.step() }
            if n % 3 == 0 { Self.end(work.disk, n) }
            work.close()
            guard work.disk.failureCount > 0 else { break }
            Self.end(work.disk, n)
            work.disk.restart()
            work.disk.failOperation(at: n % 97 + 1, isLasting: n % 4 < 2)
            if (try? work.open()) != nil { openings += 1 }
            work.close()
            work.disk.kill()
            work.disk.restart()
            #expect(throws: Never.self, "operation \(n)") {
                try work.open()
                try work.check()
                try work.step()
                try work.check()
            }
            work.close()
        }
        report("primary store, failures: operations up to \(n - 1) failed, \(openings) openings went well all the same")
        #expect(n > 200)
    }

    @Test("a full disk fails calls and nothing else: what was acknowledged is there, and room is all it needs")
    func full() throws {
        let base = try Base()
        var fullCount = 0
        for step in 0..<40 {
            let work = base.work()
            work.disk.capacity = work.disk.usedByteCount + step * 70_000
            var isFull = false
            do { try work.open() } catch { #expect(error == .diskFull, "step \(step)") }
            if work.store != nil {
                for _ in 0..<30 {
                    do { try work.step() } catch {
                        #expect(error == .diskFull, "step \(step)")
                        isFull = true
                        #expect(throws: Never.self, "step \(step)") { try work.check() }
                    }
                }
                fullCount += isFull ? 1 : 0
                work.disk.capacity = nil
                #expect(throws: Never.self, "step \(step)") {
                    for _ in 0..<3 { try work.step() }
                    try work.check()
                }
            }
            if step % 2 == 0 { work.disk.cutPower(seed: UInt64(step)) }
            work.close()
            work.disk.restart()
            work.disk.capacity = nil
            #expect(throws: Never.self, "step \(step)") {
                try work.open()
                try work.check()
            }
            work.close()
        }
        report("primary store, full disk: \(fullCount) of 40 sizes were too small")
        #expect((8...39).contains(fullCount))
    }

    @Test("after a sync that failed the store refuses to write until it is opened anew, and goes on reading")
    func refusal() throws {
        let work = try Base().work()
        try work.open()
        work.disk.failOperation(at: 1, kind: .sync)
        let first = #expect(throws: StoreError.self) { while true { try work.step() } }
        guard case .failed = first else { throw StoreWorkload.Difference(reason: "\(String(describing: first))") }
        let count = work.acknowledgedCount
        for _ in 0..<10 { try? work.step() }
        #expect(work.disk.failureCount == 1 && work.acknowledgedCount == count)
        try work.check()
        work.close()
        try work.open()
        try work.check()
        for _ in 0..<5 { try work.step() }
        try work.check()
        work.close()
    }

    @Test("what is acknowledged after a process ended on a failed sync survives a loss of power")
    func failedSync() throws {
        let base = try Base()
        for n in 1...12 {
            let work = base.work()
            work.disk.failOperation(at: n, kind: .sync)
            #expect(throws: (any Error).self) {
                try work.open()
                while true { try work.step() }
            }
            work.disk.kill()
            work.close()
            work.disk.restart()
            try work.open()
            try work.check()
            for _ in 0..<4 { try work.step() }
            work.disk.cutPower(seed: UInt64(n))
            work.close()
            work.disk.restart()
            #expect(throws: Never.self, "sync \(n)") {
                try work.open()
                try work.check()
            }
            work.close()
        }
    }
}

extension PrimaryStoreFaultTests {
    private static let stepCount = 20

    /// Each of the first operations fails, later every fifth one.
    private static func stride(_ n: Int) -> Int { n < 60 ? 1 : 5 }

    private static func end(_ disk: FaultDisk, _ n: Int) {
        if n / 2 % 2 == 0 { disk.kill() } else { disk.cutPower(seed: UInt64(n)) }
    }

    /// A store that has been set up once, for many runs of the same work.
    private struct Base {
        let snapshot: FaultDiskSnapshot
        let disk = FaultDisk()
        let prepared: StoreWorkload

        init() throws {
            prepared = StoreWorkload(disk, seed: 5)
            try prepared.setUp()
            snapshot = disk.snapshot()
        }

        func work() -> StoreWorkload {
            disk.restore(snapshot)
            disk.capacity = nil
            return StoreWorkload(continuing: prepared)
        }
    }
}
