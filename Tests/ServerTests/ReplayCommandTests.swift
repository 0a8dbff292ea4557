import Foundation
import Telemetry
import Testing

extension ServerSuite {
    /// `odograph replay` against a running server.
    struct ReplayCommandTests {
        @Test("replays are paused, given a share, resumed and watched until all is calculated")
        func control() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            try await server.createDevices(["a", "b", "c"])
            for device in 1...3 {
                try await server.postMessages(
                    Drives(seed: UInt64(device), count: 400).messages, device: device, history: true)
            }
            let paused = try await Self.replay(server, ["pause"])
            #expect(paused.status == 0 && paused.output.hasPrefix("replays paused, share 1\n"), "\(paused)")
            try await server.createCalculator(Shipped.trips())
            try await server.post("/gw/calcs/1/devices/all")
            try await server.poll("/gw/calcs/1/replay") { $0.result.first?["total"] == .number(3) }
            let waiting = try await Self.replay(server, [])
            #expect(waiting.output == "replays paused, share 1\ncalculator 1: 0 of 3 devices done\n", "\(waiting)")
            #expect(try await server.get("/gw/calcs/1/devices/all/intervals/all").result.isEmpty)
            let share = try await Self.replay(server, ["share", "0.5"])
            #expect(share.output.hasPrefix("replays paused, share 0.5\n"), "\(share)")
            let resumed = try await Self.replay(server, ["resume", "--watch"])
            #expect(resumed.status == 0 && resumed.output.contains("calculator 1: 3 of 3 devices done"), "\(resumed)")
            #expect(resumed.errors.isEmpty, "no bar where there is no terminal: \(resumed)")
            _ = try await server.settledIntervals("/gw/calcs/1/devices/all/intervals/all")
            #expect(try await !server.get("/gw/calcs/1/devices/all/intervals/all").result.isEmpty)
        }

        @Test("wrong use ends with status 2, a server that refuses or is not there with status 1")
        func mistakes() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            for arguments in [["share"], ["share", "0.01"], ["share", "2"], ["stop"], ["status", "--bogus"]] {
                #expect(try await Self.replay(server, arguments).status == 2, "\(arguments)")
            }
            #expect(try await Program.run(["replay", "status", "--server", "x"]).status == 2)
            let url = "http://127.0.0.1:\(server.port)"
            let refused = try await Program.run(["replay", "pause", "--server", url, "--token", "wrong"])
            #expect(refused.status == 1 && refused.errors.contains("token"), "\(refused)")
            try await server.stop()
            #expect(try await Self.replay(server, ["status"]).status == 1)
        }

        private static func replay(_ server: TestServer, _ arguments: [String]) async throws -> Program.Outcome {
            try await Program.run(
                ["replay"] + arguments + ["--server", "http://127.0.0.1:\(server.port)", "--token", server.token])
        }
    }
}
