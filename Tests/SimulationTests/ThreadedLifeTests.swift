import FoundationEssentials
import Testing

/// The calc process as it is shipped, with its threads, holds the same invariants.
struct ThreadedLifeTests {
    private static let environment = ProcessInfo.processInfo.environment
    static let caseCount = environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 8
    static let firstSeed = environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    @Test("with threads, real waits and a failing disk everything comes to rest too, and all invariants hold")
    func threadsHold() async throws {
        var faults = FaultCount()
        let start = ContinuousClock.now
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            if Self.environment["ODOGRAPH_TRACES"] != nil { print("seed \(seed)", ContinuousClock.now - start) }
            let life = try ThreadedLife(seed: seed)
            if let failure = try await life.run() { Issue.record("seed \(seed): \(failure)") }
            faults.add(life.faults)
        }
        print("\(Self.caseCount) seeds with threads, in \(ContinuousClock.now - start): \(faults.text)")
    }
}
