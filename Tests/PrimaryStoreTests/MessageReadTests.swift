import Foundation
import MessageChunks
import PrimaryStore
import SQLiteClient
import SeededRandom
import Telemetry
import Testing

@Suite("Reading all messages from outside")
struct MessageReadTests {
    /// A store whose devices get messages and are sealed, with all that was appended and where.
    private final class Rig {
        let test: TestStore
        var random: SeededGenerator
        let devices: [DeviceID]
        let epochs: [Slot: Int64]
        var positions: [MessageReader.Message: Int64] = [:]
        private var nextSecond: Int64 = 0

        init(seed: UInt64) throws {
            test = try TestStore()
            random = SeededGenerator(seed: seed)
            let test = test
            devices = try (0..<4).map { try test.device("d\($0)") }
            epochs = try test.store.claimAllSlots(owner: "worker", at: .zero)
        }

        var store: SQLitePrimaryStore { test.store }

        func append() throws {
            let device = devices.randomElement(using: &random) ?? devices[0]
            // Some come late: their second was passed over before.
            let seconds = (0..<Int.random(in: 1...9, using: &random)).map { _ -> Int64 in
                nextSecond += 1
                return Bool.random(using: &random) ? nextSecond : 1_000_000 - nextSecond
            }
            let position = try store.append([LogAppend(device: device, batch: batch(store.parameters, seconds))])[0]
            for second in seconds { positions[.init(device: device, second: second)] = position }
        }

        /// Seals the log of a device up to one of its positions, or cuts its last chunks anew.
        func seal(_ device: DeviceID) throws {
            let entries = try store.readLog(device: device, after: 0).entries
            let taken = entries.prefix(Int.random(in: 0...entries.count, using: &random))
            let new = try taken.flatMap { try $0.batch().timestamps.map { $0 / 1_000_000 } }
            let present = try store.archivedChunks(device: device, overlapping: .all)
            let begin = new.min() ?? (Bool.random(using: &random) ? 0 : 999_000)
            let replaced = present.filter { $0.last.microseconds / 1_000_000 >= begin }
            let old = try replaced.flatMap { try MessageChunk($0.bytes).timestamps().map { $0 / 1_000_000 } }
            let upTo = try taken.last?.position ?? store.archiveMark(device: device)
            try store.seal(
                Seal(
                    slot: Slot(device: device), epoch: epochs[Slot(device: device)] ?? 0, device: device,
                    replaced: replaced.map(\.first), chunks: chunks((old + new).sorted()), upTo: upTo))
        }

        private func chunks(_ seconds: [Int64]) -> [Seal.Chunk] {
            var rest = seconds[...]
            var chunks: [Seal.Chunk] = []
            while let first = rest.first {
                let part = Array(rest.prefix(Int.random(in: 1...12, using: &random)))
                rest = rest.dropFirst(part.count)
                chunks.append(
                    Seal.Chunk(
                        first: Timestamp(microseconds: first * 1_000_000),
                        last: Timestamp(microseconds: (part.last ?? first) * 1_000_000), count: part.count,
                        bytes: MessageChunk.encode(batch(store.parameters, part))))
            }
            return chunks
        }

        func randomLimit() -> MessageLimit {
            MessageLimit(messageCountMax: Int.random(in: 1...30, using: &random))
        }

        /// What was appended up to the reader's position and not given to it.
        func missed(_ reader: MessageReader) -> [MessageReader.Message] {
            positions.filter { $0.value <= reader.cursor.position && reader.given[$0.key] == nil }.map(\.key)
        }
    }

    @Test("whatever is sealed meanwhile, nothing up to the reader's position was missed", arguments: 1...40)
    func random(seed: Int) throws {
        let rig = try Rig(seed: UInt64(seed))
        let reader = MessageReader(rig.store)
        var catchUpCount = 0
        for step in 0..<300 {
            switch Int.random(in: 0..<16, using: &rig.random) {
            case 0..<7: try rig.append()
            case 7..<10: try rig.seal(rig.devices.randomElement(using: &rig.random) ?? rig.devices[0])
            case 10: if Int.random(in: 0..<4, using: &rig.random) == 0 { reader.restart() }
            // For a while it does not read, so that it has to catch up at least once.
            case _ where (180..<230).contains(step): break
            default: _ = try reader.read(rig.randomLimit())
            }
            if reader.cursor.isCatchingUp { catchUpCount += 1 }
            #expect(rig.missed(reader).isEmpty, "seed \(seed), step \(step)")
        }
        while try reader.read(rig.randomLimit()) {}
        #expect(reader.cursor == MessageCursor(position: rig.store.lastPosition), "seed \(seed)")
        #expect(Set(reader.given.keys) == Set(rig.positions.keys) && reader.damaged.isEmpty, "seed \(seed)")
        #expect(catchUpCount > 0, "seed \(seed): no catch-up was tested")
    }

    @Test("a reader that is ahead of every seal is given each batch once, and none of the chunks")
    func steady() throws {
        let rig = try Rig(seed: 7)
        let reader = MessageReader(rig.store)
        for _ in 0..<60 {
            try rig.append()
            while try reader.read() {}
            for device in rig.devices { try rig.seal(device) }
            let page = try rig.store.readMessages(after: reader.cursor, limit: MessageLimit())
            #expect(page.messageCount == 0 && !page.hasMore && page.next == reader.cursor)
        }
        #expect(reader.given.values.allSatisfy { $0 == 1 } && reader.given.count == rig.positions.count)
    }

    @Test("a read costs one probe of an index, and the chunks and the log are found by theirs")
    func plans() throws {
        let rig = try Rig(seed: 8)
        let connection = try Connection(path: rig.test.folder + "/primary.db", mode: .readOnly)
        func plan(_ sql: String) throws -> String {
            var steps: [String] = []
            try connection.statement("EXPLAIN QUERY PLAN " + sql).forEachRow { steps.append($0.text(3)) }
            return steps.joined(separator: "; ")
        }
        let probe = "SEARCH archive_marks USING COVERING INDEX archive_marks_by_position (position>?)"
        #expect(try plan("SELECT 1 FROM archive_marks WHERE position > ? LIMIT 1") == probe)
        let log = "SELECT position, bytes FROM log WHERE position > ? AND position <= ? ORDER BY position"
        #expect(try plan(log) == "SEARCH log USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)")
        let chunks = """
            SELECT bytes FROM chunks INDEXED BY chunks_by_upto WHERE device = ? AND upto > ? AND upto >= ?
            """
        #expect(try plan(chunks) == "SEARCH chunks USING INDEX chunks_by_upto (device=? AND upto>?)")
    }

    @Test("what is damaged is passed over and told, and the rest is given")
    func damaged() throws {
        let rig = try Rig(seed: 9)
        for _ in 0..<40 { try rig.append() }
        for device in rig.devices { try rig.seal(device) }
        let chunk = try #require(try rig.store.archivedChunks(device: rig.devices[0], overlapping: .all).last)
        let pending = try #require(try rig.store.pendingLog().first)
        for column in ["bytes = x'00'", "upto = 1 << 40", "upto = -5"] {
            try rig.test.tamper(
                "UPDATE chunks SET \(column) WHERE device = \(rig.devices[0]) AND first = \(chunk.first.microseconds)")
            let reader = MessageReader(rig.store)
            while try reader.read(rig.randomLimit()) {}
            #expect(reader.given.count == rig.positions.count - chunk.count, "\(column)")
            #expect(column == "upto = -5" || !reader.damaged.isEmpty)
        }
        try rig.test.tamper("UPDATE log SET bytes = x'00' WHERE position = \(pending.firstPosition)")
        let reader = MessageReader(rig.store)
        while try reader.read(rig.randomLimit()) {}
        let name = "log batch at position \(pending.firstPosition) of device \(pending.device)"
        #expect(reader.damaged.contains(name) && reader.cursor.position == rig.store.lastPosition)
    }
}
