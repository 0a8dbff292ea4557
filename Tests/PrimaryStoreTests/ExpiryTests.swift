import MessageChunks
import PrimaryStore
import Telemetry
import Testing

@Suite("Expiry")
struct ExpiryTests {
    /// An assignment with four intervals, one with fields and versions, and chunks on three days.
    private final class Rig {
        let test: TestStore
        let a: TestAssignment

        init() throws {
            test = try TestStore()
            a = try test.assignment()
            _ = try test.store.append([
                LogAppend(device: a.key.device, batch: batch(test.store.parameters, [1]))
            ])
            let chunks = [0, 100, 200].map { (first: Int64) -> Seal.Chunk in
                Seal.Chunk(
                    first: Timestamp(microseconds: first * 1_000_000),
                    last: Timestamp(microseconds: (first + 50) * 1_000_000), count: 7,
                    bytes: MessageChunk.encode(batch(test.store.parameters, [first, first + 50])))
            }
            try test.store.seal(
                Seal(slot: a.slot, epoch: a.epoch, device: a.key.device, replaced: [], chunks: chunks, upTo: 1))
            _ = try test.store.push([
                a.push([.make(nil, 10, 20), .make(nil, 30, 60), .make(nil, 90, 120), .make(nil, 130, 140)])
            ])[0].get()
            _ = try test.store.setIntervalFields(
                slot: a.slot, epoch: a.epoch, key: a.key, id: 1, fields: [.init("note", .number(1))],
                at: .zero)
            _ = try test.store.push([a.push([.make(1, 10, 25), .make(4, 130, 145)], at: 2000)])[0].get()
        }

        func expiry(
            _ horizon: Double?, of assignment: Double, state: HorizonState? = nil, intervalsBefore: Double? = nil
        ) -> Expiry {
            Expiry(
                slot: a.slot, epoch: a.epoch, device: a.key.device, horizon: horizon.map(Timestamp.init(seconds:)),
                assignments: [
                    AssignmentExpiry(
                        key: a.key, basePosition: 7, horizon: Timestamp(seconds: assignment), state: state,
                        intervalsBefore: intervalsBefore.map(Timestamp.init(seconds:)))
                ], at: Timestamp(seconds: 5000))
        }
    }

    @Test("an expiry moves the horizons, keeps the state, and lets chunks and intervals go; the feed tells of those")
    func whole() throws {
        let rig = try Rig()
        let (store, key) = (rig.test.store, rig.a.key)
        let state = HorizonState(calculatorRevision: 1, bytes: [1, 2, 3])
        let before = try store.intervals(key, IntervalQuery(ids: [1]))[0]
        let revision = try store.slotRevisions()[Int(rig.a.slot.rawValue)]
        let receipt = try store.expire([rig.expiry(80, of: 90, state: state, intervalsBefore: 30)])[0].get()
        #expect(receipt == ExpiryReceipt(chunkCount: 1, messageCount: 7, deletedIntervals: [key: [1]]))
        #expect(try store.horizon(device: key.device) == Timestamp(seconds: 80))
        #expect(try store.horizonState(key) == state)
        #expect(try store.assignment(key)?.marks.horizon == Timestamp(seconds: 90))
        #expect(try store.heldIntervals(key).map(\.id) == [2, 3, 4] && store.intervalFields(key).isEmpty)
        #expect(try store.archivedChunks(device: key.device, overlapping: .all).map(\.first.seconds) == [100, 200])
        let feed = try store.changes(slot: rig.a.slot, after: revision, countMax: 9, withBodies: false)
        #expect(feed.map(\.operation) == [.deleted] && feed[0].json == before.json)
        // What interval 1 was before it grew is gone with it; what 4 was is still known.
        #expect(try store.intervals(key, IntervalQuery(asOf: Timestamp(seconds: 1500))).map(\.id) == [2, 3, 4])
        #expect(try store.audit(slots: .all) == [])
    }

    @Test(
        "nothing goes where the horizon would go back, an assignment has moved on or still reads, or the epoch is old")
    func refused() throws {
        let rig = try Rig()
        let (store, key) = (rig.test.store, rig.a.key)
        _ = try store.expire([rig.expiry(80, of: 90)])[0].get()
        func refusal(_ change: (inout Expiry) -> Void) -> StoreError? {
            var expiry = rig.expiry(85, of: 95, intervalsBefore: 500)
            change(&expiry)
            guard case .failure(let error) = store.expire([expiry])[0] else { return nil }
            return error
        }
        #expect(refusal { $0.epoch -= 1 } == .fenced(slot: rig.a.slot, epoch: 0, current: 1))
        #expect(refusal { $0.assignments[0].basePosition = 6 } == .stale(key, reason: "its marks are at 7, not at 6"))
        for change: (inout Expiry) -> Void in [
            { $0.horizon = Timestamp(seconds: 70) }, { $0.assignments[0].horizon = Timestamp(seconds: 80) },
            { $0.assignments[0].key.calculator = CalculatorID(77) }, { $0.horizon = Timestamp(seconds: 96) },
        ] {
            #expect(refusal(change) != nil)
        }
        #expect(try store.heldIntervals(key).count == 4)
        #expect(try store.horizon(device: key.device) == Timestamp(seconds: 80))
        #expect(try store.assignment(key)?.marks.horizon == Timestamp(seconds: 90))
        #expect(refusal { _ in } == nil)
        // Only what ends before the assignment's own horizon goes, whatever is asked.
        #expect(try store.heldIntervals(key).map(\.id) == [3, 4])
    }

    @Test("a push leaves the horizon as it is, and a later assignment of the device begins at the device's")
    func marks() throws {
        let rig = try Rig()
        let store = rig.test.store
        _ = try store.expire([rig.expiry(80, of: 90)])[0].get()
        _ = try store.push([rig.a.push([.make(nil, 300, 310)])])[0].get()
        #expect(try store.assignment(rig.a.key)?.marks.horizon == Timestamp(seconds: 90))
        let other = AssignmentKey(calculator: try rig.test.calculator(), device: rig.a.key.device)
        let made = try store.assign([other], isEnabled: true, isAutoCreated: false)
        #expect(made[0].marks.horizon == Timestamp(seconds: 80))
        // An expiry that did not know of it would take messages that it still reads.
        #expect(throws: StoreError.self) { try store.expire([rig.expiry(90, of: 90)])[0].get() }
        #expect(try store.horizon(device: rig.a.key.device) == Timestamp(seconds: 80))
    }

    @Test("with the assignment and the device all that was kept for their horizons goes")
    func ending() throws {
        let rig = try Rig()
        let store = rig.test.store
        let state = HorizonState(calculatorRevision: 1, bytes: [1])
        _ = try store.expire([rig.expiry(80, of: 90, state: state)])[0].get()
        _ = try store.unassign([rig.a.key], at: .zero)
        #expect(try store.horizonState(rig.a.key) == nil)
        try store.deleteDevice(rig.a.key.device, at: .zero)
        for table in ["horizons", "horizon_states", "chunks", "chunk_months", "log"] {
            #expect(try rig.test.count(table) == 0, "\(table)")
        }
        #expect(try store.audit(slots: .all) == [])
    }
}
