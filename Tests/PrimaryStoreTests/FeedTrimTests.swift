import PrimaryStore
import SeededRandom
import Telemetry
import Testing

@Suite("Shortening the feed")
struct FeedTrimTests {
    private static func replay(_ store: SQLitePrimaryStore, _ slot: Slot, pageSize: Int) throws -> [Int64: [UInt8]] {
        var table: [Int64: [UInt8]] = [:]
        var active: Set<Int64> = []
        var after: Int64 = 0
        while true {
            let rows = try store.changes(slot: slot, after: after, countMax: pageSize, withBodies: true)
            for row in rows {
                switch row.operation {
                case .deleted:
                    table[row.id] = nil
                    active.remove(row.id)
                case .created, .updated: if let json = row.json { table[row.id] = json }
                case .activated: active.insert(row.id)
                case .deactivated: active.remove(row.id)
                }
            }
            guard let last = rows.last?.revision else { break }
            after = last
        }
        return table.mapValues { $0 }.reduce(into: [:]) { $0[$1.key] = $1.value + (active.contains($1.key) ? [1] : []) }
    }

    @Test("a replay from 0 gives the table of intervals, in pages of any size", arguments: 1...6 as ClosedRange<UInt64>)
    func replaying(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let test = try TestStore()
        let a = try test.assignment()
        for step in 1...40 {
            let held = try test.store.heldIntervals(a.key)
            _ = try test.store.push([PushTests.randomPush(a, held, step, &random)])[0].get()
        }
        let whole = try test.count("feed")
        let moment = Timestamp(seconds: Double(Int.random(in: 10...45, using: &random)))
        let dropped = try test.store.trimFeed(slot: a.slot, epoch: a.epoch, before: moment)
        #expect(try dropped > 0 && test.count("feed") == whole - Int64(dropped), "seed \(seed)")
        let expected = try test.store.intervals(a.key, IntervalQuery()).reduce(into: [:]) {
            $0[$1.id] = $1.json + ($1.isActive ? [1] : [])
        }
        for pageSize in [1, 7, 100_000] {
            #expect(try Self.replay(test.store, a.slot, pageSize: pageSize) == expected, "seed \(seed)")
        }
        #expect(try test.store.trimFeed(slot: a.slot, epoch: a.epoch, before: moment) == 0)
        #expect(try test.store.audit(slots: .all) == [])
    }

    @Test("whoever read a row last that was dropped is told to begin anew, and from where")
    func cursors() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = try test.store.push([a.push([.make(nil, 1, 2)], at: 100)])[0].get()
        for end in 3...6 {
            _ = try test.store.push([a.push([.make(1, 1, Int64(end))], at: Double(100 * end))])[0].get()
        }
        #expect(throws: StoreError.self) { try test.store.trimFeed(slot: a.slot, epoch: 9, before: .distantFuture) }
        #expect(try test.store.trimFeed(slot: a.slot, epoch: a.epoch, before: Timestamp(seconds: 450)) == 2)
        func revisions(_ after: Int64) throws -> [Int64] {
            try test.store.changes(slot: a.slot, after: after, countMax: 9, withBodies: false).map(\.revision)
        }
        #expect(try revisions(0) == [1, 4, 5] && revisions(3) == [4, 5] && revisions(4) == [5])
        #expect(throws: StoreError.cursorTooOld(slot: a.slot, snapshotRevision: 5)) { try revisions(2) }
        #expect(try revisions(5).isEmpty)
    }

    @Test("a row that vanished from the feed is noticed by whoever reads over it, or to its end")
    func vanished() throws {
        let test = try TestStore()
        let a = try test.assignment()
        for second: Int64 in [10, 20, 30] { _ = test.store.push([a.push([.make(nil, second, second + 5)])]) }
        try test.tamper("DELETE FROM feed WHERE rev = 2")
        let name = "feed of slot \(a.slot.rawValue): row 2 is missing"
        #expect(throws: StoreError.corrupt(name)) {
            try test.store.changes(slot: a.slot, after: 0, countMax: 9, withBodies: false)
        }
        #expect(try test.store.changes(slot: a.slot, after: 2, countMax: 9, withBodies: false).count == 1)
        try test.tamper("DELETE FROM feed WHERE rev = 3")
        #expect(throws: StoreError.self) {
            try test.store.changes(slot: a.slot, after: 2, countMax: 9, withBodies: false)
        }
    }
}
