import PrimaryStore
import ReferenceBridge
import ReferenceEvaluator
import SeededRandom
import StoreSupport
import Synchronization
import Telemetry
import Testing

@testable import CalcProcess

/// A commit passes by the workers that it does not concern, and none of them misses anything.
struct LogBoardTests {
    @Test("nothing of a worker's own passes it by, and nobody is behind for whom nothing waits", arguments: 1...200)
    func passing(seed: Int) {
        var run = LogBoardRun(seed: UInt64(seed))
        for step in 0..<120 {
            run.step()
            let failure = run.failure
            #expect(failure == nil, "seed \(seed), step \(step)")
            if failure != nil { return }
        }
    }

    @Test("a commit that was never told, or too late, lets nobody pass by what was in it")
    func lostNotice() {
        let board = LogBoard()
        board.begin(at: 0, 0)
        _ = board.watch([Slot(rawValue: 1)], 0)
        #expect(!board.take(.appended([2], 1, after: 1), 0))
        #expect(board.position(of: 0) == 0)
        #expect(board.take(.appended([1], 1, after: 0), 0))
        board.reach(2, 0)
        #expect(!board.take(.appended([2], 1, after: 2), 0))
        #expect(board.position(of: 0) == 3)
    }

    @Test("who has just begun, or has lost slots, is told of everything until it says what it watches")
    func unknownSlots() {
        let board = LogBoard()
        #expect(board.take(.appended([2], 1, after: 0), 0))
        board.begin(at: 1, 0)
        #expect(board.take(.appended([2], 1, after: 1), 0))
        #expect(board.position(of: 0) == 1)
        #expect(board.watch([Slot(rawValue: 1)], 0) == 1)
        board.reach(2, 0)
        #expect(!board.take(.appended([2], 1, after: 2), 0))
        board.forgetSlots(of: 0)
        #expect(board.take(.appended([2], 1, after: 3), 0))
        #expect(board.leastKnownPosition == 3)
        board.leave(0)
        #expect(board.leastPosition(among: 1) == .max)
    }

    @Test("a worker reads nothing of the log while what comes is the other's, and is not behind")
    func unread() throws {
        let rig = try WorkerRig(now: Timestamp(seconds: 1_700_100_000), workerCount: 2, sealSeconds: 60)
        let devices = try (0..<8).map { try rig.store.createDevice(ident: "i\($0)", name: "van", json: "{}").id }
        let first = try #require(devices.first { Self.worker(of: $0) == 0 })
        let second = try #require(devices.first { Self.worker(of: $0) == 1 })
        _ = try rig.store.createCalculator(name: "c", json: ReplayFleet.calculator)
        let keys = [first, second].map { AssignmentKey(calculator: CalculatorID(1), device: $0) }
        _ = try rig.store.assign(keys, isEnabled: true, isAutoCreated: false)
        try rig.settle()
        let reads = Mutex([0, 0])
        rig.hooks.before = { worker, call throws(StoreError) in
            if call == .readLog { reads.withLock { $0[worker] += 1 } }
        }
        for round in 1...5 {
            try Self.send(rig, first, at: round)
            #expect(rig.board.log.position(of: 1) == rig.store.lastPosition)
            #expect(rig.board.log.leastKnownPosition == Int64(round - 1))
            // The worker of the device reads it; the other has a round of its own for some reason.
            try rig.settle()
            #expect(rig.board.log.leastKnownPosition == rig.store.lastPosition)
            #expect(rig.workers[1].position == rig.store.lastPosition)
        }
        #expect(reads.withLock { $0 } == [5, 0])
        try Self.send(rig, second, at: 6)
        #expect(rig.board.log.position(of: 1) == 5)
        try rig.settle()
        rig.now = rig.now.advanced(bySeconds: 30)
        try rig.settle()
        #expect(reads.withLock { $0 } == [5, 1])
        #expect(try rig.store.intervals(keys[1], IntervalQuery()).count == 1)
        #expect(rig.board.status(of: keys[1], worker: 1).appliedPosition == 6)
    }

    private static func worker(of device: DeviceID) -> Int { Int(Slot(device: device).rawValue) % 2 }

    private static func send(_ rig: WorkerRig, _ device: DeviceID, at minute: Int) throws {
        let moment = (1_700_000_000 + Int64(minute) * 60) * 1_000_000
        let message = RefMessage(
            timestampMicroseconds: moment, acceptanceMicroseconds: moment, values: ["din": .boolean(true)])
        _ = try rig.store.append([LogAppend(device: device, batch: MessageBatch([message], rig.store.parameters))])
    }
}

/// A log of rows of four slots and two workers beside it, and what each of them has looked at, kept the slow way.
private struct LogBoardRun {
    private struct Worker {
        var watched: Set<UInt8> = []
        /// The rows of the log that it has still to look at.
        var unread: Set<Int64> = []
        var position: Int64 = 0
    }

    private let board = LogBoard()
    private var random: SeededGenerator
    private var lastPosition: Int64 = 0
    private var workers = [Worker(), Worker()]
    /// Whether every commit has been told at once.
    private let isTold: Bool

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        isTold = seed % 2 == 0
        for worker in 0..<2 { begin(worker) }
    }

    mutating func step() {
        let worker = Int.random(in: 0..<2, using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<6: append()
        case 6..<9: read(worker)
        case 9, 10: watch(worker)
        default: begin(worker)
        }
    }

    /// What is wrong with where the workers stand.
    var failure: String? {
        for (index, worker) in workers.enumerated() {
            let position = board.position(of: index)
            if let missed = worker.unread.min(), missed <= position { return "\(index) has missed \(missed)" }
            if isTold, worker.unread.isEmpty, position != lastPosition { return "\(index) is at \(position)" }
        }
        return nil
    }

    private mutating func append() {
        let slots = Set(
            (0..<Int.random(in: 1...3, using: &random)).map { _ in UInt8.random(in: 0..<4, using: &random) })
        let before = lastPosition
        lastPosition += Int64(slots.count)
        for index in workers.indices {
            for (offset, slot) in slots.enumerated() where workers[index].watched.contains(slot) {
                workers[index].unread.insert(before + Int64(offset) + 1)
            }
            guard isTold || Bool.random(using: &random) else { continue }
            let isConcerned = board.take(.appended(slots, Int64(slots.count), after: before), index)
            #expect(isConcerned == !workers[index].watched.isDisjoint(with: slots))
        }
    }

    private mutating func read(_ index: Int) {
        workers[index].position = lastPosition
        workers[index].unread = []
        board.reach(lastPosition, index)
    }

    /// As a worker that hears of other slots: what they had up to where it stands it copies.
    private mutating func watch(_ index: Int) {
        let slots = Set((0..<4).filter { _ in Bool.random(using: &random) }.map { UInt8($0) })
        workers[index].watched = slots
        let reached = board.watch(SlotSet(slots.map { Slot(rawValue: $0) }), index)
        workers[index].position = max(workers[index].position, reached)
        // What is behind it of the new slots was never read; all of it counts as waiting.
        if workers[index].position < lastPosition { read(index) }
    }

    private mutating func begin(_ index: Int) {
        board.begin(at: workers[index].position, index)
        watch(index)
    }
}

extension CommitNotice {
    /// That of some rows of slots, behind a position.
    fileprivate static func appended(_ slots: Set<UInt8>, _ count: Int64, after position: Int64) -> CommitNotice {
        var notice = CommitNotice()
        notice.appendedSlots = SlotSet(slots.map { Slot(rawValue: $0) })
        notice.positionBefore = position
        notice.lastPosition = position + count
        return notice
    }
}
