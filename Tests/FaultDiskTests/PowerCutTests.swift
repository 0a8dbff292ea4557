import FaultDisk
import SeededRandom
import Testing

@Suite("SQLite through losses of power")
struct PowerCutTests {
    private static let seeds: ClosedRange<UInt64> = 1...300
    private static let transactionCount = 25

    /// What came of many losses of power.
    private struct Outcome {
        var cutCount = 0
        var acknowledged: Int64 = 0
        var lost: Int64 = 0
        var lossCount = 0
        var damaged: [String] = []
    }

    /// Cuts the power at a random operation of the work, at one of the recovery, and once more after some more work.
    private static func run(synchronous: String) throws -> Outcome {
        let length = operationCount(synchronous: synchronous)
        var outcome = Outcome()
        for seed in seeds {
            var random = SeededGenerator(seed: seed)
            let disk = FaultDisk(sectorSize: seed % 2 == 0 ? .small : .large)
            disk.die(atOperation: Int.random(in: 1...length, using: &random))
            var last = Ledger.run(disk, synchronous: synchronous, count: transactionCount)
            for round in 0..<3 {
                disk.cutPower(seed: random.next())
                disk.restart()
                if round == 1 {
                    disk.die(atOperation: Int.random(in: 1...60, using: &random))
                    if (try? Ledger.last(disk, synchronous: synchronous)) == nil {
                        disk.cutPower(seed: random.next())
                        disk.restart()
                    }
                    disk.clearFaults()
                }
                note(disk, synchronous, seed, &last, &outcome)
                last = Ledger.run(
                    disk, synchronous: synchronous, count: Int.random(in: 1...9, using: &random), from: last)
            }
        }
        return outcome
    }

    private static func note(
        _ disk: FaultDisk, _ synchronous: String, _ seed: UInt64, _ last: inout Int64, _ outcome: inout Outcome
    ) {
        outcome.cutCount += 1
        outcome.acknowledged += last
        do {
            let found = try Ledger.last(disk, synchronous: synchronous)
            if found < last { outcome.lossCount += 1 }
            outcome.lost += max(0, last - found)
            last = found
        } catch { outcome.damaged.append("seed \(seed): \(error)") }
    }

    private static func operationCount(synchronous: String) -> Int {
        let disk = FaultDisk()
        _ = Ledger.run(disk, synchronous: synchronous, count: transactionCount)
        return disk.operationCount
    }

    private static func describe(_ synchronous: String, _ outcome: Outcome) {
        report(
            "synchronous=\(synchronous): \(outcome.cutCount) losses of power, \(outcome.acknowledged) transactions "
                + "acknowledged, \(outcome.lost) lost in \(outcome.lossCount) of them, \(outcome.damaged.count) damaged"
        )
    }

    @Test("with FULL every acknowledged transaction is there, whole")
    func full() throws {
        let outcome = try Self.run(synchronous: "FULL")
        Self.describe("FULL", outcome)
        #expect(outcome.lost == 0)
        #expect(outcome.damaged == [])
    }

    @Test("with NORMAL a beginning of the transactions is there, whole; the last ones may be lost")
    func normal() throws {
        let outcome = try Self.run(synchronous: "NORMAL")
        Self.describe("NORMAL", outcome)
        #expect(outcome.damaged == [])
        #expect(outcome.lossCount > 10)
    }

    @Test("with OFF the disk is mean enough to lose transactions and to spoil the file")
    func off() throws {
        let outcome = try Self.run(synchronous: "OFF")
        Self.describe("OFF", outcome)
        #expect(outcome.lossCount + outcome.damaged.count > outcome.cutCount / 5)
        #expect(outcome.damaged.count > 10)
    }
}
