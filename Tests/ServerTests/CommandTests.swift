import Telemetry
import Testing

extension ServerSuite {
    /// The commands that need no running server.
    struct CommandTests {
        @Test(
            "wrong use ends with status 2, says why on standard error and writes nothing to standard output",
            arguments: [
                ["bogus"], ["serve", "--bogus"], ["serve", "--workers", "0"], ["serve", "--workers", "65"],
                ["serve", "--listen", "nowhere"], ["serve", "--listen", "127.0.0.1:70000"],
                ["serve", "--log-level", "loud"], ["serve", "--config", "/nowhere/settings.json"],
                ["calculate"], ["calculate", "--calculator", "a", "--messages", "b", "--format", "xml"],
                ["calculate", "--calculator", "a", "--messages", "b", "--from", "yesterday"],
                ["calculate", "--calculator", "a", "--messages", "b", "--timezone", "Europe/Nowhere"], ["check"],
                ["import"], ["import", "a.csv", "--server", "http://127.0.0.1:1"],
                ["import", "a.csv", "--server", "http://127.0.0.1:1", "--token", "t", "--data", "d"],
                ["import", "a.csv", "--format", "xls"], ["simulate", "--devices", "0"], ["token", "revoke"],
                ["token", "revoke", "first"], ["doctor", "--bogus"], ["replay", "status"], ["demo", "--days", "-1"],
            ])
        func wrongUse(arguments: [String]) async throws {
            let outcome = try await Program.run(arguments)
            #expect(outcome.status == 2, "\(outcome)")
            #expect(outcome.output.isEmpty)
            #expect(!outcome.errors.isEmpty)
        }

        @Test("a setting that is not known, or is wrong, in the environment or the file is wrong use")
        func wrongSettings() async throws {
            let folder = try Folder()
            for (name, value) in [("WORKERS", "many"), ("LISTEN", "8080"), ("LOG_LEVEL", "loud"), ("CONFIG", "/no")] {
                let outcome = try await Program.run(
                    ["serve", "--data", folder.path + "/data"], environment: ["ODOGRAPH_" + name: value])
                #expect(outcome.status == 2, "\(name): \(outcome)")
            }
            for text in [#"{"worker":2}"#, #"{"workers":0}"#, #"{"listen":1}"#, "{"] {
                let file = try folder.write(text, to: "settings.json")
                let outcome = try await Program.run(["serve", "--data", folder.path + "/data", "--config", file])
                #expect(outcome.status == 2, "\(text): \(outcome)")
            }
            #expect(!folder.exists("data"))
        }

        @Test("check tells what is wrong where, and its status whether anything is")
        func check() async throws {
            let folder = try Folder()
            let good = try folder.write(try Shipped.trips(), to: "good.json")
            let bad = try folder.write(
                """
                {
                  "name": "bad",
                  "selectors": [{ "type": "expression", "expression": "position.speed > > 3" }],
                  "counterz": []
                }

                """, to: "bad.json")
            let broken = try folder.write("{\n  \"name\": \"x\",,\n}", to: "broken.json")
            let fine = try await Program.run(["check", good])
            #expect(fine.status == 0)
            #expect(fine.output == "\(good): ok\n")
            let outcome = try await Program.run(["check", good, bad, broken, folder.path + "/none.json"])
            #expect(outcome.status == 1)
            #expect(outcome.output == "\(good): ok\n")
            let lines = outcome.errors.split(separator: "\n")
            #expect(lines.count == 4, "\(outcome)")
            #expect(lines[0].hasPrefix("\(bad):3:73: error: selectors[0].expression: "), "\(lines[0])")
            #expect(lines[1].hasPrefix("\(bad):4:3: error: counterz: "), "\(lines[1])")
            #expect(lines[1].contains("counters"))
            #expect(lines[2].hasPrefix("\(broken):2:15: error: "), "\(lines[2])")
            #expect(lines[3].hasPrefix("\(folder.path)/none.json: "))
        }

        @Test("every shipped calculator passes its check")
        func shipped() async throws {
            let names = ["daily-mileage", "engine-hours", "harsh-braking", "idling", "overspeed", "stops", "trips"]
            let files = (names + ["trips-by-gap"]).map { "\(Program.root)/calculators/\($0).json" }
            let outcome = try await Program.run(["check"] + files)
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.errors.isEmpty)
        }

        @Test("a token is made, listed without its key, opens the API, and is useless once revoked")
        func tokens() async throws {
            let folder = try Folder()
            let data = folder.path + "/data"
            let first = try await TestServer(folder)
            try await first.stop()
            let made = try await Program.run(["token", "create", "--data", data, "--name", "board", "--days", "30"])
            #expect(made.status == 0, "\(made)")
            let key = made.output.filter { $0 != "\n" }
            let list = try await Program.run(["token", "list", "--data", data])
            #expect(list.status == 0)
            #expect(list.output.split(separator: "\n").count == 2)
            #expect(list.output.contains("board") && !list.output.contains(key))
            let row = try #require(list.output.split(separator: "\n").first { $0.hasSuffix("board") })
            let id = String(row.prefix { $0.isNumber })
            let server = try await TestServer(folder)
            #expect(try await Wire.send("GET", "/gw/devices/all", token: key, port: server.port).status == 200)
            #expect(try await Wire.send("GET", "/platform/tokens", token: key, port: server.port).status == 403)
            try await server.stop()
            #expect(try await Program.run(["token", "revoke", "--data", data, id]).status == 0)
            #expect(try await Program.run(["token", "revoke", "--data", data, "99"]).status == 1)
            #expect(try await Program.run(["token", "list", "--data", data]).output.contains("revoked"))
            let last = try await TestServer(folder)
            #expect(try await Wire.send("GET", "/gw/devices/all", token: key, port: last.port).status == 401)
        }

        @Test("calculate writes the same intervals as JSON, CSV and a table, from a file and from standard input")
        func calculate() async throws {
            let folder = try Folder()
            let calculator = try folder.write(try Shipped.trips(), to: "trips.json")
            let messages = Drives(seed: 31, count: 200).messages.map { Drives.named($0, "a,\\\"b\\\"") }
            let text = messages.joined(separator: "\n")
            let file = try folder.write(text, to: "messages.jsonl")
            let arguments = ["calculate", "--calculator", calculator, "--messages"]
            let json = try await Program.run(arguments + [file])
            #expect(json.status == 0, "\(json)")
            #expect(json.errors.isEmpty)
            let piped = try await Program.run(arguments + ["-"], input: text)
            #expect(piped.output == json.output)
            let items = try #require(JSONValue(parsing: json.output).arrayValue)
            #expect(items.count > 2)
            #expect(items.allSatisfy { $0["ident"]?.stringValue == "a,\"b\"" && $0["id"] == nil })

            let csv = try await Program.run(arguments + [file, "--format", "csv"])
            let lines = csv.output.split(separator: "\n")
            #expect(csv.status == 0)
            #expect(lines.count == items.count + 1)
            #expect(lines.first?.hasPrefix("ident,begin,end,duration,distance,") == true)
            for (line, item) in zip(lines.dropFirst(), items) {
                let numbers = ["begin", "end", "duration", "distance"].map { item[$0]?.text ?? "" }
                #expect(line.hasPrefix("\"a,\"\"b\"\"\",\(numbers.joined(separator: ",")),"))
            }
            let table = try await Program.run(
                arguments + [file, "--format", "table", "--timezone", "Europe/Paris"])
            #expect(table.status == 0)
            #expect(table.output.contains("2026-03-01 22:3"), "\(table)")
            #expect(table.output.split(separator: "\n").count > items.count)
        }

        @Test("calculate shows messages that it cannot read, and goes on with the others")
        func badMessages() async throws {
            let folder = try Folder()
            let calculator = try folder.write(try Shipped.trips(), to: "trips.json")
            let messages = Drives(seed: 31, count: 60).messages
            let good = try folder.write(messages.joined(separator: "\n"), to: "good.jsonl")
            let bad = try folder.write(
                (messages.prefix(30) + ["no JSON", "{}"] + messages.dropFirst(30)).joined(separator: "\n"),
                to: "bad.jsonl")
            let arguments = ["calculate", "--calculator", calculator, "--messages"]
            let expected = try await Program.run(arguments + [good])
            let outcome = try await Program.run(arguments + [bad])
            #expect(outcome.status == 0)
            #expect(outcome.output == expected.output)
            #expect(outcome.errors.contains("\(bad):31: ") && outcome.errors.contains("\(bad):32: "))
            #expect(outcome.errors.contains("messages taken: 60, refused: 2"))
            #expect(try await Program.run(arguments + [folder.path + "/none"]).status == 1)
            #expect(try await Program.run(["calculate", "--calculator", bad, "--messages", good]).status == 1)
        }

        @Test("simulate writes the same messages for a seed, and others for another")
        func simulate() async throws {
            let arguments = ["simulate", "--devices", "1", "--days", "1", "--seed"]
            let first = try await Program.run(arguments + ["7"])
            #expect(first.status == 0)
            #expect(try await Program.run(arguments + ["7"]).output == first.output)
            #expect(try await Program.run(arguments + ["8"]).output != first.output)
            #expect(first.output.split(separator: "\n").count > 100)
        }
    }
}
