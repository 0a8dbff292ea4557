import Foundation
import Glibc
import Telemetry
import Testing

extension ServerSuite {
    /// Backups of running servers, and what is made of them.
    struct BackupTests {
        private static let deviceCount = 3

        /// A folder whose server has devices that two calculators look at.
        private func prepared(_ folder: Folder) async throws -> TestServer {
            let server = try await TestServer(folder)
            try await server.createDevices((1...Self.deviceCount).map { "v\($0)" })
            try await server.createCalculator(Shipped.trips())
            try await server.createCalculator(Shipped.daily())
            try await server.post("/gw/calcs/all/devices/all")
            return server
        }

        private func messages(_ seed: UInt64, count: Int, afterDays days: Int64 = 0) -> [[String]] {
            (0..<UInt64(Self.deviceCount)).map {
                Drives(seed: seed &+ $0, count: count, from: Drives.start + days * 86_400).messages
            }
        }

        /// What is stored of a device, by timestamp.
        private func stored(_ server: TestServer, _ device: Int) async throws -> Set<Int64> {
            let path = "/gw/devices/\(device)/messages?fields=timestamp&count=100000"
            let times = try await server.get(path).result.compactMap { $0["timestamp"]?.integerValue }
            #expect(Set(times).count == times.count, "a message is there twice")
            return Set(times)
        }

        /// The intervals and the feed are what one calculation of these messages gives.
        private func agrees(_ server: TestServer, _ messages: [[String]]) async throws {
            for (index, definition) in try [Shipped.trips(), Shipped.daily()].enumerated() {
                for device in 1...Self.deviceCount {
                    let expected = try await Intervals.calculated(definition, messages: messages[device - 1])
                    let found = try await server.intervals(calculator: index + 1, device: device, expecting: expected)
                    #expect(found == expected, "calculator \(index + 1), device \(device)")
                }
            }
            #expect(try Feed.table(await Feed.rows(server)) == (try await Feed.intervals(server)))
        }

        @Test("a backup made while messages are posted is restored elsewhere with every message acknowledged before it")
        func underLoad() async throws {
            let folder = try Folder()
            let server = try await prepared(folder)
            let sent = messages(11, count: 900)
            for device in 1...Self.deviceCount {
                try await server.postMessages(sent[device - 1].prefix(300), device: device)
            }
            let file = folder.path + "/copy.db"
            try await withThrowingTaskGroup(of: Void.self) { group in
                for device in 1...Self.deviceCount {
                    group.addTask {
                        for start in stride(from: 300, to: 900, by: 5) {
                            try await server.postMessages(sent[device - 1][start..<start + 5], device: device)
                        }
                    }
                }
                let made = try await Program.run(["backup", "--data", folder.path + "/data", "--to", file])
                #expect(made.status == 0, "\(made)")
                #expect(made.output.contains("check: ok") && made.output.contains("devices: 3"), "\(made)")
                try await group.waitForAll()
            }
            try await agrees(server, sent)
            #expect(try await server.stop() == 0)
            #expect(folder.mode("copy.db") == 0o600 && !folder.exists("copy.db.partial"))

            let data = folder.path + "/elsewhere"
            let restored = try await Program.run(["restore", "--from", file, "--data", data])
            #expect(restored.status == 0, "\(restored)")
            try folder.write(server.token, to: "elsewhere/master-token")
            let again = try await TestServer(folder, data: "elsewhere")
            var kept: [[String]] = []
            for device in 1...Self.deviceCount {
                let times = try await stored(again, device)
                #expect(times.isSuperset(of: sent[device - 1].prefix(300).compactMap(Drives.timestamp)))
                kept.append(sent[device - 1].filter { Drives.timestamp($0).map(times.contains) ?? false })
                #expect(kept[device - 1].count == times.count)
                // Messages were posted in order by one client, so that what is there is a beginning without a gap.
                #expect(kept[device - 1] == Array(sent[device - 1].prefix(times.count)))
            }
            try await agrees(again, kept)
            for device in 1...Self.deviceCount { try await again.postMessages(sent[device - 1], device: device) }
            try await agrees(again, sent)
        }

        @Test("a backup in the place of a later store does not take its caches for its own", arguments: [true, false])
        func otherPast(isByCommand: Bool) async throws {
            let folder = try Folder()
            let data = folder.path + "/data"
            let file = folder.path + "/copy.db"
            let server = try await prepared(folder)
            let before = messages(21, count: 200)
            let lost = messages(41, count: 200, afterDays: 9)
            for device in 1...Self.deviceCount { try await server.postMessages(before[device - 1], device: device) }
            try await agrees(server, before)
            #expect(try await Program.run(["backup", "--data", data, "--to", file]).status == 0)
            #expect(try await Program.run(["backup", "--data", data, "--to", file]).status == 1)
            for device in 1...Self.deviceCount { try await server.postMessages(lost[device - 1], device: device) }
            _ = try await server.settledIntervals("/gw/calcs/all/devices/all/intervals/all")
            let restore = ["restore", "--from", file, "--data", data]
            let beside = try await Program.run(restore + ["--force"])
            #expect(beside.status == 1 && beside.errors.contains("in use"), "\(beside)")
            try await server.kill()
            if isByCommand {
                #expect(try await Program.run(restore).status == 1)
                #expect(try await Program.run(restore + ["--force"]).status == 0)
                #expect(folder.names(in: "data/cache").isEmpty)
            } else {
                for name in ["primary.db", "primary.db-wal", "primary.db-shm"] { try folder.remove("data/" + name) }
                try FileManager.default.copyItem(atPath: file, toPath: data + "/primary.db")
            }
            let again = try await TestServer(folder)
            try await agrees(again, before)
            // As many messages as were lost, so that positions are where the caches had been.
            let after = messages(61, count: 200, afterDays: 9)
            for device in 1...Self.deviceCount { try await again.postMessages(after[device - 1], device: device) }
            try await agrees(again, zip(before, after).map { $0 + $1 })
        }

        @Test("backup and restore used wrongly end with 2, and with 1 where there is nothing to copy")
        func refusals() async throws {
            let folder = try Folder()
            let file = try folder.write("no store", to: "file")
            for arguments in [["backup"], ["restore"], ["backup", "--bogus"], ["restore", "--data", "d"]] {
                #expect(try await Program.run(arguments).status == 2, "\(arguments)")
            }
            let nothing = folder.path + "/none"
            #expect(try await Program.run(["backup", "--data", nothing, "--to", folder.path + "/b"]).status == 1)
            #expect(try await Program.run(["restore", "--from", file, "--data", nothing]).status == 1)
            #expect(try await Program.run(["restore", "--from", nothing, "--data", nothing]).status == 1)
            #expect(!folder.exists("b") && !folder.exists("none/primary.db"))
        }
    }
}
