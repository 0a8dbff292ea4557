import PrimaryStore
import Telemetry
import Testing

@testable import PrimaryStore

@Suite("Held jobs and settings")
struct HeldJobTests {
    private func job(_ a: TestAssignment, _ cause: String = "messages") -> JobRecord {
        JobRecord(
            key: a.key, cause: cause, rangeAsked: .seconds(1, 2), rangeRun: .seconds(0, 9), messageCount: 5,
            deletedCount: 30, started: .zero, milliseconds: 1.5)
    }

    @Test("a held job is listed until somebody decides, and an older one of its assignment is superseded")
    func holding() throws {
        let test = try TestStore()
        let a = try test.assignment()
        let first = try test.store.hold(job(a), slot: a.slot, epoch: a.epoch)
        let second = try test.store.hold(job(a, "late"), slot: a.slot, epoch: a.epoch)
        #expect(try test.store.heldJobs().map(\.id) == [second] && first < second)
        let ledger = try test.store.jobs(a.key, countMax: 9)
        #expect(ledger.map(\.outcome) == [.held, .superseded] && ledger[0].deletedCount == 30)
        #expect(throws: StoreError.self) { try test.store.hold(job(a), slot: a.slot, epoch: a.epoch - 1) }
        #expect(throws: StoreError.self) {
            try test.store.decide(job: first, .released, slot: a.slot, epoch: a.epoch)
        }
        #expect(throws: StoreError.self) {
            try test.store.decide(job: second, .released, slot: a.slot, epoch: a.epoch - 1)
        }
        let decided = try test.store.decide(job: second, .released, slot: a.slot, epoch: a.epoch)
        #expect(try decided.outcome == .released && test.store.heldJobs().isEmpty)
        #expect(throws: StoreError.self) {
            try test.store.decide(job: second, .discarded, slot: a.slot, epoch: a.epoch)
        }
        _ = try test.store.hold(job(a), slot: a.slot, epoch: a.epoch)
        _ = try test.store.unassign([a.key], at: .zero)
        #expect(try test.store.heldJobs().isEmpty)
    }

    @Test("trimming the ledger never drops a job that is held")
    func trimming() throws {
        let test = try TestStore()
        let a = try test.assignment()
        let held = try test.store.hold(job(a), slot: a.slot, epoch: a.epoch)
        let done = job(a)
        let last = JobTable.countMax + 998
        try test.store.write { writer in
            var late = done
            late.id = last
            try JobTable.write(writer.connection, late)
            for _ in 0..<3 { _ = try JobTable.append(writer.connection, done) }
        }
        #expect(try test.store.heldJobs().map(\.id) == [held])
        #expect(try test.store.jobs(a.key, countMax: 9).map(\.id) == [last + 3, last + 2, last + 1, last, held])
        #expect(try test.store.audit(slots: .all) == [])
    }

    @Test("settings are kept by name, and nil takes one away")
    func settings() throws {
        let test = try TestStore()
        try test.store.setSetting("replay.share", "0.5")
        try test.store.setSetting("replay.paused", "true")
        try test.store.setSetting("replay.share", "0.25")
        try test.store.setSetting("replay.paused", nil)
        try test.reopen()
        #expect(try test.store.settings() == ["replay.share": "0.25"])
    }
}
