import PrimaryStore
import Telemetry
import Testing

@Suite("Messages kept apart")
struct ApartTests {
    private func message(_ device: DeviceID, _ reason: ApartReason, _ json: String = "{}") -> ApartMessage {
        ApartMessage(device: device, reason: reason, timestamp: nil, accepted: .zero, json: json)
    }

    @Test("they are listed by reason and in pages, and counted for good")
    func listing() throws {
        let test = try TestStore()
        let (a, b) = (try test.device("a"), try test.device("b"))
        try test.store.keepApart([
            message(a, .future, "1"), message(b, .late), message(a, .impossible), message(a, .future),
        ])
        let all = try test.store.apartMessages(device: a, reason: nil, after: 0, countMax: 9)
        #expect(all.map(\.reason) == [.future, .impossible, .future] && all[0].json == "1")
        #expect(Set(all.map(\.id)).count == 3 && all.map(\.id) == all.map(\.id).sorted())
        let future = try test.store.apartMessages(device: a, reason: .future, after: all[0].id, countMax: 9)
        #expect(future == [all[2]])
        #expect(try test.store.apartMessages(device: a, reason: nil, after: 0, countMax: 1) == [all[0]])
        _ = try test.store.takeApart(device: a, ids: all.map(\.id), append: nil)
        #expect(
            try test.store.apartCounts(device: a) == [
                ApartCount(reason: .future, count: 2, droppedCount: 0),
                ApartCount(reason: .impossible, count: 1, droppedCount: 0),
            ])
        try test.store.keepApart([message(a, .late)])
        let next = try test.store.apartMessages(device: a, reason: nil, after: 0, countMax: 9)
        #expect(next.count == 1 && next[0].id > all[2].id)
    }

    @Test("more than the limit of a device, and texts that are too long, are counted only")
    func limits() throws {
        let test = try TestStore()
        let a = try test.device("a")
        let long = String(repeating: "x", count: ApartMessage.byteCountMax + 1)
        try test.store.keepApart([message(a, .late, long)])
        try test.store.keepApart(Array(repeating: message(a, .late), count: ApartMessage.countMax - 1))
        try test.store.keepApart(Array(repeating: message(a, .future), count: 3))
        #expect(try test.count("apart_messages") == Int64(ApartMessage.countMax))
        #expect(
            try test.store.apartCounts(device: a) == [
                ApartCount(reason: .future, count: 3, droppedCount: 2),
                ApartCount(reason: .late, count: Int64(ApartMessage.countMax), droppedCount: 1),
            ])
    }

    @Test("they are admitted and taken away together, or neither")
    func admitting() throws {
        let test = try TestStore()
        let (a, b) = (try test.device("a"), try test.device("b"))
        try test.store.keepApart([message(a, .future)])
        let id = try test.store.apartMessages(device: a, reason: nil, after: 0, countMax: 1)[0].id
        let append = LogAppend(device: a, batch: batch(test.store.parameters, [1]))
        #expect(throws: StoreError.self) { try test.store.takeApart(device: a, ids: [id, 99], append: append) }
        #expect(throws: StoreError.self) { try test.store.takeApart(device: b, ids: [id], append: nil) }
        #expect(throws: StoreError.self) { try test.store.takeApart(device: b, ids: [], append: append) }
        #expect(test.store.lastPosition == 0)
        #expect(try test.store.takeApart(device: a, ids: [id], append: append) == 1)
        #expect(try test.store.readLog(device: a, after: 0).entries.count == 1)
        #expect(throws: StoreError.self) { try test.store.takeApart(device: a, ids: [id], append: append) }
        #expect(try test.store.readLog(device: a, after: 0).entries.count == 1)
    }
}
