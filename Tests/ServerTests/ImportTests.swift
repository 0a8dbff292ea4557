import Telemetry
import Testing

extension ServerSuite {
    /// `odograph import` of files with good and bad lines.
    struct ImportTests {
        /// What an import of a file takes and says.
        struct Case: Sendable, CustomTestStringConvertible {
            var name: String
            var text: String
            var arguments: [String]
            /// Timestamps that must be there afterwards, by ident.
            var stored: [String: [Int64]]
            var refused: Int
            /// Messages without a possible timestamp, which are kept apart.
            var apart = 0
            /// Lines that must be named on standard error.
            var problems: [Int]

            var testDescription: String { name }
        }

        static let cases = [
            Case(
                name: "fleet.csv",
                text: """
                    car,when,lat,lon,v,note
                    a,2024-05-01 10:00:00,48.1,11.5,10,x
                    b,2024-05-01 10:00:00,48.2,11.6,20,"with, comma"
                    a,never,48.1,11.5,10,x
                    a,2024-05-01 10:01:00,north,11.5,30,x
                    a,2024-05-01 10:02:00,99,11.5,40,x
                    """,
                arguments: [
                    "--map", "ident=car", "--map", "timestamp=when", "--map", "position.speed=v:mph",
                    "--timezone", "Europe/Berlin",
                ],
                stored: ["a": [1_714_550_400, 1_714_550_460, 1_714_550_520], "b": [1_714_550_400]], refused: 1,
                problems: [4, 5, 6]),
            Case(
                name: "walk.gpx",
                text: """
                    <?xml version="1.0"?>
                    <gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
                    <trkpt lat="52.1" lon="-8.1"><ele>3</ele><time>2024-05-01T10:00:00Z</time></trkpt>
                    <trkpt lat="52.2" lon="-8.1"><ele>3</ele></trkpt>
                    <trkpt lat="52.3" lon="-8.1"><time>2024-05-01T10:00:09Z</time></trkpt>
                    </trkseg></trk></gpx>
                    """,
                arguments: ["--device", "walker"], stored: ["walker": [1_714_557_600, 1_714_557_609]], refused: 1,
                problems: [4]),
            Case(
                name: "messages.jsonl",
                text: """
                    {"ident":"a","timestamp":1714557600,"position.speed":5}
                    {"ident":"a","timestamp":1714557600,"position.speed":5}
                    {"ident":"a","timestamp":
                    {"ident":"a"}
                    {"ident":"ü/1","timestamp":1714557601}
                    {"ident":"b","timestamp":1714557601,"position.speed":"fast"}
                    {"ident":"b","timestamp":99,"position.speed":3}
                    """,
                arguments: [], stored: ["a": [1_714_557_600], "b": [1_714_557_601]], refused: 2,
                apart: 2, problems: [3, 4, 5, 6, 7]),
        ]

        @Test("bad lines are counted and shown and stop nothing; a second run adds nothing", arguments: cases)
        func folder(_ item: Case) async throws {
            let folder = try Folder()
            let file = try folder.write(item.text, to: item.name)
            let arguments = ["import", file, "--data", folder.path + "/data"] + item.arguments
            Self.expect(try await Program.run(arguments), item, file)
            let first = try await TestServer(folder)
            let before = try await Self.stored(first)
            #expect(before.times == item.stored)
            #expect(try await first.get("/gw/devices/all/messages/apart").result.count == item.apart)
            try await first.stop()
            Self.expect(try await Program.run(arguments), item, file)
            let second = try await TestServer(folder)
            #expect(try await Self.stored(second).text == before.text)
        }

        @Test("an import into a running server stores the same as one into its folder", arguments: cases)
        func server(_ item: Case) async throws {
            let folder = try Folder()
            let file = try folder.write(item.text, to: item.name)
            let server = try await TestServer(folder)
            let url = "http://127.0.0.1:\(server.port)"
            let arguments = ["import", file, "--server", url, "--token", server.token] + item.arguments
            Self.expect(try await Program.run(arguments), item, file)
            let before = try await Self.stored(server)
            #expect(before.times == item.stored)
            #expect(try await server.get("/gw/devices/all/messages/apart").result.count == item.apart)
            Self.expect(try await Program.run(arguments), item, file)
            #expect(try await Self.stored(server).text == before.text)

            let other = try await Program.run(
                ["import", file, "--data", folder.path + "/other"] + item.arguments)
            Self.expect(other, item, file)
            let direct = try await TestServer(folder, data: "other")
            #expect(try await Self.stored(direct).text == before.text)
        }

        private static func expect(_ outcome: Program.Outcome, _ item: Case, _ file: String) {
            #expect(outcome.status == 0, "\(outcome)")
            for line in item.problems { #expect(outcome.errors.contains("\(file):\(line): "), "\(outcome)") }
            let apart = item.apart > 0 ? ", \(item.apart) kept apart" : ""
            #expect(outcome.errors.hasSuffix(", \(item.refused) refused\(apart)\n"), "\(outcome)")
            #expect(outcome.output.isEmpty)
        }

        /// The messages of all devices: their timestamps by ident, and the bytes.
        private static func stored(_ server: TestServer) async throws -> (times: [String: [Int64]], text: String) {
            var times: [String: [Int64]] = [:]
            var text = ""
            for device in try await server.get("/gw/devices/all").result {
                guard let id = device["id"]?.integerValue,
                    let ident = device["configuration"]?["ident"]?.stringValue
                else { continue }
                let answer = try await server.get("/gw/devices/\(id)/messages")
                times[ident] = answer.result.compactMap { $0["timestamp"]?.integerValue }
                text += answer.text + "\n"
            }
            return (times, text)
        }

        @Test("imported history is never late, whatever `update_period` says; the same posted live is")
        func history() async throws {
            let folder = try Folder()
            let messages = Drives(seed: 51, count: 120, from: 1_714_557_600).messages
            let file = try folder.write(messages.joined(separator: "\n"), to: "messages.jsonl")
            let server = try await TestServer(folder)
            try await server.createCalculator(
                Shipped.calculator("trips", ["update_interval": .number(0), "update_period": .number(3_600)]))
            try await server.createDevices(["imported", "live"])
            try await server.post("/gw/calcs/1/devices/all")
            let outcome = try await Program.run([
                "import", file, "--device", "imported", "--server", "http://127.0.0.1:\(server.port)", "--token",
                server.token,
            ])
            #expect(outcome.status == 0, "\(outcome)")
            try await server.postMessages(messages, device: 2)
            let expected = try await Intervals.calculated(Shipped.trips(), messages: messages)
            #expect(try await server.intervals(calculator: 1, device: 1, expecting: expected) == expected)
            // The job that has seen the late ones has been, and found nothing in them.
            try await server.poll("/gw/calcs/1/devices/2/jobs") { answer in
                answer.result.contains { $0["cause"]?.stringValue == "messages" }
            }
            #expect(try await server.get("/gw/calcs/1/devices/2/intervals/all").result.isEmpty)
        }

        @Test("what lies too far ahead is kept apart, in a folder and on a server alike", arguments: [true, false])
        func future(isFolder: Bool) async throws {
            let folder = try Folder()
            let lines = [1_714_557_600, 4_000_000_000].map { "{\"timestamp\":\($0),\"din\":5}" }
            let file = try folder.write(lines.joined(separator: "\n"), to: "messages.jsonl")
            let target: [String]
            var server: TestServer?
            if isFolder {
                target = ["--data", folder.path + "/data"]
            } else {
                let running = try await TestServer(folder)
                target = ["--server", "http://127.0.0.1:\(running.port)", "--token", running.token]
                server = running
            }
            let outcome = try await Program.run(["import", file, "--device", "d"] + target)
            #expect(outcome.errors.hasSuffix("1 messages taken, 0 refused, 1 kept apart\n"), "\(outcome)")
            let reader: TestServer
            if let server { reader = server } else { reader = try await TestServer(folder) }
            let apart = try await reader.get("/gw/devices/1/messages/apart").result
            #expect(apart.map { $0["message"]?.text } == ["{\"timestamp\":4000000000,\"din\":5}"], "\(apart)")
            #expect(apart.first?["reason"] == .string("future"))
            #expect(try await reader.get("/gw/devices/1/messages").result.count == 1)
        }

        @Test("an import that cannot begin or reach its server ends with status 1 or 2 and a reason")
        func failures() async throws {
            let folder = try Folder()
            let csv = try folder.write("time,lat,lon\n1714557600,1,2\n", to: "a.csv")
            let server = try await TestServer(folder)
            let url = "http://127.0.0.1:\(server.port)"
            let data = ["--data", folder.path + "/other"]
            let missing = try await Program.run(["import", folder.path + "/none.csv", "--device", "d"] + data)
            #expect(missing.status == 1)
            #expect(missing.errors.contains("none.csv"))
            #expect(try await Program.run(["import", csv] + data).status == 2)
            #expect(try await Program.run(["import", csv, "--device", "d", "--map", "speed"] + data).status == 2)
            let wrongToken = try await Program.run(
                ["import", csv, "--device", "d", "--server", url, "--token", "wrong"])
            #expect(wrongToken.status == 1, "\(wrongToken)")
            #expect(wrongToken.errors.contains("token"))
            try await server.stop()
            let gone = try await Program.run(["import", csv, "--device", "d", "--server", url, "--token", "t"])
            #expect(gone.status == 1)
            #expect(!gone.errors.isEmpty)
        }
    }
}
