import FoundationEssentials
import LocalCache
import PrimaryStore
import ReferenceEvaluator
import StoreSupport
import Telemetry
import Testing

@testable import CalcProcess
@testable import LocalCache

/// A full disk, and a store that refuses for a while, end no worker: it goes on by itself once there is room.
struct OutageTests {
    private func nest() throws -> NestedRig {
        let nest = try NestedRig([FuseRig.drives(minActive: 0), FuseRig.reader], stateSpacing: 16, sealSeconds: 0)
        nest.rig.now = Timestamp(seconds: FuseRig.begin + 20_000)
        return nest
    }

    private func send(_ nest: NestedRig, _ drives: Range<Int>) throws {
        for drive in drives {
            try nest.send([
                (FuseRig.begin + Double(drive) * 100, ["din": .boolean(true), "load": .number(Double(drive))]),
                (FuseRig.begin + Double(drive) * 100 + 40, ["din": .boolean(false)]),
            ])
        }
    }

    @Test(
        "a disk that is full for a while, at whatever call of the store, costs time only",
        arguments: [
            StoreHooks.Call.readLog, .pendingLog, .seal, .push, .intervals, .heldIntervals, .assignment, .pruneVersions,
            .registry, .archiveMark, .archivedChunks,
        ], [StoreError.diskFull, .database("busy")])
    func store(_ failing: StoreHooks.Call, _ error: StoreError) throws {
        let nest = try nest()
        try send(nest, 0..<10)
        var isFull = true
        nest.rig.hooks.before = { _, call throws(StoreError) in if isFull, call == failing { throw error } }
        for round in 0..<4 {
            nest.rig.now = nest.rig.now.advanced(bySeconds: 6)
            try nest.rig.settle()
            try send(nest, (10 + round)..<(11 + round))
        }
        isFull = false
        try nest.settle()
        #expect(try nest.intervals(0).count == 14)
        try nest.agrees()
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        try nest.agrees()
    }

    @Test("a push whose answer is lost in an outage is not made twice")
    func lostAnswer() throws {
        let nest = try nest()
        var isFull = true
        nest.rig.hooks.after = { _, call throws(StoreError) in if isFull, call == .push { throw .database("lost") } }
        try send(nest, 0..<10)
        try nest.settle()
        isFull = false
        try nest.settle()
        try nest.agrees()
        #expect(try nest.rig.replayedFeed(nest.keys[0]).count == 10)
    }

    @Test("while nothing can be done nobody waits for an answer, and what was asked for is done later")
    func requests() throws {
        let nest = try nest()
        try send(nest, 0..<3)
        try nest.settle()
        var isFull = true
        nest.rig.hooks.before = { _, call throws(StoreError) in if isFull, call == .readLog { throw .diskFull } }
        try send(nest, 3..<4)
        try nest.rig.settle()
        #expect(nest.worker.outage != nil)
        let answer = Answer()
        let decision = JobDecision(key: nest.keys[0], id: 1, isReleased: true) { answer.result = $0 }
        #expect(try !nest.worker.round([.decideJob(decision), .recalculate(nest.keys[0], .all)]))
        #expect(throws: StoreError.self) { try answer.result?.get() }
        #expect(answer.result != nil)
        isFull = false
        try nest.settle()
        #expect(nest.worker.outage == nil && nest.worker.requests.isEmpty)
        #expect(
            try nest.rig.store.jobs(nest.keys[0], countMax: 10).contains {
                $0.cause == "request" || $0.rangeAsked == .all
            })
        try nest.agrees()
    }

    @Test("what a worker cannot get over ends it", arguments: [StoreError.failed("disk"), .notWritable("closed")])
    func ends(_ error: StoreError) throws {
        let nest = try nest()
        nest.rig.hooks.before = { _, call throws(StoreError) in if call == .readLog { throw error } }
        try send(nest, 0..<1)
        #expect(throws: error) { try nest.rig.settle() }
    }

    @Test("a cache without room waits for it, and comes to the same", arguments: [3, 11, 40])
    func cache(_ driveCount: Int) throws {
        let nest = try nest()
        try send(nest, 0..<driveCount)
        try nest.settle()
        // SQLite makes of it the size that the file has.
        try nest.worker.cache.run("PRAGMA max_page_count = 1")
        for round in 0..<30 {
            try send(nest, (driveCount + round * 5)..<(driveCount + round * 5 + 5))
            nest.rig.now = nest.rig.now.advanced(bySeconds: 6)
            try nest.rig.settle()
        }
        #expect(nest.worker.outage != nil)
        try nest.worker.cache.run("PRAGMA max_page_count = 1000000")
        try nest.settle()
        #expect(nest.worker.outage == nil)
        #expect(try nest.intervals(0).count == driveCount + 150)
        try nest.agrees()
        try nest.rig.start(workerCount: 1)
        try nest.settle()
        try nest.agrees()
    }

    @Test("intervals and fields that cannot be read fail the job that reads them, which is made up for")
    func corruptFields() throws {
        let reading = """
            {"name":"noted","update_delay":1,"selectors":[{"type":"expression","expression":"din","min_active":0}],\
            "counters":[{"name":"noted","type":"interval","expression":"previous('note')"}]}
            """
        let nest = try NestedRig([FuseRig.drives(minActive: 0), reading], stateSpacing: 16)
        nest.rig.now = Timestamp(seconds: FuseRig.begin + 20_000)
        var isDamaged = true
        nest.rig.hooks.before = { _, call throws(StoreError) in
            if isDamaged, call == .intervalFields { throw .corrupt("fields") }
        }
        try nest.rig.start(workerCount: 1)
        try send(nest, 0..<3)
        try nest.settle()
        #expect(try nest.intervals(0).count == 3)
        #expect(nest.rig.status(of: nest.keys[1]).failure?.contains("fields") ?? true)
        isDamaged = false
        try nest.settle()
        #expect(nest.rig.status(of: nest.keys[1]).failure == nil)
        try nest.agrees()
    }
}
