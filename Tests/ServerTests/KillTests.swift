import Foundation
import Glibc
import SeededRandom
import Telemetry
import Testing

extension ServerSuite {
    /// SIGKILL at random moments loses and doubles nothing.
    ///
    /// `ODOGRAPH_KILLS` says how often, `ODOGRAPH_SEED` from which seed.
    struct KillTests {
        private static func number(_ name: String, _ otherwise: Int) -> Int {
            ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? otherwise
        }

        @Test("killed while messages are posted and history is recalculated, it keeps every acknowledged message once")
        func kills() async throws {
            let seed = UInt64(Self.number("ODOGRAPH_SEED", Int(UInt32.random(in: 1...UInt32.max))))
            let kills = Self.number("ODOGRAPH_KILLS", 12)
            var session = try KillSession(seed: seed)
            do {
                try await session.prepare()
                for round in 0..<kills {
                    try await session.round(isRecalculating: round % 3 == 2)
                }
                try await session.finish()
            } catch { Issue.record("ODOGRAPH_SEED=\(seed): \(error)") }
        }

        @Test("an import that is killed is completed by the next, and a third adds nothing")
        func importKilled() async throws {
            let seed = UInt64(Self.number("ODOGRAPH_SEED", Int(UInt32.random(in: 1...UInt32.max))))
            var generator = SeededGenerator(seed: seed)
            let folder = try Folder()
            let messages = Drives(seed: seed, count: 12_000).messages
            let file = try folder.write(messages.joined(separator: "\n"), to: "messages.jsonl")
            let arguments = ["import", file, "--device", "v", "--data", folder.path + "/data"]
            for _ in 0..<3 {
                let child = try Child(arguments, output: "/dev/null", errors: folder.path + "/errors")
                _ = await child.ends(within: Int.random(in: 20...500, using: &generator))
                child.signal(SIGKILL)
                _ = try await child.end(within: 10)
            }
            var stored: [String] = []
            for _ in 0..<2 {
                let done = try await Program.run(arguments)
                #expect(done.status == 0, "seed \(seed): \(done)")
                let server = try await TestServer(folder)
                #expect(try await server.get("/gw/devices/all?fields=id").result.count == 1)
                stored.append(try await server.get("/gw/devices/1/messages?count=100000").text)
                try await server.stop()
            }
            #expect(stored[0] == stored[1], "seed \(seed)")
            let times = stored[0].split(separator: "{\"timestamp\":").dropFirst().map { $0.prefix { $0.isNumber } }
            #expect(times.count == messages.count, "seed \(seed)")
            #expect(Set(times).count == messages.count, "seed \(seed)")
        }
    }
}

/// A data folder whose servers are killed, and what they have acknowledged.
struct KillSession {
    private static let deviceCount = 3
    private let seed: UInt64
    private let folder: Folder
    private var generator: SeededGenerator
    /// The messages of each device, in the order in which they are first sent.
    private let messages: [[String]]
    /// The timestamps that were acknowledged, by device.
    private var acknowledged: [Set<Int64>]
    private var minimumDistance = 0.1

    init(seed: UInt64) throws {
        self.seed = seed
        folder = try Folder()
        var generator = SeededGenerator(seed: seed)
        messages = (0..<UInt64(Self.deviceCount)).map {
            let all = Drives(seed: seed &+ $0, count: 500).messages
            // Mostly in order, now and then late.
            return all.enumerated().map { ($0.offset + Int.random(in: 0...20, using: &generator), $0.element) }
                .sorted { $0.0 < $1.0 }.map(\.1)
        }
        acknowledged = Array(repeating: [], count: Self.deviceCount)
        self.generator = generator
    }

    func prepare() async throws {
        let server = try await TestServer(folder)
        try await server.createDevices((1...Self.deviceCount).map { "v\($0)" })
        try await server.createCalculator(Shipped.trips())
        try await server.createCalculator(Shipped.daily())
        try await server.post("/gw/calcs/all/devices/all")
        try await server.stop()
    }

    /// Starts a server, posts to it, and kills it at a random moment.
    mutating func round(isRecalculating: Bool) async throws {
        let server = try await TestServer(folder)
        try await expectAcknowledged(server)
        if isRecalculating {
            minimumDistance += 0.5
            try await server.put("/gw/calcs/1", #"{"validate_interval":"distance > \#(minimumDistance)"}"#)
        }
        let moment = Int.random(in: 1...120, using: &generator)
        let batches = (0..<400).map { _ in nextBatch() }
        let answered = await Self.post(batches, to: server, killedAfter: moment)
        for batch in answered {
            acknowledged[batch.device - 1].formUnion(batch.messages.compactMap(Drives.timestamp))
        }
        let status = try await server.child.end(within: 10)
        guard status == -SIGKILL else { throw Obstacle("it ended by itself: \(status) \(folder.text("server.log"))") }
    }

    /// Posts batches on two lanes while the server is killed; gives those that were acknowledged.
    private static func post(_ batches: [Batch], to server: TestServer, killedAfter moment: Int) async -> [Batch] {
        await withTaskGroup(of: [Batch].self) { group in
            group.addTask {
                // The process does not end by itself, so this is a moment that nothing else decides.
                _ = await server.child.ends(within: moment)
                server.child.signal(SIGKILL)
                return []
            }
            for lane in 0..<2 {
                group.addTask {
                    var answered: [Batch] = []
                    for index in stride(from: lane, to: batches.count, by: 2) {
                        guard await post(batches[index], server) else { break }
                        answered.append(batches[index])
                    }
                    return answered
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    private struct Batch: Sendable {
        var device: Int
        var messages: [String]
    }

    /// Some messages of a device: at the border of what is acknowledged, so that some are sent again and again.
    private mutating func nextBatch() -> Batch {
        let device = Int.random(in: 1...Self.deviceCount, using: &generator)
        let all = messages[device - 1]
        let border = acknowledged[device - 1].count
        let start = Int.random(in: max(0, border - 30)...min(border + 30, all.count - 1), using: &generator)
        let count = Int.random(in: 1...8, using: &generator)
        return Batch(device: device, messages: Array(all[start..<min(start + count, all.count)]))
    }

    /// Whether the batch was acknowledged.
    private static func post(_ batch: Batch, _ server: TestServer) async -> Bool {
        do {
            try await server.postMessages(batch.messages, device: batch.device)
            return true
        } catch { return false }
    }

    /// Every acknowledged message is there exactly once, and no other than were sent.
    private func expectAcknowledged(_ server: TestServer) async throws {
        for device in 1...Self.deviceCount {
            let path = "/gw/devices/\(device)/messages?fields=timestamp&count=100000"
            let stored = try await server.get(path).result.compactMap { $0["timestamp"]?.integerValue }
            let lost = acknowledged[device - 1].subtracting(stored)
            #expect(lost.isEmpty, "seed \(seed), device \(device): lost \(lost.sorted())")
            #expect(Set(stored).count == stored.count, "seed \(seed), device \(device): a message is there twice")
            #expect(Set(messages[device - 1].compactMap(Drives.timestamp)).isSuperset(of: stored))
        }
    }

    /// All messages are sent once more; then intervals and feed must be those of a server that never fell.
    mutating func finish() async throws {
        let server = try await TestServer(folder)
        try await expectAcknowledged(server)
        for device in 1...Self.deviceCount {
            try await server.postMessages(messages[device - 1].shuffled(using: &generator), device: device)
            acknowledged[device - 1] = Set(messages[device - 1].compactMap(Drives.timestamp))
        }
        try await expectAcknowledged(server)
        for (index, definition) in try [tripsNow(), Shipped.daily()].enumerated() {
            for device in 1...Self.deviceCount {
                let expected = try await Intervals.calculated(definition, messages: messages[device - 1])
                let intervals = try await server.intervals(
                    calculator: index + 1, device: device, expecting: expected)
                #expect(intervals == expected, "seed \(seed), calculator \(index + 1), device \(device)")
                #expect(intervals.count > 100)
            }
        }
        let table = try await Feed.intervals(server)
        #expect(try Feed.table(await Feed.rows(server)) == table, "seed \(seed)")
        #expect(try await server.stop() == 0)
    }

    /// The calculator of trips as the rounds have left it.
    private func tripsNow() throws -> String {
        let condition = JSONValue.string("distance > \(minimumDistance)")
        return try Shipped.calculator("trips", ["update_interval": .number(0), "validate_interval": condition])
    }
}
