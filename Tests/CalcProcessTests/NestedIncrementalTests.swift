import FoundationEssentials
import ReferenceEvaluator
import Testing

/// Nested calculators and geofences: intervals are what one full evaluation gives, whatever happened on the way.
struct NestedIncrementalTests {
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 40
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1
    /// Lives of each case, with other batches and disturbances.
    static let livesCount = ProcessInfo.processInfo.environment["ODOGRAPH_LIVES"].flatMap(UInt64.init) ?? 1

    @Test("incremental equals full recalculation for random nests, and any range calculated again changes no byte")
    func incrementalEqualsFull() throws {
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            let given = Generator.wholeCase(seed: seed)
            guard !given.messages.isEmpty else { continue }
            for life in 0..<Self.livesCount {
                var run = try NestRun(given, salt: life)
                guard let difference = try run.difference() else { continue }
                let definitions = given.calculators.map { "\($0.id): \($0.json)" }.joined(separator: "\n")
                Issue.record("seed \(seed), life \(life): \(difference)\n\(definitions)")
                return
            }
        }
    }
}
