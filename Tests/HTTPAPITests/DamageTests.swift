import Foundation
import HTTPAPI
import MessageChunks
import PrimaryStore
import Telemetry
import Testing

/// Archive chunks whose bytes are not what was written.
@Suite("Damaged messages")
struct DamageTests {
    static let device = DeviceID(1)
    static let slot = Slot(device: device)
    /// Two days, a chunk each; the second is the damaged one.
    static let days = [1_699_833_600, 1_699_920_000]
    static let needle = "a-text-that-stands-in-one-chunk-only"

    /// A store with a device of two chunks, in one of which a byte has turned.
    private static func prepare(_ folder: String) throws {
        let store = try SQLitePrimaryStore(folder: folder)
        let at = Timestamp(seconds: 1_700_000_000)
        _ = try store.createDevice(ident: "a", name: "a", json: "{\"configuration\":{\"ident\":\"a\"}}")
        let epoch = try store.claimAllSlots(owner: "test", at: at)[slot] ?? 0
        let batches = days.enumerated().map { day, start in
            var builder = MessageBatchBuilder(table: store.parameters)
            for index in 0..<10 {
                if let speed = store.parameters.id(for: "position.speed") { builder.set(speed, .number(Double(index))) }
                if let text = store.parameters.id(for: "text") {
                    builder.set(text, .string(day == 1 ? "\(needle)-\(index)" : "other"))
                }
                builder.finishMessage(timestamp: Timestamp(seconds: Double(start + index * 60)), acceptance: at)
            }
            return builder.build()
        }
        let positions: [Int64] = try store.append(batches.map { LogAppend(device: device, batch: $0) })
        let chunks = batches.map { batch in
            Seal.Chunk(
                first: Timestamp(microseconds: batch.timestamps[0]), last: Timestamp(microseconds: batch.timestamps[9]),
                count: 10, bytes: MessageChunk.encode(batch))
        }
        try store.seal(
            Seal(
                slot: slot, epoch: epoch, device: device, replaced: [], chunks: chunks, upTo: positions.max() ?? 0))
        store.close()
        let url = URL(filePath: folder + "/primary.db")
        var data = try Data(contentsOf: url)
        let place = try #require(data.range(of: Data(needle.utf8))).lowerBound
        data[place] ^= 1
        try data.write(to: url)
    }

    private static func setApart(_ house: TestHouse) throws {
        let epoch = try house.store.slotLeases().first { $0.slot == slot }?.epoch ?? 0
        let damaged = try house.store.damagedChunks(device: device)
        let chunk = try #require(damaged.first)
        #expect(damaged.count == 1 && chunk.since == nil)
        try house.store.setApart(chunk, slot: slot, epoch: epoch, at: house.clock.now)
    }

    /// Every route that reads messages.
    static let routes = [
        ("GET", "/gw/devices/1/messages", ""), ("GET", "/gw/devices/1/messages?reverse=true", ""),
        ("GET", "/gw/devices/1/telemetry/all", ""),
        ("POST", "/gw/devices/1/calculate", TestHouse.trips.replacing(",\"update_delay\":7", with: "")),
        ("POST", "/gw/calcs/1/devices/1/calculate", "{}"), ("POST", "/gw/calcs/1/dry-run", "{\"name\":\"other\"}"),
        ("GET", "/gw/calcs/1/devices/1/intervals/all/explain?begin=1699833600&end=1700000000", ""),
    ]

    @Test("What can be read is answered with an error that names the device and the range", arguments: routes)
    func passedOver(method: String, path: String, body: String) async throws {
        try await TestHouse.open(preparing: Self.prepare) { house in
            try Self.setApart(house)
            _ = try await house.calculator()
            _ = try await house.send("POST", "/gw/calcs/1/devices/1")
            let answer = try await house.send(method, path, body.isEmpty ? nil : body)
            #expect(answer.status == 200 && !answer.result.isEmpty, "\(answer)")
            let error = try #require(answer.errors.first, "\(answer)")
            #expect(answer.errors.count == 1 && error["code"] == .number(12), "\(answer)")
            #expect(error["id"] == .number(1) && error["count"] == .number(10), "\(answer)")
            let reason = error["reason"]?.stringValue ?? ""
            #expect(reason.contains("device 1 from \(Self.days[1]) to \(Self.days[1] + 540)"), "\(reason)")
        }
    }

    @Test("A range beside the damage is answered without an error")
    func beside() async throws {
        try await TestHouse.open(preparing: Self.prepare) { house in
            try Self.setApart(house)
            let first = try await house.send("GET", "/gw/devices/1/messages?to=\(Self.days[1] - 1)")
            #expect(first.result.count == 10 && first.errors.isEmpty, "\(first)")
            let second = try await house.send("GET", "/gw/devices/1/messages?from=\(Self.days[1])")
            #expect(
                second.status == 500 && second.errors.first?["code"] == .number(12), "there is nothing else: \(second)")
            #expect(try await house.send("GET", "/gw/devices/1").status == 200)
        }
    }

    @Test("Until a damaged chunk is set apart, its range is refused and named, and the health tells of it then")
    func stillAmong() async throws {
        try await TestHouse.open(preparing: Self.prepare) { house in
            let refused = try await house.send("GET", "/gw/devices/1/messages?from=\(Self.days[1])")
            #expect(refused.status == 500 && refused.errors.first?["code"] == .number(12), "\(refused)")
            #expect(try await house.send("GET", "/gw/devices/1/messages?to=\(Self.days[1] - 1)").result.count == 10)
            try Self.setApart(house)
            let health = try await house.send("GET", "/health")
            #expect(health.body == "{\"status\":\"degraded\",\"chunks_damaged\":1}", "\(health)")
            let told = try await house.send("GET", "/gw/health").result.first?["chunks_damaged"]?.arrayValue?.first
            #expect(told?["device_id"] == .number(1) && told?["from"] == .number(Double(Self.days[1])), "\(health)")
        }
    }
}
