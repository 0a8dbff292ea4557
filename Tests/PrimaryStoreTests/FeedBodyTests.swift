import PrimaryStore
import Telemetry
import Testing

@Suite("The feed and the intervals, for readers from outside")
struct FeedBodyTests {
    @Test("a row tells with the text whether the interval is active now, and by which revision it was calculated")
    func bodies() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = try test.store.push([a.push([.make(nil, 1, 2), .make(nil, 5, 6, isActive: true)])])[0].get()
        _ = try test.store.replaceCalculator(a.key.calculator, name: "trips", json: "{}", expecting: nil)
        _ = try test.store.push([a.push(deletes: [1], [.make(2, 5, 9, isActive: true)], revision: 2)])[0].get()
        func rows(_ withBodies: Bool) throws -> [FeedRow] {
            try test.store.changes(slot: a.slot, after: 0, countMax: 99, withBodies: withBodies)
        }
        let held = try test.store.intervals(a.key, IntervalQuery())
        for row in try rows(true) where row.operation != .deleted {
            let stored = held.first { $0.id == row.id }
            #expect(row.json == stored?.json && row.isActive == (stored?.isActive ?? false))
            #expect(row.calculatorRevision == stored?.calculatorRevision ?? 0)
        }
        let (one, two) = (try rows(true), try rows(true).filter { $0.id == 2 })
        #expect(one.contains { $0.id == 1 && $0.operation == .created && $0.json == nil })
        #expect(!two.isEmpty && two.allSatisfy { $0.isActive && $0.calculatorRevision == 2 })
        #expect(two.allSatisfy { $0.begin == Timestamp(seconds: 5) && $0.end == Timestamp(seconds: 9) })
        #expect(try rows(false).first { $0.id == 2 }?.end == Timestamp(seconds: 6))
        #expect(try rows(false).allSatisfy { $0.operation == .deleted || $0.json == nil && !$0.isActive })
    }

    @Test("rows and intervals stop at a number and at a number of bytes, and one at least is given")
    func limits() throws {
        let test = try TestStore()
        let a = try test.assignment()
        _ = try test.store.push([a.push((0..<20).map { .make(nil, $0 * 10, $0 * 10 + 5) })])[0].get()
        let sizes = try test.store.intervals(a.key, IntervalQuery()).map(\.json.count)
        func rows(_ after: Int64, _ count: Int, _ bytes: Int) throws -> [Int64] {
            let rows = try test.store.changes(
                slot: a.slot, after: after, countMax: count, byteCountMax: bytes, withBodies: true)
            return rows.map(\.revision)
        }
        func ids(_ after: Int64, _ count: Int, _ bytes: Int) throws -> [Int64] {
            try test.store.intervals(a.key, after: after, countMax: count, byteCountMax: bytes).map(\.id)
        }
        for read in [rows, ids] {
            #expect(try read(0, 99, .max) == Array(1...20) && read(15, 3, .max) == [16, 17, 18])
            #expect(try read(4, 99, 1) == [5] && read(20, 99, 1).isEmpty)
            #expect(try read(0, 99, sizes[0] + sizes[1] + sizes[2]) == [1, 2, 3])
            #expect(try read(0, 99, sizes[0] + sizes[1] + sizes[2] - 1) == [1, 2])
        }
    }

    @Test("the store is known by one identity however often it is opened")
    func identity() throws {
        let test = try TestStore()
        let identity = test.store.storeIdentity
        try test.reopen()
        #expect(test.store.storeIdentity == identity && identity.hasPrefix(String(test.store.storeID, radix: 16)))
        #expect(try TestStore().store.storeIdentity != identity)
    }
}
