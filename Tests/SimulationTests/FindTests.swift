import ReferenceEvaluator
import Testing
@Test func findCases() {
    var found: [UInt64] = []
    let start = ContinuousClock.now
    for seed in UInt64(1)...1500 {
        let given = Generator.wholeCase(seed: seed)
        if (12...110).contains(given.rawMessages.count) { found.append(seed) }
    }
    print("CASES", found.map(String.init).joined(separator: ", "), ContinuousClock.now - start)
}
