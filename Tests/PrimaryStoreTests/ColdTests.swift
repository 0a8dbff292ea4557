import MessageChunks
import PrimaryStore
import Telemetry
import Testing

@Suite("Chunks for the long run")
struct ColdTests {
    private static let days: [Int64] = [0, 1, 2, 40]

    /// A device with a chunk on each of some days.
    private final class Rig {
        let test: TestStore
        let a: TestAssignment

        init() throws {
            test = try TestStore()
            a = try test.assignment()
            _ = try test.store.append([LogAppend(device: a.key.device, batch: batch(test.store.parameters, [1]))])
            try seal(ColdTests.days.map { $0 * 86_400 }, upTo: 1)
        }

        func seal(_ firsts: [Int64], replaced: [Int64] = [], upTo: Int64) throws {
            let chunks = firsts.map { first in
                Seal.Chunk(
                    first: Timestamp(seconds: Double(first)), last: Timestamp(seconds: Double(first + 50)), count: 2,
                    bytes: MessageChunk.encode(batch(test.store.parameters, [first, first + 50])))
            }
            try test.store.seal(
                Seal(
                    slot: a.slot, epoch: a.epoch, device: a.key.device,
                    replaced: replaced.map { Timestamp(seconds: Double($0)) }, chunks: chunks, upTo: upTo))
        }

        func chunks() throws -> [ArchivedChunk] {
            try test.store.archivedChunks(device: a.key.device, overlapping: .all)
        }

        func warm(after place: ChunkPlace? = nil, countMax: Int = 100) throws -> [ChunkPlace] {
            try test.store.warmChunks(
                endingBefore: Timestamp(seconds: 30 * 86_400), after: place, countMax: countMax)
        }

        func cool(_ chunk: ArchivedChunk, epoch: Int64? = nil) -> Result<Void, StoreError> {
            let bytes = (try? MessageChunk(chunk.bytes).batch()).map {
                MessageChunk.encodeSealed($0, names: test.store.parameters, isCold: true)
            }
            let cooling = Cooling(
                slot: a.slot, epoch: epoch ?? a.epoch, device: a.key.device, chunk: chunk, bytes: bytes ?? [])
            return test.store.cool([cooling])[0]
        }
    }

    @Test("those that end before a moment are listed page by page, until they are stored for the long run")
    func list() throws {
        let rig = try Rig()
        let all = try rig.warm()
        #expect(all.map(\.first.seconds) == [0, 86_400, 172_800] && all.allSatisfy { $0.device == rig.a.key.device })
        let page = try rig.warm(countMax: 2)
        #expect(page + (try rig.warm(after: page[1], countMax: 2)) == all)
        try rig.cool(try rig.chunks()[1]).get()
        #expect(try rig.warm() == [all[0], all[2]])
    }

    @Test("the messages, what they cover and what is noted of them stay")
    func content() throws {
        let rig = try Rig()
        let before = try rig.chunks()
        for chunk in before { try rig.cool(chunk).get() }
        let after = try rig.chunks()
        #expect(after.allSatisfy(\.isCold) && after.map(\.upTo) == before.map(\.upTo))
        #expect(after.map(\.first) == before.map(\.first) && after.map(\.last) == before.map(\.last))
        for (chunk, old) in zip(after, before) {
            #expect(try MessageChunk(chunk.bytes).batch() == MessageChunk(old.bytes).batch())
        }
        #expect(try rig.test.store.audit(slots: .all) == [])
        #expect(try rig.test.store.damagedChunks(device: rig.a.key.device).isEmpty)
        try rig.test.reopen()
        #expect(try rig.chunks() == after)
    }

    @Test("a chunk that has changed since it was read is left alone, and so is that of a former owner")
    func refused() throws {
        let rig = try Rig()
        let old = try rig.chunks()[0]
        #expect(throws: StoreError.self) { try rig.cool(old, epoch: rig.a.epoch - 1).get() }
        _ = try rig.test.store.append([
            LogAppend(device: rig.a.key.device, batch: batch(rig.test.store.parameters, [2]))
        ])
        try rig.seal([0], replaced: [0], upTo: 2)
        #expect(throws: StoreError.self) { try rig.cool(old).get() }
        #expect(try rig.chunks().allSatisfy { !$0.isCold })
    }

    @Test("a chunk that a seal replaces is warm again")
    func warmAgain() throws {
        let rig = try Rig()
        for chunk in try rig.chunks() { try rig.cool(chunk).get() }
        #expect(try rig.warm().isEmpty)
        _ = try rig.test.store.append([
            LogAppend(device: rig.a.key.device, batch: batch(rig.test.store.parameters, [2]))
        ])
        try rig.seal([86_400], replaced: [86_400], upTo: 2)
        #expect(try rig.warm().map(\.first.seconds) == [86_400])
        #expect(try rig.test.store.audit(slots: .all) == [])
    }

    @Test("a row that says it is stored otherwise than it is, is damaged", arguments: [0, 1])
    func flag(_ isCold: Int) throws {
        let rig = try Rig()
        if isCold == 0 { try rig.cool(try rig.chunks()[0]).get() }
        try rig.test.tamper("UPDATE chunks SET is_cold = \(isCold) WHERE first = 0")
        #expect(throws: StoreError.self) { try rig.chunks() }
        #expect(try rig.test.store.damagedChunks(device: rig.a.key.device).map(\.first) == [.zero])
    }
}
