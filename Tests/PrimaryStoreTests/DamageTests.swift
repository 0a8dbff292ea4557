import MessageChunks
import PrimaryStore
import Telemetry
import Testing

@Suite("Damaged chunks")
struct DamageTests {
    /// A device with three chunks in two months.
    private final class Rig {
        let test: TestStore
        let a: TestAssignment
        let chunks: [Seal.Chunk]

        init() throws {
            test = try TestStore()
            a = try test.assignment()
            let table = test.store.parameters
            _ = try test.store.append([LogAppend(device: a.key.device, batch: batch(table, [1]))])
            chunks = [0, 86_400, 3_000_000].map { (first: Int64) -> Seal.Chunk in
                Seal.Chunk(
                    first: Timestamp(microseconds: first * 1_000_000),
                    last: Timestamp(microseconds: (first + 50) * 1_000_000), count: 2,
                    bytes: MessageChunk.encode(batch(table, [first, first + 50])))
            }
            try test.store.seal(
                Seal(slot: a.slot, epoch: a.epoch, device: a.key.device, replaced: [], chunks: chunks, upTo: 1))
        }

        func all() throws -> [Seal.Chunk] {
            try test.store.archivedChunks(device: a.key.device, overlapping: .all).map {
                Seal.Chunk(first: $0.first, last: $0.last, count: $0.count, bytes: $0.bytes)
            }
        }

        func damaged() throws -> [DamagedChunk] { try test.store.damagedChunks(device: a.key.device) }

        func setApart(_ chunk: DamagedChunk) throws {
            try test.store.setApart(chunk, slot: a.slot, epoch: a.epoch, at: Timestamp(seconds: 9))
        }
    }

    private static let damages = [
        "bytes = CAST(substr(bytes, 1, 30) || x'ff' || substr(bytes, 32) AS BLOB)", "count = count + 1",
        "last = last + 1", "upto = 7", "crc = crc + 1", "bytes = x''",
    ]

    @Test("a damaged chunk is found, set apart with its bytes, and repaired from a copy", arguments: damages)
    func apart(change: String) throws {
        let rig = try Rig()
        try rig.test.tamper("UPDATE chunks SET \(change) WHERE first = 86400000000")
        #expect(throws: StoreError.self) { try rig.all() }
        let damaged = try rig.damaged()
        #expect(damaged.count == 1 && damaged[0].first == rig.chunks[1].first && damaged[0].since == nil)
        try rig.setApart(damaged[0])
        #expect(try rig.all() == [rig.chunks[0], rig.chunks[2]])
        let apart = try rig.test.store.damagedChunks(device: nil)
        #expect(apart.count == 1 && apart[0].since == Timestamp(seconds: 9))
        #expect(try rig.damaged() == apart && rig.test.store.audit(slots: .all) == [])
        #expect(throws: StoreError.self) { try rig.setApart(damaged[0]) }
        try rig.test.store.repair(apart[0], with: rig.chunks[1], slot: rig.a.slot, epoch: rig.a.epoch)
        #expect(try rig.all() == rig.chunks && rig.damaged().isEmpty)
        #expect(try rig.test.store.audit(slots: .all) == [])
    }

    @Test("a damaged chunk is repaired where it stands, under the fence, and one that is whole is not touched")
    func repair() throws {
        let rig = try Rig()
        let store = rig.test.store
        try rig.test.tamper("UPDATE chunks SET \(Self.damages[0]) WHERE first = 0")
        let damaged = try rig.damaged()[0]
        #expect(throws: StoreError.self) {
            try store.repair(damaged, with: rig.chunks[0], slot: rig.a.slot, epoch: rig.a.epoch + 1)
        }
        try store.repair(damaged, with: rig.chunks[0], slot: rig.a.slot, epoch: rig.a.epoch)
        #expect(try rig.all() == rig.chunks && store.audit(slots: .all) == [])
        #expect(throws: StoreError.self) {
            try store.repair(damaged, with: rig.chunks[0], slot: rig.a.slot, epoch: rig.a.epoch)
        }
        #expect(throws: StoreError.self) { try rig.setApart(damaged) }
        #expect(try rig.all() == rig.chunks)
    }

    @Test("a chunk that vanished is told by its month, and once that is set apart the others are read again")
    func vanished() throws {
        let rig = try Rig()
        try rig.test.tamper("DELETE FROM chunks WHERE first = 86400000000")
        #expect(throws: StoreError.corrupt("1 of 2 chunks of device \(rig.a.key.device) of 1970-01 are missing")) {
            try rig.all()
        }
        // What lies in another month is read all the same.
        let range = TimeRange.seconds(2_900_000, 9_000_000)
        #expect(try rig.test.store.archivedChunks(device: rig.a.key.device, overlapping: range).count == 1)
        let damaged = try rig.damaged()
        #expect(damaged.count == 1 && damaged[0].count == 0 && damaged[0].first == .zero)
        try rig.setApart(damaged[0])
        #expect(try rig.all() == [rig.chunks[0], rig.chunks[2]] && rig.test.store.audit(slots: .all) == [])
        #expect(try rig.damaged().map(\.since) == [Timestamp(seconds: 9)])
    }
}
