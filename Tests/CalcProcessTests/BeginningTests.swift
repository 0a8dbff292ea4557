import PrimaryStore
import StoreSupport
import Telemetry
import Testing

@testable import CalcProcess

/// What a worker that begins anew, or cannot, tells and answers.
struct BeginningTests {
    @Test("what ended while a worker was away is told of no more")
    func endedMeanwhile() throws {
        let house = try NodeHouse()
        let node = house.start("a")
        try house.settle([node])
        let board = house.board(of: node)
        house.hooks.before = { _, call throws(StoreError) in if call == .readLog { throw .database("no room") } }
        try house.send(0..<20)
        try house.settle([node])
        // What the worker had said before, of what is in no registry and no cache any more.
        let gone = AssignmentKey(calculator: CalculatorID(7), device: house.device)
        board.noteReplays([(gone, .running)], at: house.now)
        board.set([(gone, AssignmentStatus(pendingSince: house.now))])
        #expect(board.metrics.replaysPending == 1 && board.metrics.pendingJobs == 1)
        house.hooks.before = nil
        house.now = house.now.advanced(bySeconds: Worker.retrySeconds)
        try house.settle([node])
        #expect(board.metrics.replaysPending == 0 && board.metrics.pendingJobs == 0)
        let told = board.replayProgress(at: house.now).first { $0.calculator == gone.calculator }
        #expect(told?.ended != nil && told?.running == 0)
        #expect(try house.intervalCount() == 2)
    }

    @Test("while a worker cannot begin nobody waits for an answer, and what was asked for is done later")
    func cannotBegin() throws {
        let house = try NodeHouse()
        let node = house.start("a")
        house.hooks.before = { _, call throws(StoreError) in if call == .registry { throw .database("no room") } }
        try house.settle([node])
        let key = AssignmentKey(calculator: CalculatorID(1), device: house.device)
        let seat = Int(Slot(device: house.device).rawValue) % node.seats.count
        #expect(node.seats[seat].worker == nil)
        let answer = Answer()
        let decision = JobDecision(key: key, id: 1, isReleased: true) { answer.result = $0 }
        #expect(try !node.round(of: seat, [.decideJob(decision), .recalculate(key, .all)]))
        #expect(throws: StoreError.self) { try answer.result?.get() }
        #expect(answer.result != nil)
        house.hooks.before = nil
        try house.send(0..<20)
        house.now = house.now.advanced(bySeconds: Worker.retrySeconds)
        try house.settle([node])
        #expect(try house.intervalCount() == 2)
        #expect(try house.store.jobs(key, countMax: 100).contains { $0.cause == "request" || $0.cause == "assignment" })
    }
}
