import Foundation
import PrimaryStore
import Synchronization
import Telemetry
import Testing

@Suite("Message log and archive")
struct LogTests {
    @Test("batches come back in the order of their positions, with their messages and parameter names")
    func roundTrip() throws {
        let test = try TestStore()
        let (a, b) = (try test.device("a"), try test.device("b"))
        let first = batch(test.store.parameters, [1, 2, 3])
        let second = batch(test.store.parameters, [9], parameter: "engine.rpm")
        let positions = try test.store.append([
            LogAppend(device: a, batch: first), LogAppend(device: b, batch: second),
        ])
        #expect(positions == [1, 2])
        try test.reopen()
        #expect(test.store.parameters.names(from: 0) == ["position.speed", "engine.rpm"])
        #expect(test.store.lastPosition == 2)
        let page = try test.store.readLog(after: 0, slots: .all)
        #expect(page.entries.map(\.device) == [a, b] && page.reached == 2 && !page.isCut)
        #expect(try page.entries[0].batch() == first)
        #expect(try page.entries[1].batch() == second)
    }

    @Test("a page stops at its limit, skips other slots and says how far it came")
    func pages() throws {
        let test = try TestStore()
        let (a, b) = (try test.device("a"), try test.device("b"))
        for second in 1...6 {
            let device = second % 2 == 1 ? a : b
            _ = try test.store.append([
                LogAppend(device: device, batch: batch(test.store.parameters, [Int64(second)]))
            ])
        }
        let slots: SlotSet = [Slot(device: a)]
        let limit = LogLimit(entryCountMax: 2)
        let page = try test.store.readLog(after: 0, upTo: nil, slots: slots, limit: limit)
        #expect(page.entries.map(\.position) == [1, 3] && page.reached == 3 && page.isCut)
        let rest = try test.store.readLog(after: page.reached, upTo: nil, slots: slots, limit: limit)
        #expect(rest.entries.map(\.position) == [5] && rest.reached == 6 && !rest.isCut)
        let bounded = try test.store.readLog(after: 0, upTo: 4, slots: .all, limit: LogLimit())
        #expect(bounded.entries.count == 4 && bounded.reached == 4)
        #expect(try test.store.readLog(device: b, after: 2).entries.map(\.position) == [4, 6])
        let pending = try test.store.pendingLog()
        #expect(pending.map(\.device) == [a, b])
        #expect(pending[1].messageCount == 3 && pending[1].firstPosition == 2 && pending[1].lastPosition == 6)
    }

    @Test("a batch for a device that is not there, or without messages, is refused and takes nothing with it")
    func refused() throws {
        let test = try TestStore()
        let device = try test.device()
        let good = LogAppend(device: device, batch: batch(test.store.parameters, [1]))
        #expect(throws: StoreError.notFound("device 99")) {
            try test.store.append([good, LogAppend(device: DeviceID(99), batch: good.batch)])
        }
        #expect(throws: StoreError.self) { try test.store.append([LogAppend(device: device, batch: MessageBatch())]) }
        #expect(try test.store.readLog(after: 0, slots: .all).entries.isEmpty)
        #expect(try test.store.append([good]).count == 1)
    }

    @Test("threads that append at once get distinct positions, ascending for each, and nothing is lost")
    func concurrent() throws {
        let test = try TestStore()
        let store = test.store
        let device = try test.device()
        let all = Mutex<[[Int64]]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            var mine: [Int64] = []
            for second in 0..<50 {
                let append = LogAppend(device: device, batch: batch(store.parameters, [Int64(second)]))
                mine += (try? store.append([append])) ?? []
            }
            all.withLock { $0.append(mine) }
        }
        let positions = all.withLock { $0 }
        #expect(positions.allSatisfy { $0.count == 50 && $0 == $0.sorted() })
        #expect(Set(positions.joined()).count == 200)
        let page = try store.readLog(after: 0, slots: .all)
        #expect(page.entries.map(\.position) == positions.joined().sorted())
    }

    @Test("appending can be awaited")
    func awaiting() async throws {
        let test = try TestStore()
        let device = try test.device()
        let appended = LogAppend(device: device, batch: batch(test.store.parameters, [1]))
        #expect(try await test.store.append([appended]) == [1])
    }

    @Test("positions are never given twice, though the log was trimmed before the store was opened anew")
    func positionsSurvive() throws {
        let test = try TestStore()
        let device = try test.device()
        let slot = Slot(device: device)
        let appended = LogAppend(device: device, batch: batch(test.store.parameters, [1]))
        _ = try test.store.append([appended])
        let epoch = try test.store.claimAllSlots(owner: "w", at: .zero)[slot] ?? 0
        try test.store.seal(Seal(slot: slot, epoch: epoch, device: device, replaced: [], chunks: [], upTo: 1))
        try test.reopen()
        #expect(try test.store.readLog(after: 0, slots: .all).entries.isEmpty)
        #expect(try test.store.append([appended]) == [2])
    }

    private func chunk(_ first: Int64, _ last: Int64) -> Seal.Chunk {
        Seal.Chunk(
            first: Timestamp(microseconds: first), last: Timestamp(microseconds: last), count: 2,
            bytes: [UInt8(truncatingIfNeeded: first), 1, 2, 3])
    }

    private func range(_ lower: Int64, _ upper: Int64) -> TimeRange {
        TimeRange(lower: Timestamp(microseconds: lower), upper: Timestamp(microseconds: upper))
    }

    @Test("sealing replaces chunks, sets the mark and trims the log, all or nothing, under the fence")
    func sealing() throws {
        let test = try TestStore()
        let device = try test.device()
        let slot = Slot(device: device)
        for second in 1...3 {
            _ = try test.store.append([
                LogAppend(device: device, batch: batch(test.store.parameters, [Int64(second)]))
            ])
        }
        let epoch = try test.store.claimAllSlots(owner: "w", at: .zero)[slot] ?? 0
        var seal = Seal(
            slot: slot, epoch: epoch, device: device, replaced: [], chunks: [chunk(10, 20), chunk(30, 40)], upTo: 2)
        try test.store.seal(seal)
        #expect(try test.store.archiveMark(device: device) == 2)
        #expect(try test.store.readLog(device: device, after: 0).entries.map(\.position) == [3])
        func firsts(_ lower: Int64, _ upper: Int64) throws -> [Int64] {
            try test.store.archivedChunks(device: device, overlapping: range(lower, upper)).map(\.first.microseconds)
        }
        #expect(try firsts(20, 30) == [10])
        #expect(try firsts(21, 30).isEmpty)
        #expect(try firsts(15, 31) == [10, 30])
        #expect(try firsts(0, 10).isEmpty)
        #expect(try firsts(40, 99) == [30])

        seal.replaced = [Timestamp(microseconds: 30)]
        seal.chunks = [chunk(20, 45)]
        seal.upTo = 3
        #expect(throws: StoreError.self) { try test.store.seal(seal) }
        #expect(try firsts(0, 99) == [10, 30])
        seal.chunks = [chunk(21, 45)]
        seal.epoch -= 1
        #expect(throws: StoreError.fenced(slot: slot, epoch: epoch - 1, current: epoch)) { try test.store.seal(seal) }
        seal.epoch = epoch
        try test.store.seal(seal)
        var copied: [ArchivedChunk] = []
        try test.store.forEachArchivedChunk(device: device) { chunk in
            copied.append(chunk)
            return true
        }
        #expect(copied.map(\.first.microseconds) == [10, 21] && copied.map(\.upTo) == [2, 3])
        #expect(try test.store.pendingLog().isEmpty)
    }

    @Test("a flipped byte is told, by name", arguments: ["log", "chunks"])
    func corruption(table: String) throws {
        let test = try TestStore()
        let device = try test.device()
        let slot = Slot(device: device)
        _ = try test.store.append([LogAppend(device: device, batch: batch(test.store.parameters, [1, 2]))])
        let epoch = try test.store.claimAllSlots(owner: "w", at: .zero)[slot] ?? 0
        try test.store.seal(
            Seal(slot: slot, epoch: epoch, device: device, replaced: [], chunks: [chunk(1, 2)], upTo: 0))
        try test.tamper("UPDATE \(table) SET bytes = CAST(substr(bytes, 1, 3) || x'ff' || substr(bytes, 5) AS BLOB)")
        if table == "log" {
            #expect(throws: StoreError.corrupt("log batch at position 1 of device \(device)")) {
                try test.store.readLog(after: 0, slots: .all)
            }
        } else {
            #expect(throws: StoreError.corrupt("chunk at 1 of device \(device)")) {
                try test.store.archivedChunks(device: device, overlapping: .all)
            }
        }
    }
}
