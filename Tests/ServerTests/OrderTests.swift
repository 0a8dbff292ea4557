import SeededRandom
import Telemetry
import Testing

extension ServerSuite {
    /// The same messages give the same intervals, however they come and wherever they are calculated.
    struct OrderTests {
        @Test("shuffled, doubled, one by one, backwards or at once: the intervals are the same bytes")
        func arrival() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            let messages = Drives(seed: 11, count: 240).messages
            var generator = SeededGenerator(seed: 12)
            let shuffled = messages.shuffled(using: &generator)
            let calculators = [try Shipped.trips(), try Shipped.daily()]
            try await server.createDevices((1...6).map { "v\($0)" })
            for calculator in calculators { try await server.createCalculator(calculator) }
            try await server.post("/gw/calcs/all/devices/1,2,3,4,5")

            try await server.postMessages(messages, device: 1)
            for message in shuffled { try await server.postMessages([message], device: 2) }
            for start in stride(from: 0, to: messages.count, by: 20) {
                try await server.postMessages(messages.reversed()[start..<start + 20], device: 3)
            }
            // Each batch is sent twice and holds messages of the batch before as well.
            for start in stride(from: 0, to: messages.count, by: 16) {
                let batch = shuffled[max(0, start - 7)..<min(start + 16, messages.count)]
                for _ in 0..<2 { try await server.postMessages(batch + batch.prefix(3), device: 4) }
            }
            for message in messages { try await server.postMessages([message], device: 5) }
            // The last is assigned when all are there, and was sent as imports are.
            try await server.postMessages(shuffled, device: 6, history: true)
            try await server.post("/gw/calcs/all/devices/6")

            for (index, calculator) in calculators.enumerated() {
                let expected = try await Intervals.calculated(calculator, messages: messages)
                #expect(expected.count > 400)
                for device in 1...6 {
                    let intervals = try await server.intervals(
                        calculator: index + 1, device: device, expecting: expected)
                    #expect(intervals == expected, "calculator \(index + 1), device \(device)")
                }
            }
            #expect(try Feed.table(await Feed.rows(server)) == (await Feed.intervals(server)))
        }

        @Test("1, 2 and 4 workers between starts calculate the same, and what is not new keeps id and timestamp")
        func workers() async throws {
            let folder = try Folder()
            let messages = (1...6).map { Drives(seed: UInt64(20 + $0), count: 300).messages }
            var table: [String: String] = [:]
            for (step, count) in [1, 2, 4, 1].enumerated() {
                let server = try await TestServer(folder, arguments: ["--workers", "\(count)"])
                if step == 0 { try await Self.prepare(server) }
                try await Self.expectSynced(server)
                #expect(try await Feed.intervals(server) == table, "\(count) workers")
                for device in 1...6 {
                    let all = messages[device - 1].enumerated()
                    // A quarter of each at a time, so that there are always some that are late.
                    try await server.postMessages(
                        all.filter { ($0.offset * 7) % 4 == step }.map(\.element), device: device)
                    let sent = all.filter { ($0.offset * 7) % 4 <= step }.map(\.element)
                    let expected = try await Intervals.calculated(Shipped.trips(), messages: sent)
                    let intervals = try await server.intervals(calculator: 1, device: device, expecting: expected)
                    #expect(intervals == expected, "device \(device), \(count) workers")
                }
                table = try await Feed.intervals(server)
                #expect(try Feed.table(await Feed.rows(server)) == table)
                #expect(try await server.stop() == 0)
            }
            #expect(table.count > 12)
        }

        private static func prepare(_ server: TestServer) async throws {
            try await server.createDevices((1...6).map { "v\($0)" })
            try await server.createCalculator(Shipped.trips())
            try await server.post("/gw/calcs/1/devices/all")
        }

        @Test("a deleted cache file, or the whole cache folder, comes back without a change to any interval")
        func deletedCaches() async throws {
            let folder = try Folder()
            let first = try await TestServer(folder, arguments: ["--workers", "2"])
            try await Self.prepare(first)
            for device in 1...6 {
                let messages = Drives(seed: UInt64(40 + device), count: 300).messages
                try await first.postMessages(messages, device: device)
                let expected = try await Intervals.calculated(Shipped.trips(), messages: messages)
                #expect(try await first.intervals(calculator: 1, device: device, expecting: expected) == expected)
            }
            let table = try await Feed.intervals(first)
            let revisions = try await Feed.revisions(first)
            #expect(table.count > 6)
            try await first.stop()
            for name in folder.names(in: "data/cache") where name.hasPrefix("worker-0.db") {
                try folder.remove("data/cache/" + name)
            }
            try await Self.expectHealed(folder, table, revisions)
            try folder.remove("data/cache")
            try await Self.expectHealed(folder, table, revisions)
        }

        /// All six assignments come to be synced with nothing pending.
        private static func expectSynced(_ server: TestServer) async throws {
            let states = try await server.poll("/gw/calcs/1/devices/all") { answer in
                answer.result.allSatisfy { $0["state"]?.stringValue == "synced" && $0["pending_since"] == .null }
            }
            #expect(states.result.map { $0["state"]?.stringValue } == Array(repeating: "synced", count: 6))
        }

        /// A start without some of the caches reaches `synced` with the same intervals and an unmoved feed.
        private static func expectHealed(
            _ folder: Folder, _ table: [String: String], _ revisions: [Int64: Int64]
        ) async throws {
            let server = try await TestServer(folder, arguments: ["--workers", "2"])
            try await expectSynced(server)
            #expect(try await Feed.intervals(server) == table)
            #expect(try await Feed.revisions(server) == revisions)
            #expect(folder.names(in: "data/cache").filter { $0.hasSuffix(".db") }.count == 2)
            try await server.stop()
        }
    }
}
