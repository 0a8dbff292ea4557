import MessageChunks
import SQLiteClient
import Telemetry
import Testing

@testable import PrimaryStore

@Suite("A full disk")
struct DiskFullTests {
    private let test: TestStore
    private let a: TestAssignment
    private let big: MessageBatch

    init() throws {
        test = try TestStore()
        a = try test.assignment()
        big = batch(test.store.parameters, (0..<50_000).map { $0 * $0 })
        _ = try test.store.append([LogAppend(device: a.key.device, batch: batch(test.store.parameters, [1]))])
        _ = try test.store.push([a.push([.make(nil, 1, 2)])])[0].get()
    }

    private func limit(_ pageCount: Int) throws {
        _ = try test.store.write { try $0.connection.integer("PRAGMA max_page_count = \(pageCount)") }
    }

    /// Calls that each write more than there is room for.
    private static let writes: [String: @Sendable (DiskFullTests) throws -> Void] = [
        "append": { rig in
            _ = try rig.test.store.append([LogAppend(device: rig.a.key.device, batch: rig.big)])
        },
        "push": { rig in
            var write = IntervalWrite.make(nil, 100, 200)
            write.tail = Array(repeating: 32, count: 200_000)
            _ = try rig.test.store.push([rig.a.push([write], at: 2000)])[0].get()
        },
        "seal": { rig in
            let chunk = Seal.Chunk(
                first: .zero, last: Timestamp(seconds: 50), count: 50_000, bytes: MessageChunk.encode(rig.big))
            try rig.test.store.seal(
                Seal(
                    slot: rig.a.slot, epoch: rig.a.epoch, device: rig.a.key.device, replaced: [], chunks: [chunk],
                    upTo: 1))
        },
        "expire": { rig in
            let state = HorizonState(calculatorRevision: 1, bytes: Array(repeating: 7, count: 200_000))
            let change = AssignmentExpiry(
                key: rig.a.key, basePosition: 7, horizon: Timestamp(seconds: 50), state: state,
                intervalsBefore: Timestamp(seconds: 50))
            _ = try rig.test.store.expire([
                Expiry(
                    slot: rig.a.slot, epoch: rig.a.epoch, device: rig.a.key.device,
                    horizon: Timestamp(seconds: 50), assignments: [change], at: .zero)
            ])[0].get()
        },
    ]

    @Test(
        "what has no room leaves nothing half written; reads go on, and so do writes once there is room",
        arguments: ["append", "push", "seal", "expire"])
    func full(name: String) throws {
        let write = try #require(Self.writes[name])
        try limit(1)
        func everything() throws -> String {
            let store = test.store
            return """
                \(store.lastPosition) \(try store.readLog(after: 0, slots: .all).entries.count) \
                \(try store.intervals(a.key, IntervalQuery())) \(try store.assignment(a.key) as Any) \
                \(try store.slotLeases()) \(try store.horizon(device: a.key.device)) \
                \(try store.archivedChunks(device: a.key.device, overlapping: .all).count)
                """
        }
        let before = try everything()
        for _ in 0..<3 { #expect(throws: StoreError.diskFull) { try write(self) } }
        #expect(try everything() == before)
        #expect(try test.store.audit(slots: .all) == [])
        try limit(100_000)
        try write(self)
        #expect(try everything() != before)
        #expect(try test.store.audit(slots: .all) == [])
        try test.reopen()
        #expect(try test.store.audit(slots: .all) == [])
    }

    @Test("of a group the write that has no room fails, and what is told of the log is of those that had")
    func group() throws {
        try limit(1)
        let small = LogAppend(device: a.key.device, batch: batch(test.store.parameters, [9]))
        #expect(throws: StoreError.diskFull) {
            try test.store.append([LogAppend(device: a.key.device, batch: big), small])
        }
        try limit(100_000)
        #expect(try test.store.append([small]) == [2])
        #expect(try test.store.audit(slots: .all) == [])
    }

    @Test("no room for the index of the write-ahead log is a full disk too")
    func sharedMemory() {
        let error = SQLiteError(extendedCode: 10 | 19 << 8, message: "disk I/O error")
        #expect(StoreError(wrapping: error) == .diskFull)
        #expect(StoreError(wrapping: SQLiteError(extendedCode: 10, message: "disk I/O error")) != .diskFull)
    }
}
