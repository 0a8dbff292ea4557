import Foundation
import ReferenceEvaluator
import SeededRandom
import Telemetry
import Testing

@testable import Evaluation

/// The engine against the reference evaluator of this folder's neighbour, which was written from the rules alone.
struct AgreementTests {
    /// Cases a run; `ODOGRAPH_CASES` asks for more.
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 2_000
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    @Test("every random calculator gives the intervals of the reference, however the messages are cut into blocks")
    func agreement() throws {
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            let given = Generator.generatedCase(seed: seed, hasGeofences: false)
            guard Self.isSupported(given), let difference = Self.difference(given) else { continue }
            let small = given.shrunk { Self.difference($0) != nil }
            Issue.record("seed \(seed): \(difference)\nsmallest: \(Self.difference(small) ?? "")\n\(small.report)")
            return
        }
    }

    @Test("the state after a stream does not depend on how it was cut into blocks")
    func statesAgree() throws {
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount / 4) {
            let given = Generator.generatedCase(seed: seed, hasGeofences: false)
            guard Self.isSupported(given), let subject = try? Subject(given), subject.block.count > 0 else { continue }
            var random = SeededGenerator(seed: seed)
            let whole = subject.finalState(cuts: [])
            for _ in 0..<3 {
                let cuts = Self.cuts(subject.block.count, &random)
                // Compared outside the macro: it would print the bytes.
                let isAlike = subject.finalState(cuts: cuts) == whole
                #expect(isAlike, "seed \(seed), cuts \(cuts)")
            }
        }
    }

    /// Whether the case uses only what this version calculates.
    static func isSupported(_ given: GeneratedCase) -> Bool {
        ["\"inactive\"", "\"geofence\"", "geofence"].allSatisfy { !given.calculatorJSON.contains($0) }
    }

    static func difference(_ given: GeneratedCase) -> String? {
        do {
            guard let zone = TimeZone(identifier: given.timeZoneIdentifier) else { return "no zone" }
            let reference = try Reference(
                calculatorJSON: given.calculatorJSON, timeZone: zone, constants: given.constants,
                metadataJSON: given.metadataJSON, geofencesJSON: given.geofencesJSON)
            let expected = reference.evaluate(given.messages, nowMicroseconds: given.nowMicroseconds)
            let subject = try Subject(given)
            var random = SeededGenerator(seed: given.seed)
            for cuts in [[], cuts(subject.block.count, &random), cuts(subject.block.count, &random)] {
                let actual = try subject.evaluate(cuts: cuts)
                if let difference = RefInterval.disagreement(expected: expected, actual: actual) {
                    return "cuts \(cuts): \(difference)"
                }
            }
            return nil
        } catch { return "\(error)" }
    }

    static func cuts(_ count: Int, _ random: inout SeededGenerator) -> [Int] {
        guard count > 1 else { return [] }
        let pieces = Int.random(in: 1...min(count, 12), using: &random)
        return Set((0..<pieces).map { _ in Int.random(in: 1..<count, using: &random) }).sorted()
    }
}
