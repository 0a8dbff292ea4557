#if DEBUG
    import FoundationEssentials
    import Telemetry
    import Testing

    /// The simulation finds bugs: each of those that can be switched on breaks an invariant within some seeds.
    @Suite(.serialized)
    struct MutationTests {
        private static let environment = ProcessInfo.processInfo.environment
        static let caseCount = environment["ODOGRAPH_MUTATION_CASES"].flatMap(UInt64.init) ?? 400
        static let firstSeed = environment["ODOGRAPH_SEED"].flatMap(UInt64.init)
        static let bugs = environment["ODOGRAPH_MUTATION"].flatMap(SeededBug.init).map { [$0] } ?? SeededBug.allCases

        /// A seed that found it when this was written, so that the usual run is short; where it does not any more,
        /// those that follow do.
        private static let knownSeeds: [SeededBug: UInt64] = [
            .rangeNotWidened: 5, .positionBeforeEffects: 2, .staleCacheAfterTakeOver: 70,
            .invalidationClearedThoughNewDataCame: 78, .expiryByWallClock: 120, .noFence: 4, .expiryNotAligned: 8,
            .oldEpochClearsNewState: 244, .mergeByArrival: 3, .lostCascade: 9, .savedStateOneLate: 5,
            .feedBeforeDurable: 2, .settlingClearsNewerGeneration: 379,
        ]

        @Test("each seeded bug breaks an invariant", arguments: bugs)
        func isFound(_ bug: SeededBug) throws {
            let start = ContinuousClock.now
            let first = Self.firstSeed ?? Self.knownSeeds[bug] ?? 1
            for seed in first..<(first + Self.caseCount) {
                let failure = SeededBug.$active.withValue(bug) { Self.failure(seed) }
                guard let failure else { continue }
                let count = seed - first + 1
                print("\(bug) is found by seed \(seed), \(count) tried, in \(ContinuousClock.now - start):")
                print(failure.prefix(200))
                return
            }
            Issue.record("\(bug) is not found within \(Self.caseCount) seeds")
        }

        private static func failure(_ seed: UInt64) -> String? {
            // Told before, in case it ends the process.
            if environment["ODOGRAPH_TRACES"] != nil { print("seed \(seed)") }
            do {
                return try Simulation(seed: seed).run()
            } catch { return "it ends with an error: \(error)" }
        }
    }
#endif
