import PrimaryStore
import ReferenceEvaluator
import StoreSupport
import Telemetry
import Testing

@testable import CalcProcess

/// Intervals do not vanish in numbers without a change of configuration, or somebody who allows it.
struct FuseTests {
    // MARK: What is held

    @Test("a job that makes more than 20 intervals vanish, and more than a tenth, is held and changes nothing")
    func held() throws {
        let fuse = try FuseRig()
        let before = try fuse.nest.rig.texts(fuse.key)
        try fuse.cut(0..<21)
        try fuse.nest.settle()
        #expect(try fuse.nest.rig.texts(fuse.key) == before && before.count == 100)
        let held = try fuse.nest.rig.store.heldJobs()
        #expect(held.map(\.outcome) == [.held] && held.map(\.deletedCount) == [21] && held.map(\.key) == [fuse.key])
        let status = fuse.nest.rig.status(of: fuse.key)
        #expect(status.heldJob == held.first?.id && status.failure == nil)
        #expect(fuse.nest.rig.board.metrics.jobsHeld == 1)
        #expect(try fuse.nest.rig.replayedFeed(fuse.key).count == 100)
    }

    @Test("what comes while a job is held waits with it, and is calculated once it is released")
    func released() throws {
        let fuse = try FuseRig()
        try fuse.cut(0..<21)
        try fuse.nest.settle()
        try fuse.send(drive: 100)
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == 100)
        let id = try #require(try fuse.heldIDs.first)
        #expect(try fuse.decide(id, isReleased: true)?.get().outcome == .released)
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == 80)
        try fuse.nest.agrees()
        let status = fuse.nest.rig.status(of: fuse.key)
        #expect(status.heldJob == nil && status.pendingSince == nil)
        #expect(try fuse.outcomes([id]) == [.released] && fuse.heldIDs.isEmpty)
    }

    @Test("a job that is discarded leaves the intervals as they are, and what comes later is calculated")
    func discarded() throws {
        let fuse = try FuseRig()
        try fuse.cut(0..<21)
        try fuse.nest.settle()
        try fuse.send(drive: 100)
        let id = try #require(try fuse.heldIDs.first)
        #expect(try fuse.decide(id, isReleased: false)?.get().outcome == .discarded)
        try fuse.nest.settle()
        try fuse.send(drive: 101)
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == 102)
        #expect(try fuse.outcomes([id]) == [.discarded] && fuse.heldIDs.isEmpty)
        #expect(fuse.nest.rig.status(of: fuse.key).heldJob == nil)
    }

    @Test("a discarded job over the whole history is not met again with the next message")
    func discardedWhole() throws {
        let fuse = try FuseRig()
        try fuse.cut(0..<50)
        try fuse.nest.rig.deleteCaches()
        try fuse.nest.rig.start(workerCount: 1)
        try fuse.nest.settle()
        let id = try #require(try fuse.heldIDs.first)
        _ = try fuse.decide(id, isReleased: false)
        for drive in 100..<103 {
            try fuse.send(drive: drive)
            try fuse.nest.settle()
        }
        #expect(try fuse.intervalCount() == 103 && fuse.heldIDs.isEmpty)
    }

    @Test("a decision about a job that is not held is refused")
    func refused() throws {
        let fuse = try FuseRig()
        let id = try #require(try fuse.nest.rig.store.jobs(fuse.key, countMax: 1).first?.id)
        let answer = try fuse.decide(id, isReleased: true)
        #expect(throws: StoreError.self) { try answer?.get() }
        #expect(answer != nil)
    }

    // MARK: What is not held

    @Test("20 intervals vanish whatever their share")
    func few() throws {
        let fuse = try FuseRig()
        try fuse.cut(0..<20)
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == 80 && fuse.heldIDs.isEmpty)
        try fuse.nest.agrees()
    }

    @Test("a tenth of the intervals that were looked at may vanish, and not one more", arguments: [40, 41])
    func tenth(_ count: Int) throws {
        let fuse = try FuseRig(driveCount: 400)
        try fuse.cut(0..<count)
        // Without the cache everything is looked at.
        try fuse.nest.rig.deleteCaches()
        try fuse.nest.rig.start(workerCount: 1)
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == (count == 40 ? 360 : 400))
        #expect(try fuse.heldIDs.count == (count == 40 ? 0 : 1))
    }

    @Test("a merge of many intervals into one is no vanishing")
    func merge() throws {
        let fuse = try FuseRig([FuseRig.gaps])
        #expect(try fuse.intervalCount() == 100)
        try fuse.nest.send(
            (0..<99).flatMap { drive in
                [40.0, 41, 70].map { (FuseRig.begin + Double(drive) * 100 + $0, ["din": RefValue.boolean(true)]) }
            })
        try fuse.nest.settle()
        #expect(try fuse.heldIDs.isEmpty)
        try fuse.nest.agrees()
    }

    @Test("a changed calculator makes vanish what it will, at once or with the next message", arguments: [true, false])
    func edited(_ onChange: Bool) throws {
        let fuse = try FuseRig([FuseRig.drives(onChange: onChange)])
        try fuse.nest.replace(0, FuseRig.drives(minActive: 50, onChange: onChange))
        try fuse.nest.settle()
        try fuse.nest.send([(FuseRig.begin + 10_000, ["din": .boolean(false)])])
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == 0 && fuse.heldIDs.isEmpty)
        try fuse.nest.agrees()
    }

    @Test("a change of configuration passes although the cache that knew of it is lost")
    func editedThenLost() throws {
        let fuse = try FuseRig()
        try fuse.nest.replace(0, FuseRig.drives(minActive: 50))
        try fuse.nest.rig.deleteCaches()
        try fuse.nest.rig.start(workerCount: 1)
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == 0 && fuse.heldIDs.isEmpty)
    }

    @Test("who reads a held calculator reads it as it is, and follows once it is released")
    func dependants() throws {
        let fuse = try FuseRig([FuseRig.drives(), FuseRig.reader])
        try fuse.nest.agrees()
        let before = try fuse.nest.rig.texts(fuse.nest.keys[1])
        try fuse.cut(0..<30)
        try fuse.nest.settle()
        #expect(fuse.nest.rig.status(of: fuse.nest.keys[1]).pendingSince == nil)
        #expect(try fuse.nest.rig.texts(fuse.nest.keys[1]) == before)
        let id = try #require(try fuse.heldIDs.first)
        _ = try fuse.decide(id, isReleased: true)
        try fuse.nest.settle()
        #expect(try fuse.heldIDs.isEmpty)
        try fuse.nest.agrees()
    }

    // MARK: What comes between

    @Test("a held job is superseded by an edit of its calculator, which calculates everything anew")
    func editedWhileHeld() throws {
        let fuse = try FuseRig()
        try fuse.cut(0..<30)
        try fuse.nest.settle()
        let ids = try fuse.heldIDs
        try fuse.nest.replace(0, FuseRig.drives("edited", minActive: 16))
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == 70)
        try fuse.nest.agrees()
        #expect(try fuse.outcomes(ids) == [.superseded] && fuse.heldIDs.isEmpty && ids.count == 1)
        #expect(fuse.nest.rig.status(of: fuse.key).heldJob == nil)
    }

    @Test("a restart keeps what is held", arguments: [true, false])
    func restart(_ isReleased: Bool) throws {
        let fuse = try FuseRig()
        try fuse.cut(0..<21)
        try fuse.nest.settle()
        let ids = try fuse.heldIDs
        try fuse.nest.rig.start(workerCount: 1)
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == 100 && fuse.heldIDs == ids && ids.count == 1)
        #expect(fuse.nest.rig.status(of: fuse.key).heldJob == ids[0])
        _ = try fuse.decide(ids[0], isReleased: isReleased)
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == (isReleased ? 79 : 100))
    }

    @Test("a cache that is lost while a job is held costs a calculation, and is held again")
    func lostCache() throws {
        let fuse = try FuseRig()
        try fuse.cut(0..<21)
        try fuse.nest.settle()
        let ids = try fuse.heldIDs
        try fuse.nest.rig.deleteCaches()
        try fuse.nest.rig.start(workerCount: 1)
        try fuse.nest.settle()
        let again = try fuse.heldIDs
        #expect(again.count == 1 && again != ids && fuse.nest.rig.status(of: fuse.key).heldJob == again.first)
        #expect(try fuse.outcomes(ids) == [.superseded] && fuse.intervalCount() == 100)
        _ = try fuse.decide(try #require(again.first), isReleased: true)
        try fuse.nest.settle()
        try fuse.nest.agrees()
    }

    @Test(
        "a crash between the ledger and the cache loses neither a held job nor what was decided", arguments: [0, 1, 2])
    func crash(_ place: Int) throws {
        let fuse = try FuseRig()
        fuse.nest.rig.hooks.after = { _, call throws(StoreError) in
            if place == 0 ? call == .hold : call == .decide { throw .failed("crash") }
        }
        try fuse.cut(0..<21)
        if place > 0 { try fuse.nest.settle() }
        #expect(throws: StoreError.self) {
            if place == 0 { try fuse.nest.settle() }
            _ = try fuse.decide(try fuse.heldIDs.first ?? 0, isReleased: place == 1)?.get()
        }
        fuse.nest.rig.hooks.after = nil
        try fuse.nest.rig.start(workerCount: 1)
        try fuse.nest.settle()
        #expect(try fuse.heldIDs.count == (place == 0 ? 1 : 0))
        #expect(try fuse.intervalCount() == (place == 1 ? 79 : 100))
        try fuse.send(drive: 100)
        try fuse.nest.settle()
        #expect(try fuse.intervalCount() == [100, 80, 101][place])
    }

    @Test("an assignment that is ended while its job is held and made again begins anew")
    func assignedAgain() throws {
        let fuse = try FuseRig()
        try fuse.cut(0..<21)
        try fuse.nest.settle()
        _ = try fuse.nest.rig.store.unassign([fuse.key], at: fuse.nest.rig.now)
        try fuse.nest.settle()
        _ = try fuse.nest.rig.store.assign([fuse.key], isEnabled: true, isAutoCreated: false)
        try fuse.nest.settle()
        #expect(fuse.nest.rig.status(of: fuse.key).heldJob == nil)
        #expect(try fuse.intervalCount() == 79)
        try fuse.nest.agrees()
    }
}

/// What the fuse counts.
struct FuseCountTests {
    private static func held(_ begin: Int64, _ end: Int64, isActive: Bool = false) -> HeldInterval {
        HeldInterval(
            id: begin + 1, firstOn: Timestamp(microseconds: begin), begin: Timestamp(microseconds: begin),
            end: Timestamp(microseconds: end), isActive: isActive, digest: 0)
    }

    private static func calculated(_ begin: Int64, _ end: Int64) -> Interval {
        Interval(
            begin: Timestamp(microseconds: begin), end: Timestamp(microseconds: end),
            firstOn: Timestamp(microseconds: begin), isActive: false, counters: [])
    }

    /// A fuse over intervals of 6 each 10, all of which are deleted.
    private func fuse(
        _ count: Int, kept: Int = 0, isActive: Bool = false, horizon: Timestamp = .distantPast, _ calculated: [Interval]
    ) -> Fuse {
        let deleted = (0..<count).map { Self.held(Int64($0) * 10, Int64($0) * 10 + 6, isActive: isActive) }
        let others = (0..<kept).map { Self.held(100_000 + Int64($0) * 10, 100_000 + Int64($0) * 10 + 6) }
        return Fuse(held: deleted + others, deleted: deleted, calculated: calculated, horizon: horizon)
    }

    @Test("more than 20 blow it, and more than a tenth")
    func limits() {
        #expect(!fuse(20, []).isBlown && fuse(21, []).isBlown)
        #expect(fuse(21, kept: 188, []).isBlown && !fuse(21, kept: 189, []).isBlown)
        #expect(fuse(21, kept: 189, []).closedCount == 210)
    }

    @Test("what something overlaps has not vanished: merged, split or shifted; a neighbour does not overlap")
    func overlaps() {
        #expect(fuse(50, [Self.calculated(0, 500)]).vanishedCount == 0)
        #expect(fuse(50, (0..<50).map { Self.calculated($0 * 10 + 5, $0 * 10 + 9) }).vanishedCount == 0)
        #expect(fuse(50, (0..<50).map { Self.calculated($0 * 10 + 6, $0 * 10 + 10) }).vanishedCount == 50)
        #expect(fuse(50, (0..<50).map { Self.calculated($0 * 10 + 3, $0 * 10 + 3) }).vanishedCount == 0)
        // A long one before others that are shorter.
        #expect(fuse(50, [Self.calculated(0, 244), Self.calculated(2, 3)]).vanishedCount == 25)
    }

    @Test("active and frozen intervals do not count")
    func others() {
        #expect(fuse(50, isActive: true, []).vanishedCount == 0 && fuse(50, isActive: true, []).closedCount == 0)
        #expect(fuse(50, horizon: Timestamp(microseconds: 250), []).closedCount == 25)
    }
}
