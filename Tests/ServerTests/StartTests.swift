import Foundation
import Glibc
import Telemetry
import Testing

extension ServerSuite {
    /// Start, end, settings and tokens of a running server.
    struct StartTests {
        @Test("the first start writes a master token that its owner alone can read, and says where; the next keeps it")
        func masterToken() async throws {
            let folder = try Folder()
            let first = try await TestServer(folder)
            #expect(folder.mode("data/master-token") == 0o600)
            #expect(folder.text("server.log").contains("\(folder.path)/data/master-token"))
            #expect(first.token.count >= 32)
            #expect(try await first.get("/platform/tokens").result.count == 1)
            try await first.stop()
            let second = try await TestServer(folder)
            #expect(second.token == first.token)
            #expect(try await second.get("/platform/tokens").result.count == 1)
        }

        @Test("no request but that for health is answered without a token")
        func tokens() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            let health = try await Wire.send("GET", "/health", token: nil, port: server.port)
            #expect(health.status == 200)
            #expect(health.text == #"{"status":"ok"}"#)
            let paths = [
                "/gw/devices/all", "/gw/calcs/all", "/gw/devices/1/messages", "/gw/devices/1/telemetry/all",
                "/gw/calcs/1/devices/1", "/gw/calcs/1/devices/1/intervals/all", "/gw/calcs/1/devices/1/jobs",
                "/gw/changes", "/metrics", "/openapi.json", "/storage/expressions/functions", "/platform/tokens",
                "/", "/nowhere", "/health/more",
            ]
            for path in paths {
                for token in [nil, "", "wrong", String(server.token.dropLast())] {
                    let answer = try await Wire.send("GET", path, token: token, port: server.port)
                    #expect(answer.status == 401, "\(path) with \(token ?? "none"): \(answer)")
                }
            }
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                let answer = try await Wire.send(
                    method, "/gw/devices/all", body: Array("[]".utf8), token: nil, port: server.port)
                #expect(answer.status == 401, "\(method): \(answer)")
            }
        }

        @Test("a token made over the API opens devices but not tokens, until it is revoked")
        func standardToken() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            let made = try await server.post("/platform/tokens", #"{"name":"dashboard"}"#).result.first
            let key = try #require(made?["key"]?.stringValue)
            let id = try #require(made?["id"]?.integerValue)
            #expect(try await Wire.send("GET", "/gw/devices/all", token: key, port: server.port).status == 200)
            #expect(try await Wire.send("GET", "/platform/tokens", token: key, port: server.port).status == 403)
            #expect(try await server.send("DELETE", "/platform/tokens/\(id)").status == 200)
            #expect(try await Wire.send("GET", "/gw/devices/all", token: key, port: server.port).status == 401)
        }

        @Test("SIGTERM ends the server within 5 seconds with status 0, and everything acknowledged is kept")
        func termination() async throws {
            let folder = try Folder()
            let messages = Drives(seed: 1, count: 200).messages
            let first = try await TestServer(folder)
            try await first.createDevices(["v"])
            try await first.createCalculator(Shipped.trips())
            try await first.post("/gw/calcs/1/devices/1")
            // The pending job is not waited for.
            try await first.postMessages(messages, device: 1)
            let begin = Deadline.now
            #expect(try await first.stop(within: 5) == 0)
            #expect(Deadline.now - begin < 5)
            let second = try await TestServer(folder)
            #expect(try await second.get("/gw/devices/1/messages?fields=timestamp").result.count == messages.count)
            let expected = try await Intervals.calculated(Shipped.trips(), messages: messages)
            #expect(expected.count > 100)
            #expect(try await second.intervals(calculator: 1, device: 1, expecting: expected) == expected)
        }

        @Test("SIGINT ends the server in order too")
        func interrupt() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            server.child.signal(SIGINT)
            #expect(try await server.child.end(within: 5) == 0)
        }

        @Test("a folder in use is refused to a second server, to an import and to new tokens")
        func lock() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            let data = folder.path + "/data"
            let messages = try folder.write(#"{"ident":"a","timestamp":1600000000}"#, to: "a.jsonl")
            let second = try await Program.run(["serve", "--data", data, "--listen", "127.0.0.1:0"])
            #expect(second.status == 1)
            #expect(second.errors.contains("locked"), "\(second)")
            let imported = try await Program.run(["import", messages, "--data", data])
            #expect(imported.status == 1)
            #expect(imported.errors.contains("--server"), "\(imported)")
            #expect(try await Program.run(["token", "create", "--data", data]).status == 1)
            let list = try await Program.run(["token", "list", "--data", data])
            #expect(list.status == 0)
            #expect(list.output.contains("master"))
            #expect(try await server.get("/gw/devices/all").result.isEmpty)
        }

        @Test("a flag goes before the environment, the environment before the file, the file before the default")
        func settings() async throws {
            let folder = try Folder()
            let names = ["flag", "environment", "file"]
            let settings = try folder.write(
                #"{"data":"\#(folder.path)/file","listen":"127.0.0.1:0","workers":3,"log_level":"notice"}"#,
                to: "settings.json")
            let environment = ["ODOGRAPH_DATA": folder.path + "/environment", "ODOGRAPH_WORKERS": "2"]
            try await serve(["--config", settings], [:], in: folder)
            #expect(names.map(folder.exists) == [false, false, true])
            #expect(Self.caches(folder, "file") == 3)
            try await serve(["--config", settings], environment, in: folder)
            #expect(names.map(folder.exists) == [false, true, true])
            #expect(Self.caches(folder, "environment") == 2)
            let flags = ["--config", settings, "--data", folder.path + "/flag", "--workers", "1"]
            try await serve(flags, environment, in: folder)
            #expect(Self.caches(folder, "flag") == 1)
            // The file may be named by the environment as well.
            try folder.remove("file")
            try await serve([], ["ODOGRAPH_CONFIG": settings], in: folder)
            #expect(Self.caches(folder, "file") == 3)
        }

        /// Starts a server with these settings alone and ends it.
        private func serve(_ arguments: [String], _ environment: [String: String], in folder: Folder) async throws {
            let log = folder.path + "/settings.log"
            let child = try Child(["serve"] + arguments, environment: environment, output: "/dev/null", errors: log)
            let port = try await TestServer.port(child, log)
            #expect(try await Wire.send("GET", "/health", token: nil, port: port).status == 200)
            child.signal(SIGTERM)
            #expect(try await child.end(within: 10) == 0)
        }

        private static func caches(_ folder: Folder, _ data: String) -> Int {
            folder.names(in: data + "/cache").filter { $0.hasSuffix(".db") }.count
        }
    }
}
