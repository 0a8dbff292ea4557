import Foundation
import ReferenceBridge
import ReferenceEvaluator
import SeededRandom
import Telemetry
import Testing

@testable import Evaluation

/// The engine against the reference evaluator over the whole language: every selector, counter, option and function,
/// nested calculators and geofences included.
struct WholeLanguageTests {
    /// Cases a run; `ODOGRAPH_CASES` asks for more.
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 500
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    @Test("every calculator of a random nest gives the intervals of the reference, however the messages are cut")
    func agreement() throws {
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            let given = Generator.wholeCase(seed: seed)
            guard let difference = Self.difference(given) else { continue }
            let small = given.shrunk { Self.difference($0) != nil }
            Issue.record("seed \(seed): \(difference)\nsmallest: \(Self.difference(small) ?? "")\n\(small.report)")
            return
        }
    }

    @Test("the state after a stream does not depend on how it was cut into blocks, for the whole language")
    func statesAgree() throws {
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount / 4) {
            let given = Generator.wholeCase(seed: seed)
            guard let all = try? Subject.intervals(given), let last = given.calculators.last else { continue }
            let sources = Dictionary(uniqueKeysWithValues: all.map { (CalculatorID(Int64($0.key)), $0.value) })
            let subject = try Subject(given, last, sources: sources)
            var random = SeededGenerator(seed: seed)
            let whole = subject.finalState(cuts: [])
            for _ in 0..<3 {
                let cuts = AgreementTests.cuts(subject.block.count, &random)
                // Compared outside the macro: it would print the bytes.
                let isAlike = subject.finalState(cuts: cuts) == whole
                #expect(isAlike, "seed \(seed), cuts \(cuts)")
            }
        }
    }

    /// Short legs on the ellipsoid are measured by its curvature, up to 0.01 mm off; all else agrees to nine digits.
    private static func tolerance(_ given: GeneratedCase) -> Double {
        given.calculators.contains { $0.json.contains("geodesic") } ? 1e-6 : 1e-9
    }

    static func difference(_ given: GeneratedCase) -> String? {
        do {
            let expected = try given.expected()
            var random = SeededGenerator(seed: given.seed)
            for round in 0..<3 {
                let actual = try Subject.intervals(given) { rows in
                    round == 0 ? [] : AgreementTests.cuts(rows, &random)
                }
                for calculator in given.calculators {
                    let difference = RefInterval.disagreement(
                        expected: expected[calculator.id] ?? [],
                        actual: (actual[calculator.id] ?? []).map(RefInterval.init), tolerance: tolerance(given))
                    if let difference { return "calculator \(calculator.id), round \(round): \(difference)" }
                }
            }
            return nil
        } catch { return "\(error)" }
    }
}
