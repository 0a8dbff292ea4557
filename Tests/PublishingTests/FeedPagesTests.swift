import PostgresClient
import PrimaryStore
@testable import Publishing
import Telemetry
import Testing

@Suite(.needsPostgres)
struct FeedPagesTests {
    /// The runs of a slot, so many intervals in each.
    private func runs(_ fleet: MadeFleet, _ slot: Slot, size: Int) -> [IntervalRun] {
        let mine = Dictionary(grouping: fleet.feed.filter { $0.slot == slot }, by: \.key)
        return mine.sorted { $0.key < $1.key }.flatMap { key, rows in
            let stored = rows.sorted { $0.id < $1.id }.map(\.stored)
            let starts = Array(stride(from: 0, to: stored.count, by: size))
            return starts.map { start in
                let end = min(start + size, stored.count)
                return IntervalRun(
                    key: key, after: start == 0 ? 0 : stored[start - 1].id,
                    upTo: end == stored.count ? IntervalRun.upToMax : stored[end - 1].id,
                    intervals: Array(stored[start..<end]))
            }
        }
    }

    private func rebuild(_ fleet: MadeFleet, _ sink: PostgresFeedSink, size: Int) throws -> DeliveryReceipt {
        var sum = DeliveryReceipt()
        for (slot, revision) in fleet.revisions {
            let runs = runs(fleet, slot, size: size)
            for start in stride(from: 0, to: runs.count, by: 2) {
                let part = Array(runs[start..<min(start + 2, runs.count)])
                let receipt = try sink.apply(part, slot: slot, revision: revision)
                sum.written += receipt.written
                sum.deleted += receipt.deleted
                sum.unchanged += receipt.unchanged
                // And again, as after an answer that was lost.
                let again = try sink.apply(part, slot: slot, revision: revision)
                #expect(again.written == 0 && again.deleted == 0)
            }
            let keys = Set(runs.map(\.key)).sorted()
            try sink.finishRuns(slot: slot, revision: revision, assignments: keys)
            try sink.finishRuns(slot: slot, revision: revision, assignments: keys)
        }
        return sum
    }

    @Test(
        "a rebuild by pages ends with the same rows as the feed, from nothing and from what is wrong",
        arguments: [1, 4, 500])
    func pages(size: Int) throws {
        try FleetDatabase.with { database in
            let fleet = MadeFleet(vehicles: 5, days: 2, seed: 9)
            let sink = try database.feedSink()
            defer { sink.close() }
            try fleet.deliver(to: sink)
            let right = try database.contents()
            let calm = try rebuild(fleet, sink, size: size)
            #expect(calm.written == 0 && calm.deleted == 0 && calm.unchanged == fleet.feed.count)
            #expect(try database.contents() == right)
            // From nothing.
            try FleetRebuild.fromNothing(database.connection, .intervals)
            #expect(try rebuild(fleet, sink, size: size).written == fleet.feed.count)
            #expect(try database.contents() == right)
            let cursors = try sink.open(store: FleetDatabase.store)
            #expect(cursors.revisions == fleet.revisions)
            // Over what another state of the store has left: others, more of them, and of assignments that are gone.
            var feed = FeedBuilder()
            try FleetRebuild.fromNothing(database.connection, .intervals)
            let wrong = fleet.feed.enumerated().filter { $0.offset % 3 != 0 }.map { index, row in
                let interval = Interval(row.begin.seconds - 60, row.end.seconds, ["distance": .number(Double(index))])
                return feed.row(
                    .created, index % 7 == 0 ? key(2, row.key.device.rawValue) : row.key, row.id + 3, interval)
            }
            for slot in Dictionary(grouping: wrong, by: \.slot).values { _ = try sink.apply(slot) }
            #expect(try database.contents() != right)
            // The cursors then ask for it themselves.
            try FleetRebuild.fromNothing(database.connection, .cursors)
            let ahead = try sink.open(store: FleetDatabase.store).revisions
            #expect(ahead.count == Slot.count && ahead.values.min() ?? 0 > fleet.revisions.values.max() ?? 0)
            let mended = try rebuild(fleet, sink, size: size)
            #expect(mended.written > 0 && mended.deleted + mended.unchanged > 0)
            #expect(try database.contents() == right)
        }
    }

    @Test("the end of a slot's pages drops what belongs to assignments that are gone")
    func finish() throws {
        try FleetDatabase.with { database in
            let fleet = MadeFleet(vehicles: 3, days: 1, seed: 2)
            let sink = try database.feedSink()
            defer { sink.close() }
            try fleet.deliver(to: sink)
            let gone = fleet.feed[0].key
            let slot = fleet.feed[0].slot
            let keys = Set(fleet.feed.map { $0.key })
            let others = keys.filter { $0 != gone && Slot(device: $0.device) == slot }
            try sink.finishRuns(slot: slot, revision: 999, assignments: others.sorted())
            let left = fleet.feed.filter { $0.key != gone }
            let tripCount = left.filter { $0.key.calculator.rawValue == 1 }.count
            #expect(try database.count("odograph.intervals") == left.count)
            #expect(try database.count("reporting.\"Trips\"") == tripCount)
            let cursors = try sink.open(store: FleetDatabase.store)
            #expect(cursors.revisions[slot] == 999)
        }
    }
}

extension FeedRow {
    fileprivate var stored: StoredInterval {
        StoredInterval(
            held: HeldInterval(id: id, firstOn: begin, begin: begin, end: end, isActive: isActive, digest: 0),
            timestamp: timestamp, calculatorRevision: calculatorRevision, json: json ?? [], headCount: 0)
    }
}
