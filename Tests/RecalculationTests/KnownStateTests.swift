import Calculators
import Evaluation
import Expressions
import LocalCache
import SeededRandom
import Telemetry
import Testing

@testable import Recalculation

@Suite("The state that a job leaves to the next")
struct KnownStateTests {
    @Test(
        "jobs that go on from the state in memory find and save what jobs find that decode it",
        arguments: 1...10 as ClosedRange<UInt64>)
    func likeDecoded(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let rigs = [try JobRig(stateSpacing: 40), try JobRig(stateSpacing: 40)]
        rigs[1].remembersState = false
        var messages = JobRig.messages(400)
        for message in messages.indices { messages[message].isOn = Int.random(in: 0..<9, using: &random) > 1 }
        // Most go on, some are late.
        for place in stride(from: 0, to: messages.count - 9, by: 9) where Int.random(in: 0..<4, using: &random) == 0 {
            messages.swapAt(place, place + 8)
        }
        var rest = messages[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(Int.random(in: 1...6, using: &random)))
            rest = rest.dropFirst(part.count)
            for rig in rigs { try rig.run([try rig.append(part)]) }
            #expect(try rigs[0].states().map(\.bytes) == rigs[1].states().map(\.bytes), "seed \(seed)")
        }
        #expect(try rigs[0].intervals() == rigs[1].intervals(), "seed \(seed)")
        #expect(rigs[0].known != nil)
    }

    @Test("a known state stands for its own bytes and plan alone, and not where lists of messages belong to it")
    func only() throws {
        let calculator = try Calculator(JSONValue(parsing: JobRig.trips))
        let plan = EvaluationPlan(calculator, ExpressionEnvironment())
        let state = EvaluationState(calculator)
        let bytes = state.encoded()
        let known = try #require(KnownState(state, bytes: bytes, plan))
        #expect(known.state(of: bytes, plan)?.encoded() == bytes)
        #expect(known.state(of: bytes + [0], plan) == nil)
        #expect(known.state(of: bytes, EvaluationPlan(calculator, ExpressionEnvironment())) == nil)
        let lists = try Calculator(JSONValue(parsing: JobRig.lists))
        #expect(KnownState(EvaluationState(lists), bytes: [], EvaluationPlan(lists, ExpressionEnvironment())) == nil)
        #expect(KnownState(state, bytes: [UInt8](repeating: 0, count: 1 << 20), plan) == nil)
    }
}
