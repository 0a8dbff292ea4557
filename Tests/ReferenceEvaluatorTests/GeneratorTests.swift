import Foundation
import ReferenceEvaluator
import Testing

@Suite("Random cases")
struct GeneratorTests {
    private func intervals(_ item: GeneratedCase) throws -> [RefInterval] {
        let zone = try #require(TimeZone(identifier: item.timeZoneIdentifier))
        let reference = try Reference(
            calculatorJSON: item.calculatorJSON, timeZone: zone, constants: item.constants,
            metadataJSON: item.metadataJSON)
        return reference.evaluate(item.messages, nowMicroseconds: item.nowMicroseconds)
    }

    @Test("a seed gives one case, and the case one result")
    func repeatable() throws {
        let (first, second) = (Generator.generatedCase(seed: 7), Generator.generatedCase(seed: 7))
        #expect(first.calculatorJSON == second.calculatorJSON && first.messages == second.messages)
        #expect(RefInterval.disagreement(expected: try intervals(first), actual: try intervals(second)) == nil)
    }

    @Test("messages are in order, intervals too, and most cases with messages give several")
    func shape() throws {
        var (large, several) = (0, 0)
        for seed in UInt64(1)...200 {
            let item = Generator.generatedCase(seed: seed)
            let times = item.messages.map(\.timestampMicroseconds)
            #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
            let intervals = try intervals(item)
            let begins = intervals.map(\.firstOnMicroseconds)
            #expect(zip(begins, begins.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
            #expect(intervals.dropLast().allSatisfy { !$0.isActive }, "seed \(seed)")
            if item.messages.count >= 50 {
                large += 1
                several += intervals.count > 1 ? 1 : 0
            }
        }
        #expect(several * 3 > large * 2, "\(several) of \(large)")
    }
}

@Suite("Shrinking and comparing cases")
struct ShrinkingTests {
    @Test("a case shrinks to the messages and counters that matter")
    func shrinking() {
        let large = Generator.generatedCase(seed: 16)
        let wanted = Set(large.messages.prefix(40).suffix(2).map(\.timestampMicroseconds))
        let small = large.shrunk { item in
            wanted.isSubset(of: item.messages.map(\.timestampMicroseconds))
                && item.calculatorJSON.contains("near.mileage")
        }
        #expect(small.messages.count == wanted.count)
        #expect(small.calculatorJSON.components(separatedBy: "\"type\":\"interval\"").count == 1)
        #expect(small.report.contains("near.mileage"))
    }

    @Test("numbers of counters named near. agree within the tolerance, all else exactly")
    func comparing() {
        func interval(_ name: String, _ number: Double) -> [RefInterval] {
            [
                RefInterval(
                    beginMicroseconds: 0, endMicroseconds: 1, firstOnMicroseconds: 0, isActive: false,
                    counters: [(name, .number(number))])
            ]
        }
        let (exact, off) = (3.0, 3.000_000_001)
        #expect(RefInterval.disagreement(expected: interval("near.x", exact), actual: interval("near.x", off)) == nil)
        #expect(RefInterval.disagreement(expected: interval("x", exact), actual: interval("x", off)) != nil)
        #expect(RefInterval.disagreement(expected: interval("x", exact), actual: []) != nil)
        #expect(RefInterval.disagreement(expected: interval("x", exact), actual: interval("x", exact)) == nil)
    }
}
