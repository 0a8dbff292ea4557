import FoundationEssentials
import ReferenceEvaluator
import Telemetry
import Testing

/// Whatever expires and whatever happens meanwhile: what is not frozen is what an evaluation from the horizon gives,
/// what is frozen stays, and what has not expired can be read.
struct ExpiryTests {
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 60
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    @Test("what expires takes nothing with it: random nests, limits, batches, crashes and edits")
    func expiry() throws {
        var (moved, frozen, continued) = (0, 0, 0)
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            let given = Generator.wholeCase(seed: seed)
            guard !given.messages.isEmpty else { continue }
            var run = try ExpiryRun(given)
            if let difference = try run.difference() {
                let definitions = given.calculators.map { "\($0.id): \($0.json)" }.joined(separator: "\n")
                Issue.record("seed \(seed): \(difference)\n\(definitions)")
                return
            }
            moved += run.movedCount
            frozen += run.frozenCount
            continued += run.continuedCount
        }
        #expect(Self.caseCount < 60 || (moved > 50 && frozen > 50 && continued > 3), "something has expired")
    }

    #if DEBUG
        @Test(
            "a bug in what expiry rests on is found",
            arguments: [
                SeededBug.expiryNotAligned, .expiryByWallClock, .rangeNotWidened, .savedStateOneLate,
            ])
        func seededBug(_ bug: SeededBug) throws {
            for seed in Self.firstSeed..<(Self.firstSeed + 200) {
                let given = Generator.wholeCase(seed: seed)
                guard !given.messages.isEmpty else { continue }
                let difference = try SeededBug.$active.withValue(bug) {
                    var run = try ExpiryRun(given)
                    return try run.difference()
                }
                guard difference == nil else { return }
            }
            Issue.record("\(bug) is not found by 200 seeds")
        }
    #endif
}
