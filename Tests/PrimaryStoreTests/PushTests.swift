import PrimaryStore
import SeededRandom
import Telemetry
import Testing

@Suite("Pushes, intervals and their feed")
struct PushTests {
    @Test("a push writes intervals with ids and finished text, feed rows in order, marks and the ledger")
    func push() throws {
        let test = try TestStore()
        let a = try test.assignment()
        let job = JobRecord(
            key: a.key, cause: "messages", rangeAsked: .seconds(1, 2), rangeRun: .seconds(0, 9), messageCount: 5,
            started: .zero, milliseconds: 1.5)
        let push = a.push([.make(nil, 1, 5), .make(nil, 7, 9, isActive: true)], job: job)
        let receipt = try test.store.push([push])[0].get()
        #expect(receipt.ids == [1, 2] && receipt.createdCount == 2 && receipt.slotRevision == 3)
        let stored = try test.store.intervals(a.key, IntervalQuery())
        #expect(
            String(decoding: stored[0].json, as: UTF8.self)
                == #"{"begin":1,"end":5,"id":1,"timestamp":1000,"value":0}"#)
        #expect(stored[0].headCount == #"{"begin":1,"end":5"#.utf8.count && stored[1].isActive)
        let feed = try test.store.changes(slot: a.slot, after: 0, countMax: 10, withBodies: true)
        #expect(feed.map(\.operation) == [.created, .created, .activated])
        #expect(feed.map(\.revision) == [1, 2, 3] && feed.map(\.id) == [1, 2, 2])
        #expect(feed[0].json == stored[0].json)
        #expect(try test.store.assignment(a.key)?.marks.lastIntervalID == 2)
        #expect(try test.store.assignment(a.key)?.marks.logPosition == 7)
        let ledger = try test.store.jobs(a.key, countMax: 5)
        #expect(ledger.count == 1 && ledger[0].createdCount == 2 && ledger[0].rangeRun == job.rangeRun)
        let page = try test.store.intervalPage(a.key, IntervalQuery())
        #expect(page.json == stored[0].json + [UInt8(ascii: ",")] + stored[1].json && page.count == 2 && page.hasActive)
    }

    @Test("repeating a push changes nothing and gives the same ids")
    func repeated() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = test.store.push([a.push([.make(nil, 1, 5), .make(nil, 7, 9, isActive: true)])])
        let push = a.push(
            deletes: [1], [.make(2, 7, 12, value: 1), .make(nil, 1, 4), .make(nil, 20, 21, isActive: true)], at: 2000)
        let first = try test.store.push([push])[0].get()
        let before = try test.store.intervals(a.key, IntervalQuery())
        var late = push
        late.timestamp = Timestamp(seconds: 3000)
        let second = try test.store.push([late])[0].get()
        #expect(first.ids == [2, 3, 4] && second.ids == first.ids)
        #expect(second.createdCount + second.updatedCount + second.deletedCount == 0)
        #expect(second.slotRevision == first.slotRevision)
        #expect(try test.store.intervals(a.key, IntervalQuery()) == before)
    }

    @Test("feed rows of one push stand in the order deleted, created, updated, activated, deactivated")
    func feedOrder() throws {
        let test = try TestStore()
        let a = try test.assignment()
        let writes: [IntervalWrite] = [
            .make(nil, 1, 2), .make(nil, 3, 4, isActive: true), .make(nil, 5, 6), .make(nil, 7, 8),
        ]
        _ = test.store.push([a.push(writes)])
        let text = try test.store.intervals(a.key, IntervalQuery(ids: [1]))[0].json
        let revision = try test.store.slotRevisions()[Int(a.slot.rawValue)]
        let push = a.push(
            deletes: [1],
            [
                .make(2, 3, 4), .make(3, 5, 6, isActive: true), .make(4, 7, 9, isActive: true), .make(nil, 20, 21),
            ], at: 2000)
        _ = try test.store.push([push])[0].get()
        let feed = try test.store.changes(slot: a.slot, after: revision, countMax: 99, withBodies: false)
        #expect(feed.map(\.operation) == [.deleted, .created, .updated, .activated, .activated, .deactivated])
        #expect(feed.map(\.id) == [1, 5, 4, 3, 4, 2])
        #expect(feed[0].json == text && feed[1].json == nil)
        let kept = try test.store.intervals(a.key, IntervalQuery(ids: [3]))[0]
        #expect(kept.isActive && kept.timestamp == Timestamp(seconds: 1000))
    }

    @Test("first messages may move onto each other within a push, but not stay on each other")
    func firstMessages() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = test.store.push([a.push([.make(nil, 1, 2), .make(nil, 3, 4)])])
        let moved = try test.store.push([a.push([.make(nil, 1, 2), .make(1, 3, 4), .make(2, 5, 6)])])[0].get()
        #expect(moved.ids == [3, 1, 2])
        #expect(try test.store.heldIntervals(a.key).map(\.id) == [3, 1, 2])
        #expect(throws: StoreError.self) { try test.store.push([a.push([.make(3, 3, 4)])])[0].get() }
        #expect(throws: StoreError.self) { try test.store.push([a.push([.make(3, 8, 9), .make(3, 8, 9)])])[0].get() }
        // Only the first message moves: the row is found by the new one, and nobody is told.
        let quiet = try test.store.push([a.push([.make(2, 5, 6, firstOn: 6)])])[0].get()
        #expect(quiet.updatedCount == 0 && quiet.slotRevision == moved.slotRevision)
        #expect(try test.store.push([a.push([.make(nil, 5, 6, firstOn: 6)])])[0].get().ids == [2])
    }

    @Test("a fenced or stale push fails alone")
    func fence() throws {
        let test = try TestStore()
        let a = try test.assignment("a")
        let b = try test.assignment("b")
        var (old, good, revised, unknown) = (a, a, a, a)
        good.epoch = b.epoch
        revised.epoch = b.epoch
        unknown.epoch = b.epoch
        old.epoch = a.epoch
        let results = test.store.push([
            old.push([.make(nil, 1, 2)]), good.push([.make(nil, 3, 4)]),
            revised.push([.make(nil, 5, 6)], revision: 2), unknown.push([.make(77, 5, 6)]), b.push([.make(nil, 7, 8)]),
        ])
        #expect(results[0] == .failure(.fenced(slot: a.slot, epoch: a.epoch, current: b.epoch)))
        #expect(results[2] == .failure(.stale(a.key, reason: "calculator revision 2, now 1")))
        #expect(results[3] == .failure(.stale(a.key, reason: "interval 77 is not held")))
        #expect(try results[1].get().ids == [1] && results[4].get().ids == [1])
        #expect(try test.store.heldIntervals(a.key).map(\.begin) == [Timestamp(seconds: 3)])
        try test.store.releaseSlots(.all, owner: "worker")
        #expect(throws: StoreError.self) { try test.store.push([b.push([])])[0].get() }
        #expect(try test.store.heartBeat(owner: "worker", at: .zero).isEmpty)
    }

    @Test("a range gives the whole intervals that overlap it, the neighbours that reach in included")
    func ranges() throws {
        let test = try TestStore()
        let a = try test.assignment()
        // Ids do not follow the time; one begins before its first message, one ends on the next one's begin.
        _ = test.store.push([a.push([.make(nil, 50, 60), .make(nil, 10, 20)])])
        _ = test.store.push([a.push([.make(nil, 20, 30, firstOn: 25), .make(nil, 70, 95)])])
        func begins(_ query: IntervalQuery) throws -> [Int64] {
            try test.store.intervals(a.key, query).map { $0.begin.microseconds / 1_000_000 }
        }
        #expect(try begins(IntervalQuery()) == [10, 20, 50, 70])
        #expect(try begins(IntervalQuery(range: .seconds(20, 21))) == [10, 20])
        #expect(try begins(IntervalQuery(range: .seconds(21, 24))) == [20])
        #expect(try begins(IntervalQuery(range: .seconds(31, 50))) == [])
        #expect(try begins(IntervalQuery(range: .seconds(30, 51))) == [20, 50])
        #expect(try begins(IntervalQuery(range: .seconds(80, 81))) == [70])
        #expect(try begins(IntervalQuery(range: .seconds(0, 100), isReversed: true, countMax: 2)) == [70, 50])
        #expect(try begins(IntervalQuery(range: .seconds(0, 55), isLastOnly: true)) == [50])
        #expect(try begins(IntervalQuery(ids: [4, 2, 2, 99])) == [10, 70])
        #expect(try begins(IntervalQuery(range: .seconds(15, 99), ids: [1, 2, 4], countMax: 2)) == [10, 50])
        #expect(try begins(IntervalQuery(range: .seconds(5, 5))) == [])
    }

    @Test("replaying the feed gives the interval table, whatever was pushed", arguments: 1...8 as ClosedRange<UInt64>)
    func replay(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let test = try TestStore()
        let assignments = [try test.assignment("a"), try test.assignment("b"), try test.assignment("c")]
        let epochs = try test.store.claimAllSlots(owner: "worker", at: .zero)
        for step in 0..<60 {
            guard var a = assignments.randomElement(using: &random) else { continue }
            a.epoch = epochs[a.slot] ?? 0
            if step % 25 == 24 {
                _ = try test.store.unassign([a.key], at: .zero)
                _ = try test.store.assign([a.key], isEnabled: true, isAutoCreated: false)
            }
            let push = Self.randomPush(a, try test.store.heldIntervals(a.key), step, &random)
            let receipt = try test.store.push([push])[0].get()
            #expect(try test.store.push([push])[0].get().slotRevision == receipt.slotRevision)
        }
        for slot in Set(assignments.map(\.slot)) {
            let keys = assignments.filter { $0.slot == slot }.map(\.key)
            try Self.checkReplay(test.store, slot, keys)
        }
    }

    static func randomPush(
        _ a: TestAssignment, _ held: [HeldInterval], _ step: Int, _ random: inout SeededGenerator
    ) -> Push {
        var deletes: [Int64] = []
        var upserts: [IntervalWrite] = []
        for place in 0..<8 where Bool.random(using: &random) {
            let begin = Int64(place * 100 + Int.random(in: 0..<3, using: &random))
            let near = held.filter { $0.begin.microseconds / 100_000_000 == Int64(place) }
            if let old = near.first, Int.random(in: 0..<4, using: &random) > 0 {
                upserts.append(
                    .make(
                        old.id, begin, begin + 10, value: Int.random(in: 0..<2, using: &random),
                        isActive: Bool.random(using: &random)))
                deletes += near.dropFirst().map(\.id)
            } else {
                deletes += near.map(\.id)
                if Bool.random(using: &random) {
                    upserts.append(.make(nil, begin, begin + 5, isActive: Bool.random(using: &random)))
                }
            }
        }
        return a.push(deletes: deletes, upserts, at: Double(step))
    }

    private struct Entry: Hashable {
        var key: AssignmentKey
        var id: Int64
    }

    private static func checkReplay(_ store: SQLitePrimaryStore, _ slot: Slot, _ keys: [AssignmentKey]) throws {
        var table: [Entry: (begin: Timestamp, end: Timestamp, isActive: Bool)] = [:]
        var last: Int64 = 0
        for row in try store.changes(slot: slot, after: 0, countMax: 100_000, withBodies: false) {
            #expect(row.revision == last + 1)
            last = row.revision
            let entry = Entry(key: row.key, id: row.id)
            switch row.operation {
            case .deleted: #expect(table.removeValue(forKey: entry) != nil)
            case .created:
                #expect(table[entry] == nil)
                table[entry] = (row.begin, row.end, false)
            case .updated: table[entry] = (row.begin, row.end, table[entry]?.isActive ?? false)
            case .activated: table[entry]?.isActive = true
            case .deactivated: table[entry]?.isActive = false
            }
        }
        #expect(try store.slotRevisions()[Int(slot.rawValue)] == last)
        var count = 0
        for key in keys {
            for held in try store.heldIntervals(key) {
                let entry = table[Entry(key: key, id: held.id)]
                #expect(entry?.begin == held.begin && entry?.end == held.end && entry?.isActive == held.isActive)
                count += 1
            }
        }
        #expect(count == table.count)
    }

    @Test("a flipped byte of an interval is told, by name")
    func corruption() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = test.store.push([a.push([.make(nil, 1, 2, value: 1)])])
        try test.tamper("UPDATE intervals SET json = CAST(replace(json, 'value\":1', 'value\":3') AS BLOB)")
        #expect(
            throws: StoreError.corrupt("interval 1 of calculator \(a.key.calculator) on device \(a.key.device)")
        ) { try test.store.intervals(a.key, IntervalQuery()) }
    }
}
