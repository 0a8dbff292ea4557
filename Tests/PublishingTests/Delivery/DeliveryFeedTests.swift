import PrimaryStore
import StoreSupport
import Synchronization
import Telemetry
import Testing

@testable import Publishing

@Suite("Delivery of intervals")
struct DeliveryFeedTests {
    private static func intervals(_ count: Int64, from place: Int64 = 0, size: Int = 0) -> [IntervalWrite] {
        (0..<count).map { DeliveryRig.interval(nil, at: place + $0 * 10, size: size) }
    }

    @Test("a calculator that is made while rows are read is brought before its rows")
    func registryFirst() throws {
        let rig = try DeliveryRig()
        _ = try rig.assignment("a")
        try rig.settle()
        let hooks = StoreHooks()
        var made: AssignmentKey?
        hooks.before = { _, call throws(StoreError) in
            guard call == .slotRevisions, made == nil else { return }
            do {
                made = try rig.assignment("b")
                if let made { try rig.push(made, Self.intervals(2)) }
            } catch { throw .invalid("\(error)") }
        }
        let loop = FeedLoop(
            store: HookedStore(rig.store, hooks, user: 0), sink: ReportFeedSink(rig.server), limits: rig.limits,
            board: rig.board, now: { [clock = rig.clock] in clock.now }, logger: DeliveryRig.logger)
        while loop.step() == .again {}
        let key = try #require(made)
        #expect(rig.server.contents.intervals[key]?.count == 2 && rig.server.findings.strangers.isEmpty)
    }

    @Test("deliveries are no larger than their limits, and one row is given, however large it is")
    func limits() throws {
        var limits = DeliveryLimits()
        limits.rowCountMax = 7
        let rig = try DeliveryRig(limits)
        for ident in ["a", "b", "c"] { try rig.push(rig.assignment(ident), Self.intervals(20)) }
        try rig.settle()
        let found = rig.server.findings
        #expect(found.largestBatch == 7 && found.feedCalls == 9 && found.feedRows == 60)
        try rig.compare("rows")
        limits.byteCountMax = 3_000
        let large = try DeliveryRig(limits)
        try large.push(large.assignment("a"), Self.intervals(6, size: 2_000))
        try large.settle()
        #expect(large.server.findings.feedCalls == 6)
        try large.compare("bytes")
    }

    @Test("a slot whose feed was shortened is delivered from its intervals, and the others go on meanwhile")
    func tooOld() throws {
        var limits = DeliveryLimits()
        limits.rowCountMax = 4
        let rig = try DeliveryRig(limits)
        let (a, b) = (try rig.assignment("a"), try rig.assignment("b"))
        try rig.push(a, Self.intervals(10))
        try rig.push(a, (1...10).map { DeliveryRig.interval($0, at: ($0 - 1) * 10, value: 9) })
        try rig.settle()
        for value in 1...2 {
            try rig.push(a, (1...10).map { DeliveryRig.interval($0, at: ($0 - 1) * 10, value: value) })
        }
        try rig.push(a, deletes: [1, 4], [])
        let slot = Slot(device: a.device)
        #expect(try rig.store.trimFeed(slot: slot, epoch: rig.epoch(slot), before: .distantFuture) > 10)
        try rig.push(b, Self.intervals(3))
        rig.clock.advance(1)
        #expect(rig.feed.step() == .again)
        #expect(rig.server.contents.intervals[b]?.count == 3 && rig.server.findings.pages == 0)
        try rig.settle()
        #expect(rig.server.findings.pages == 2, "8 intervals by 4")
        try rig.compare("shortened")
        rig.server.update { $0.contents = ReportServer.Contents() }
        rig.restartDelivery()
        while rig.feed.step() == .again {}
        #expect(rig.status.feed.lagCount == 0 && rig.status.feed.behindSince == nil, "numbers that were dropped")
    }

    @Test("a rebuild mends what is wrong at the sink, tells how far it is, and goes on after a lost connection")
    func rebuild() throws {
        var limits = DeliveryLimits()
        limits.rowCountMax = 5
        let rig = try DeliveryRig(limits)
        let keys = try ["a", "b"].map { try rig.assignment($0) }
        for key in keys { try rig.push(key, Self.intervals(12)) }
        try rig.settle()
        rig.server.update { state in
            let one = state.contents.intervals[keys[1]]?[1]
            state.contents.intervals[keys[0]]?[3] = nil
            state.contents.intervals[keys[1]]?[99] = one
            let stranger = AssignmentKey(calculator: CalculatorID(77), device: keys[0].device)
            state.contents.intervals[stranger] = state.contents.intervals[keys[0]]
        }
        let slots = SlotSet(keys.map { Slot(device: $0.device) })
        rig.board.askForRebuild(slots)
        let calls = Atomic(0)
        rig.server.update {
            $0.fault = { name in
                name == "pages" && calls.add(1, ordering: .relaxed).newValue == 2 ? .after : nil
            }
        }
        var seen: Set<LoopStatus.State> = []
        for _ in 0..<60 {
            let step = rig.feed.step()
            seen.insert(rig.status.feed.state)
            if step != .again { rig.clock.advance(1) }
        }
        try rig.settle()
        #expect(seen.contains(.rebuilding(done: 0, total: 2)) && seen.contains(.rebuilding(done: 1, total: 2)))
        #expect(rig.server.findings.pages == 3 + 3 + 2, "the slot at hand began again")
        try rig.compare("rebuilt")
    }

    @Test("what changes while a slot is rebuilt arrives too, and so does a sink that was ahead of the store")
    func changesMeanwhile() throws {
        var limits = DeliveryLimits()
        limits.rowCountMax = 3
        let rig = try DeliveryRig(limits)
        let key = try rig.assignment("a")
        try rig.push(key, Self.intervals(12))
        try rig.settle()
        rig.server.update { $0.contents.cursors[Slot(device: key.device)] = 1_000 }
        rig.restartDelivery()
        var isPushed = false
        for _ in 0..<40 {
            if rig.feed.step() != .again { rig.clock.advance(1) }
            guard rig.server.findings.pages == 2, !isPushed else { continue }
            isPushed = true
            try rig.push(
                key, deletes: [2, 11], [DeliveryRig.interval(1, at: 0, value: 9)] + Self.intervals(2, from: 500))
        }
        #expect(isPushed)
        try rig.settle()
        try rig.compare("ahead")
    }

    @Test("a slot that cannot be read is told and left alone, and the others go on")
    func damaged() throws {
        let rig = try DeliveryRig()
        let (a, b) = (try rig.assignment("a"), try rig.assignment("b"))
        try rig.push(a, Self.intervals(3))
        try rig.push(b, Self.intervals(3))
        let hooks = StoreHooks()
        var isDamaged = true
        var readCount = 0
        hooks.before = { _, call throws(StoreError) in
            guard call == .changes, isDamaged else { return }
            // The slots are read one after the other; the first of the two is the damaged one.
            readCount += 1
            if readCount == 1 { throw .corrupt("interval 1") }
        }
        let loop = FeedLoop(
            store: HookedStore(rig.store, hooks, user: 0), sink: ReportFeedSink(rig.server), limits: rig.limits,
            board: rig.board, now: { [clock = rig.clock] in clock.now }, logger: DeliveryRig.logger)
        while loop.step() == .again {}
        let status = rig.status.feed
        #expect(rig.server.contents.intervals.count == 1 && status.damagedCount == 1 && status.lagCount == 3)
        #expect(status.state == .waiting("slots that cannot be read") && status.lastError == "interval 1")
        isDamaged = false
        rig.clock.advance(31)
        while loop.step() == .again {}
        #expect(rig.server.contents.intervals.count == 2 && rig.status.feed.state == .idle)
    }

    @Test("a horizon that moved is brought within a minute, though the registry has no new revision")
    func horizons() throws {
        let rig = try DeliveryRig()
        let key = try rig.assignment("a")
        try rig.push(key, Self.intervals(4))
        try rig.settle()
        try rig.expire(key)
        try rig.settle()
        func horizon() -> Timestamp? { rig.server.contents.registry?.assignments.first?.marks.horizon }
        let count = rig.server.findings.registries
        #expect(horizon() == .distantPast)
        rig.clock.advance(61)
        try rig.settle()
        #expect(try horizon() == rig.store.assignment(key)?.marks.horizon && horizon() != .distantPast)
        rig.clock.advance(61)
        try rig.settle()
        #expect(rig.server.findings.registries == count + 1)
    }

    @Test("looking after is done at the start and daily, trips every five minutes")
    func dues() throws {
        let rig = try DeliveryRig()
        try rig.settle()
        for _ in 0..<(2 * 288) {
            rig.clock.advance(300)
            try rig.settle()
        }
        let found = rig.server.findings
        #expect(found.maintained == 3 && found.tripRefreshes == 576)
    }

    @Test("a first change is delivered at once, and under load commits share a delivery every 50 ms")
    func gathering() throws {
        let rig = try DeliveryRig()
        let key = try rig.assignment("a")
        try rig.settle()
        rig.clock.advance(5)
        let before = rig.server.findings.feedCalls
        try rig.push(key, Self.intervals(1))
        _ = rig.feed.step()
        #expect(rig.server.findings.feedCalls == before + 1)
        for number in 1...100 as ClosedRange<Int64> {
            rig.clock.advance(0.01)
            try rig.push(key, Self.intervals(1, from: number * 10))
            _ = rig.feed.step()
        }
        let calls = rig.server.findings.feedCalls - before
        #expect((18...24).contains(calls), "\(calls) deliveries in a second")
        rig.clock.advance(0.05)
        _ = rig.feed.step()
        #expect(rig.status.feed.lagCount == 0)
    }
}
