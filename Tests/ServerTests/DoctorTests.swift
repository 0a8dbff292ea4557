import Foundation
import Telemetry
import Testing

extension ServerSuite {
    /// `odograph doctor` beside a server, after it, and where something is wrong.
    struct DoctorTests {
        @Test("a sound installation is found sound beside its server and after it, in text and in JSON")
        func sound() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            try await server.createDevices(["a", "b"])
            try await server.createCalculator(Shipped.trips())
            try await server.post("/gw/calcs/all/devices/all")
            try await server.postMessages(Drives(seed: 3, count: 300).messages, device: 1, history: true)
            _ = try await server.settledIntervals("/gw/calcs/1/devices/all/intervals/all")
            try await server.post("/gw/devices/2/messages", "[{\"timestamp\":4000000000},{}]")
            let beside = try await Self.doctor(folder, ["--json"])
            #expect(beside.status == 0, "\(beside)")
            let findings = try Self.findings(beside)
            #expect(findings["registry"]?["text"] == .string("2 devices, 1 calculators, 2 assignments"), "\(beside)")
            #expect(findings["messages kept apart"]?["text"]?.stringValue?.hasPrefix("2 of 1 devices") == true)
            #expect(
                findings["lock"]?["text"]?.stringValue?.contains("\(server.child.processID) (odograph)") == true,
                "\(beside)")
            for name in ["SQLite", "schema", "pages", "rows", "clock", "time zones", "settings", "caches", "held jobs"]
            {
                #expect(findings[name]?["state"] == .string("ok"), "\(name): \(beside)")
            }
            try await server.stop()
            let after = try await Self.doctor(folder)
            #expect(after.status == 0 && after.output.contains("lock: no server runs on the folder"), "\(after)")
            #expect(!after.output.contains("error"), "\(after)")
        }

        @Test("a byte that has turned is an error with what to do, and status 1")
        func damaged() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            try await server.createDevices(["a"])
            try await server.createCalculator(Shipped.trips())
            try await server.post("/gw/calcs/1/devices/1")
            try await server.postMessages(Drives(seed: 5, count: 500).messages, device: 1, history: true)
            let intervals = try await server.settledIntervals("/gw/calcs/1/devices/1/intervals/all")
            try await server.stop()
            let begin = try #require(intervals.result.first?["begin"]?.text)
            #expect(try folder.replace("{\"begin\":\(begin),", with: "{\"bEgin\":\(begin),", in: "data/primary.db"))
            let outcome = try await Self.doctor(folder, ["--json"])
            #expect(outcome.status == 1, "\(outcome)")
            let rows = try Self.lines(outcome).filter { $0["name"] == .string("rows") }
            #expect(rows.contains { $0["state"] == .string("error") && $0["mend"] != nil }, "\(outcome)")
        }

        @Test("wrong settings, unknown names and a folder that is not there are told, each with the mend")
        func surroundings() async throws {
            let folder = try Folder()
            let missing = try await Self.doctor(folder)
            #expect(missing.status == 1 && missing.output.contains("error    data folder: "), "\(missing)")
            #expect(missing.output.contains("name it with --data"))
            try await TestServer(folder).stop()
            let file = try folder.write("{\"worker\":2}", to: "settings.json")
            let wrong = try await Self.doctor(folder, ["--config", file], ["ODOGRAPH_WORKER": "2"])
            #expect(
                wrong.status == 1 && wrong.output.contains("error    settings: \(file): no setting \"worker\""),
                "\(wrong)")
            #expect(wrong.output.contains("warning  environment: ODOGRAPH_WORKER is no setting"), "\(wrong)")
            #expect(wrong.output.contains("ok       rows: "), "it goes on: \(wrong)")
            try folder.write("no store", to: "data/primary.db")
            let broken = try await Self.doctor(folder)
            #expect(broken.status == 1 && broken.output.contains("odograph restore"), "\(broken)")
            #expect(try await Program.run(["doctor", "--bogus"]).status == 2)
        }

        private static func doctor(
            _ folder: Folder, _ arguments: [String] = [], _ environment: [String: String] = [:]
        ) async throws -> Program.Outcome {
            try await Program.run(["doctor", "--data", folder.path + "/data"] + arguments, environment: environment)
        }

        private static func lines(_ outcome: Program.Outcome) throws -> [JSONValue] {
            try outcome.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        }

        private static func findings(_ outcome: Program.Outcome) throws -> [String: JSONValue] {
            Dictionary(try lines(outcome).map { ($0["name"]?.stringValue ?? "", $0) }) { _, last in last }
        }
    }
}
