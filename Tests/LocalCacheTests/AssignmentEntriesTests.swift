import SeededRandom
import Telemetry
import Testing

@testable import LocalCache

@Suite("The rows of a device's assignments in memory")
struct AssignmentEntriesTests {
    @Test("they hold what a dictionary holds, in the order of the calculators", arguments: 1...20)
    func reference(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var entries = AssignmentEntries()
        var reference: [CalculatorID: Int64] = [:]
        for step in 1...300 {
            let calculator = CalculatorID(1 + random.below(8))
            if random.below(10) < 4 {
                let written = random.below(2) == 0 ? Int64(step) : nil
                entries[calculator] = written.map { AssignmentEntry(written: $0) }
                reference[calculator] = written
            } else if random.below(4) == 0 {
                // Each other one goes, the rest count on.
                entries.changeEach { calculator, entry in
                    if calculator.rawValue % 2 == 0 { entry = nil } else { entry?.written? += 1 }
                }
                reference = reference.filter { $0.key.rawValue % 2 == 1 }.mapValues { $0 + 1 }
            } else {
                entries[calculator]?.written? += 1
                reference[calculator]? += 1
            }
            #expect(entries[calculator]?.written == reference[calculator], "seed \(seed), step \(step)")
            #expect(entries.calculators == reference.keys.sorted(), "seed \(seed), step \(step)")
            #expect(entries.written == reference, "seed \(seed), step \(step)")
            #expect(entries.isEmpty == reference.isEmpty && entries.values.count == reference.count, "seed \(seed)")
        }
    }
}
