import Calculators
import Evaluation
import FoundationEssentials
import ReferenceEvaluator
import SeededRandom
import Telemetry
import Testing

/// A state that carries all lists is all that an evaluation needs to go on, whatever the calculator lists.
struct ListStateTests {
    static let caseCount = ProcessInfo.processInfo.environment["ODOGRAPH_CASES"].flatMap(UInt64.init) ?? 300
    static let firstSeed = ProcessInfo.processInfo.environment["ODOGRAPH_SEED"].flatMap(UInt64.init) ?? 1

    @Test("an evaluation cut at any message and gone on with from a state with lists gives what one in one go gives")
    func cutWithLists() throws {
        var listCount = 0
        for seed in Self.firstSeed..<(Self.firstSeed + Self.caseCount) {
            let given = Generator.wholeCase(seed: seed)
            var sources: [CalculatorID: [Interval]] = [:]
            for definition in given.calculators {
                let subject = try Subject(given, definition, sources: sources)
                let whole = try subject.intervals(cuts: [])
                sources[CalculatorID(Int64(definition.id))] = whole
                if subject.calculator.listsMessages { listCount += 1 }
                let cuts = Self.cuts(subject.block.count, seed: seed)
                let cut = try subject.intervals(savedWithListsAt: cuts)
                guard cut == whole else {
                    Issue.record("seed \(seed), cut at \(cuts): \(definition.json)")
                    return
                }
            }
        }
        #expect(Self.caseCount < 100 || listCount > 20, "lists are met")
    }

    /// A few rows, first and last among them now and then.
    private static func cuts(_ count: Int, seed: UInt64) -> [Int] {
        var random = SeededGenerator(seed: seed &+ 5)
        guard count > 0 else { return [] }
        return Set((0..<6).map { _ in Int.random(in: 0...count, using: &random) }).sorted()
    }
}

extension Subject {
    /// Evaluates with the messages cut before the given rows; the state goes through bytes with all lists at each cut.
    fileprivate func intervals(savedWithListsAt cuts: [Int]) throws -> [Interval] {
        var evaluator = Evaluator(calculator, environment: environment)
        evaluator.sources = sources
        var intervals: [Interval] = []
        var start = 0
        for end in cuts + [block.count] {
            if end > start {
                let settled = evaluator.consume(block.rows(start..<end))
                let isComplete = settled.allSatisfy { $0.isComplete }
                #expect(isComplete)
                intervals += settled.map(\.interval)
            }
            start = max(start, end)
            let bytes = evaluator.state.encoded(withLists: true)
            let state = try EvaluationState(calculator, decoding: bytes)
            #expect(!state.isIncomplete && state.encoded(withLists: true) == bytes)
            #expect(state.encoded() == evaluator.state.encoded(), "lists or not, states compare alike")
            evaluator = Evaluator(calculator, environment: environment, from: state)
            evaluator.sources = sources
        }
        return intervals + evaluator.pendingIntervals(now: now).map(\.interval)
    }
}
