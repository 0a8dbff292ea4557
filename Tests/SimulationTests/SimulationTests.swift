import FoundationEssentials
import Testing

/// The invariants of recalculation hold, whatever happens in whatever order.
struct SimulationTests {
    private static let environment = ProcessInfo.processInfo.environment
    static let caseCount = environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 240
    static let firstSeed = environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    /// Seeds that have found something, beyond those of the usual run.
    private static let foundSeeds: [UInt64] = [356, 548, 579, 889, 893, 2149, 8202, 9305]

    private static var seeds: [UInt64] {
        let asked = Array(firstSeed..<(firstSeed + caseCount))
        return environment["ODOGRAPH_CASES"] == nil && environment["ODOGRAPH_SEED"] == nil ? asked + foundSeeds : asked
    }

    @Test("after any faults everything comes to rest, and all invariants hold")
    func invariantsHold() throws {
        var faults = FaultCount()
        var messageCount = 0
        var failed = 0
        let start = ContinuousClock.now
        for seed in Self.seeds {
            let isOnly = Self.caseCount == 1
            let simulation = try Simulation(seed: seed, isPrinting: isOnly)
            simulation.trace.isPrintingAll = Self.environment["ODOGRAPH_TRACES"] == "all"
            if let failure = try simulation.run() {
                let last = isOnly ? "" : simulation.trace.last(40).joined(separator: "\n")
                Issue.record("seed \(seed): \(failure)\n\(last)")
                failed += 1
                if failed > 5 { break }
            }
            faults.add(simulation.faults)
            messageCount += simulation.journal.acknowledgedCount
            if Self.environment["ODOGRAPH_TRACES"] != nil {
                print("trace of \(seed): \(String(simulation.trace.hash, radix: 16)) \(simulation.trace.eventCount)")
            }
            if isOnly { print("trace \(String(simulation.trace.hash, radix: 16))") }
        }
        let words = "\(Self.seeds.count) seeds, \(messageCount) messages acknowledged"
        print("\(words), in \(ContinuousClock.now - start): \(faults.text)")
    }
}
