#if DEBUG
    import FoundationEssentials
    import Telemetry
    import Testing

    /// The simulation finds bugs: each of those that can be switched on breaks an invariant within some seeds.
    @Suite(.serialized)
    struct MutationTests {
        private static let environment = ProcessInfo.processInfo.environment
        static let caseCount = environment["ODOGRAPH_MUTATION_CASES"].flatMap(UInt64.init) ?? 200
        static let firstSeed = environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1
        static let bugs = environment["ODOGRAPH_MUTATION"].flatMap(SeededBug.init).map { [$0] } ?? SeededBug.allCases

        @Test("each seeded bug breaks an invariant", arguments: bugs)
        func isFound(_ bug: SeededBug) throws {
            let start = ContinuousClock.now
            for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
                let failure = SeededBug.$active.withValue(bug) { Self.failure(seed) }
                guard let failure else { continue }
                let count = seed - Self.firstSeed + 1
                print("\(bug) is found after \(count) seeds in \(ContinuousClock.now - start): \(failure.prefix(200))")
                return
            }
            Issue.record("\(bug) is not found within \(Self.caseCount) seeds")
        }

        private static func failure(_ seed: UInt64) -> String? {
            do {
                return try Simulation(seed: seed).run()
            } catch { return "it ends with an error: \(error)" }
        }
    }
#endif
