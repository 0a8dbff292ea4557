import Calculators
import Evaluation
import Expressions
import SeededRandom
import Telemetry
import TestSupport
import Testing

/// Every folder of Tests/Scenarios, evaluated in every way that must not make a difference.
@Suite struct ScenarioTests {
    static let each = (try? Scenario.each(in: Folders.scenarios, calculators: Folders.calculators)) ?? []

    /// What the tests run over, the configurations too; a folder that is wrong is missing, which its own test tells.
    static let all = each.compactMap { try? $0.scenario.get() } + ConfigurationTests.all

    @Test("every scenario folder can be read", arguments: each.map(\.name))
    func readable(_ name: String) throws {
        _ = try #require(Self.each.first { $0.name == name }).scenario.get()
    }

    @Test("there are scenarios")
    func some() { #expect(Self.each.count > 50) }

    @Test("all messages in one go give the expected intervals", arguments: all)
    func inOneGo(_ scenario: Scenario) throws {
        let found = try ScenarioEvaluation(scenario, scenario.end()).json()
        expect(found, scenario.expected, "\(scenario)")
    }

    @Test("steps with late and duplicate messages end in the expected intervals", arguments: all)
    func inSteps(_ scenario: Scenario) throws {
        var progress = Scenario.Progress()
        var found: [JSONValue] = []
        for step in scenario.steps {
            try scenario.take(step, &progress)
            found = try ScenarioEvaluation(scenario, progress).json()
            if case .expect(let intervals, let file) = step { expect(found, intervals, "\(scenario)/\(file)") }
        }
        expect(found, scenario.expected, "\(scenario)")
    }

    @Test("one message after another gives the same as all in one go", arguments: all)
    func oneByOne(_ scenario: Scenario) throws {
        let progress = try scenario.end()
        let whole = try ScenarioEvaluation(scenario, progress)
        let single = try ScenarioEvaluation(scenario, progress, cuts: Array(0..<progress.messages.count))
        #expect(single.intervals == whole.intervals)
        let isSameState = single.state == whole.state
        #expect(isSameState)
    }

    @Test("random cuts into blocks, the state saved and restored at each, change nothing", arguments: all)
    func randomCuts(_ scenario: Scenario) throws {
        let progress = try scenario.end()
        let whole = try ScenarioEvaluation(scenario, progress)
        for seed in 1...40 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed &* 1_000_003 &+ hash64(scenario.name.utf8))
            let cuts = (0..<progress.messages.count).filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
            let plain = try ScenarioEvaluation(scenario, progress, cuts: cuts)
            #expect(plain.intervals == whole.intervals, "seed \(seed), cuts \(cuts)")
            let restored = try ScenarioEvaluation(scenario, progress, cuts: cuts, restoring: true)
            let difference = difference(restored, whole, scenario)
            #expect(difference == nil, "seed \(seed), cuts \(cuts)")
        }
    }

    @Test("messages that arrive in any order and in any batches end in the same intervals", arguments: all)
    func anyOrder(_ scenario: Scenario) throws {
        let posts = scenario.steps.flatMap { step -> [(Int, Timestamp?)] in
            guard case .post(let range, let accepted) = step else { return [] }
            return range.map { ($0, accepted) }
        }
        let now = try scenario.end().clock
        for seed in 1...5 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed &+ hash64(scenario.name.utf8))
            var progress = Scenario.Progress()
            for (line, accepted) in posts.shuffled(using: &random) {
                try scenario.take(.post(line..<line + 1, accepted: accepted), &progress)
            }
            progress.now = now
            expect(try ScenarioEvaluation(scenario, progress).json(), scenario.expected, "\(scenario), seed \(seed)")
        }
    }

    /// Where an evaluation that was restored differs from one in one go beyond the lists that a state does not hold.
    private func difference(
        _ restored: ScenarioEvaluation, _ whole: ScenarioEvaluation, _ scenario: Scenario
    ) -> String? {
        guard restored.intervals.count == whole.intervals.count else { return "the number of intervals" }
        for (index, (resumed, full)) in zip(restored.intervals, whole.intervals).enumerated() {
            let expected = resumed.isComplete ? full : full.withoutLists(scenario)
            let found = resumed.isComplete ? resumed : resumed.withoutLists(scenario)
            if found != expected { return "interval \(index): \(found)" }
        }
        // A list of distinct values that was not saved cannot tell which values are new, so its hash goes another way.
        let hasDistinct = scenario.calculator.counters.contains { counter in
            if case .values(_, .distinct) = counter.kind { true } else { false }
        }
        return !hasDistinct && restored.state != whole.state ? "the state" : nil
    }

    private func expect(_ found: [JSONValue], _ expected: [JSONValue], _ place: String) {
        #expect(found.count == expected.count, "\(place): \(found.count) intervals: \(found.map(\.text))")
        for (index, (found, expected)) in zip(found, expected).enumerated() {
            #expect(found.text == expected.text, "\(place): interval \(index)")
        }
    }
}

extension EvaluatedInterval {
    /// The interval without the counters that list messages, which a restored state does not hold, and without those
    /// that are computed from them.
    fileprivate func withoutLists(_ scenario: Scenario) -> EvaluatedInterval {
        var lists: Set<String> = []
        for counter in scenario.calculator.counters {
            var isDerived = false
            if case .interval(let program) = counter.kind { isDerived = !lists.isDisjoint(with: program.names) }
            if counter.listsMessages || isDerived { lists.insert(counter.name) }
        }
        var copy = self
        copy.isComplete = false
        copy.interval.counters.removeAll { lists.contains($0.name) }
        return copy
    }
}
