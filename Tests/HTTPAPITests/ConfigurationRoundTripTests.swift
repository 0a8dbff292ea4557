import Foundation
import HTTPAPI
import Telemetry
import Testing

/// Every calculator that is printed, shipped or tested anywhere goes through the API and comes back as it was.
@Suite("Configurations through the API")
struct ConfigurationRoundTripTests {
    /// The calculators of the project's folders, with their paths; JSON that is none, and what is asked on demand, is
    /// left out.
    static let all = folders.flatMap(definitions)

    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    private static let folders = [
        tests.appendingPathComponent("ScenarioTests/Configurations"), tests.appendingPathComponent("Scenarios"),
        tests.deletingLastPathComponent().appendingPathComponent("calculators"),
    ]

    private static func definitions(in folder: URL) -> [(path: String, json: JSONValue)] {
        let files = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return files.filter { $0.hasSuffix(".json") }.sorted().compactMap { path in
            guard let text = try? String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8),
                var json = try? JSONValue(parsing: text), json["selectors"] != nil, json["from"] == nil
            else { return nil }
            // What documentation prints has no name, which the API asks for.
            if json["name"] == nil { json["name"] = .string(path) }
            return (folder.lastPathComponent + "/" + path, json)
        }
    }

    @Test("there are as many as there should be")
    func some() { #expect(Self.all.count > 150, "\(Self.all.count)") }

    @Test("every calculator comes back by GET with the same members in the same order, and PUT takes it again")
    func roundTrip() async throws {
        try await TestHouse.open { house in
            let sources = try await Sources(house)
            for (path, json) in Self.all {
                let given = sources.pointed(json)
                let created = try await house.send("POST", "/gw/calcs", given.text)
                guard let object = created.result.first, let id = object["id"]?.integerValue else {
                    Issue.record("\(path): \(created)")
                    continue
                }
                let got = try await house.send("GET", "/gw/calcs/\(id)").result.first ?? .null
                #expect(Self.difference(given, got) == nil, "\(path): \(Self.difference(given, got) ?? "")")
                #expect(got == object, "\(path): POST and GET answer alike")
                let put = try await house.send("PUT", "/gw/calcs/\(id)", got.text)
                #expect(put.result.first?.members == got.members, "\(path): \(put)")
            }
        }
    }

    @Test(
        "the delay comes back by the name by which it was given, and by no other",
        arguments: ["update_delay", "update_interval"])
    func delay(_ name: String) async throws {
        try await TestHouse.open { house in
            let other = name == "update_delay" ? "update_interval" : "update_delay"
            let definition = "{\"name\":\"x\",\"selectors\":[{\"type\":\"datetime\"}],\"\(name)\":12.5}"
            let id = try await house.calculator(definition)
            let got = try await house.send("GET", "/gw/calcs/\(id)").result.first
            #expect(got?[name] == .number(12.5))
            #expect(got?[other] == nil)
        }
    }

    /// Where what came back is not what was given: a member that is missing, altered or out of order.
    static func difference(_ given: JSONValue, _ got: JSONValue) -> String? {
        let names = Set((given.members ?? []).map(\.key))
        let same = (got.members ?? []).filter { names.contains($0.key) }
        if given["id"] == nil, got["id"] == nil { return "no id" }
        let wanted = (given.members ?? []).filter { $0.key != "id" }
        let found = same.filter { $0.key != "id" }
        guard wanted.map(\.key) == found.map(\.key) else {
            return "\(wanted.map(\.key)), came back \(found.map(\.key))"
        }
        for (one, other) in zip(wanted, found) where one.value.text != other.value.text {
            return "\(one.key): \(one.value.text), came back \(other.value.text)"
        }
        return nil
    }

    /// Calculators that stand for those that others read, so that their ids exist.
    private struct Sources {
        private let id: Double

        init(_ house: TestHouse) async throws {
            id = Double(try await house.calculator("{\"name\":\"source\",\"selectors\":[{\"type\":\"datetime\"}]}"))
        }

        /// The same calculator over a source that exists.
        func pointed(_ json: JSONValue) -> JSONValue {
            switch json {
            case .array(let items): return .array(items.map(pointed))
            case .object(let members):
                return .object(
                    members.map { member in
                        let namesSource = ["calc_id", "calculator_id"].contains(member.key)
                        let value = namesSource && member.value.numberValue != nil ? .number(id) : pointed(member.value)
                        return JSONValue.Member(member.key, value)
                    })
            default: return json
            }
        }
    }
}
