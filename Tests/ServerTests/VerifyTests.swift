import Foundation
import Telemetry
import Testing

extension ServerSuite {
    /// `odograph verify` beside a running server and after it.
    struct VerifyTests {
        @Test("what a server calculated verifies clean beside it and after it, and wrong use ends with status 2")
        func clean() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            try await server.createDevices(["a", "b"])
            try await server.createCalculator(Shipped.trips())
            try await server.createCalculator(Shipped.daily())
            try await server.post("/gw/calcs/all/devices/all")
            for device in 1...2 {
                let drives = Drives(seed: UInt64(device), count: 3_000)
                try await server.postMessages(drives.messages, device: device, history: true)
            }
            _ = try await server.settledIntervals("/gw/calcs/all/devices/all/intervals/all")
            let beside = try await Self.verify(folder)
            #expect(beside.status == 0, "\(beside)")
            let summary = try Self.lines(beside).last
            #expect(summary?["kind"] == .string("summary") && summary?["messages"] == .number(6_000), "\(beside)")
            let audit = try Self.lines(beside).dropLast().last
            #expect(audit?.text == "{\"kind\":\"audit\",\"count\":0,\"findings\":[]}", "\(beside)")
            #expect(summary?["assignments"] == .number(4) && summary?["devices"] == .number(2))
            let answer = try await server.post("/gw/calcs/all/devices/all/verify")
            #expect(answer.result.map { $0["is_alike"]?.booleanValue } == [true, true, true, true], "\(answer)")
            try await server.stop()
            let after = try await Self.verify(folder, ["--calculator", "1", "--device", "2"])
            #expect(after.status == 0, "\(after)")
            #expect(try Self.lines(after).last?["messages"] == .number(3_000))
            let table = try await Self.verify(folder, ["--format", "table"])
            #expect(table.status == 0 && table.output.contains("assignments 4"), "\(table)")
            #expect(table.output.contains("audit: ok\n"), "\(table)")
            for wrong in [["--device", "x"], ["--format", "xml"], ["--device", "1", "--asset", "1"]] {
                #expect(try await Self.verify(folder, wrong).status == 2)
            }
            #expect(try await Self.verify(folder, ["--device", "77"]).status == 1)
            #expect(try await Program.run(["verify", "--data", folder.path + "/none"]).status == 1)
        }

        @Test("a byte of the store's file that has turned is found and named, with status 1")
        func damaged() async throws {
            let folder = try Folder()
            let server = try await TestServer(folder)
            try await server.createDevices(["a"])
            try await server.createCalculator(Shipped.trips())
            try await server.post("/gw/calcs/1/devices/1")
            try await server.postMessages(Drives(seed: 5, count: 500).messages, device: 1, history: true)
            let intervals = try await server.settledIntervals("/gw/calcs/1/devices/1/intervals/all")
            try await server.stop()
            let first = try #require(intervals.result.first)
            let begin = try #require(first["begin"]?.text)
            // The text of the interval stands in the file once; its checksum is as it was.
            #expect(try folder.replace("{\"begin\":\(begin),", with: "{\"bEgin\":\(begin),", in: "data/primary.db"))
            let outcome = try await Self.verify(folder)
            #expect(outcome.status == 1, "\(outcome)")
            let finding = try #require(try Self.lines(outcome).first)
            #expect(finding["kind"] == .string("corrupt") && finding["id"] == first["id"], "\(outcome)")
            #expect(try Self.lines(outcome).last?["corrupt"] == .number(1))
        }

        private static func verify(_ folder: Folder, _ arguments: [String] = []) async throws -> Program.Outcome {
            try await Program.run(["verify", "--data", folder.path + "/data"] + arguments)
        }

        private static func lines(_ outcome: Program.Outcome) throws -> [JSONValue] {
            try outcome.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        }
    }
}

extension Folder {
    /// Writes bytes over the first place in a file that has others of the same length; false if there is none.
    func replace(_ old: String, with new: String, in name: String) throws -> Bool {
        let url = URL(filePath: "\(path)/\(name)")
        var data = try Data(contentsOf: url)
        guard let range = data.range(of: Data(old.utf8)), old.utf8.count == new.utf8.count else { return false }
        data.replaceSubrange(range, with: Data(new.utf8))
        try data.write(to: url)
        return true
    }
}
