import HTTPAPI
import Telemetry
import Testing

@Suite("Item selectors")
struct SelectorTests {
    @Test("Devices are found by id, list, all, field, wildcard, quoted value, assignment and expression")
    func devices() async throws {
        try await TestHouse.open { house in
            _ = try await house.device(
                "352001", ",\"name\":\"my tracker\",\"device_type_id\":42,\"metadata\":{\"fleet.no\":7}")
            _ = try await house.device("352002", ",\"name\":\"Van\",\"enabled\":false")
            _ = try await house.device("861003", ",\"name\":\"Van\",\"device_type_id\":42")
            let calculator = try await house.calculator()
            _ = try await house.send("POST", "/gw/calcs/\(calculator)/devices/2,3")
            let cases: [(String, [Int64])] = [
                ("1", [1]), ("3,1", [3, 1]), ("1,1", [1]), ("all", [1, 2, 3]), ("name=Van", [2, 3]),
                ("configuration.ident=352001", [1]), ("configuration.ident=352*", [1, 2]),
                ("configuration.ident=35200?", [1, 2]), ("configuration.ident=\"861003\"", [3]), ("ident=861003", [3]),
                ("enabled=false", [2]), ("device_type_id=42", [1, 3]), ("metadata.fleet.no=7", [1]),
                ("calcs.id=\(calculator)", [2, 3]), ("calcs.name=tri*", [2, 3]), ("calcs.id=99", []),
                ("{name==\"my tracker\" || device_type_id==42}", [1, 3]), ("{!enabled}", [2]),
                ("{configuration.ident ~ \"352*\"}", [1, 2]), ("{$nothing.there > 5}", []), ("name=nobody", []),
            ]
            for (selector, ids) in cases {
                let response = try await house.send("GET", "/gw/devices/\(selector.inURL)?fields=id")
                #expect(response.result.compactMap { $0["id"]?.integerValue } == ids, "\(selector): \(response)")
                #expect(response.status == 200)
            }
        }
    }

    @Test("Calculators are found by their fields and their devices")
    func calculators() async throws {
        try await TestHouse.open { house in
            let device = try await house.device("a")
            let first = try await house.calculator()
            let second = try await house.calculator(TestHouse.trips.replacingName("trips", "stops"))
            _ = try await house.send("POST", "/gw/calcs/\(second)/devices/\(device)")
            for (selector, ids) in [
                ("name=stops", [second]), ("devices.id=\(device)", [second]), ("{name==\"trips\"}", [first]),
                ("devices.configuration.ident=a", [second]),
            ] {
                let response = try await house.send("GET", "/gw/calcs/\(selector.inURL)?fields=id")
                #expect(response.result.compactMap { $0["id"]?.integerValue } == ids, "\(selector): \(response)")
            }
        }
    }

    @Test(
        "A wrong selector says what is wrong",
        arguments: [
            ("abc", "\"abc\" selects no device", "field=value or {expression}"),
            ("1,x", "\"x\" selects no device", ""), ("-5", "\"-5\" selects no device", ""),
            ("nmae=x", "no field \"nmae\"", "did you mean \"name\"?"),
            ("{name==}", "selector:", ""), ("{name", "closing brace", ""), ("{#name==1}", "looks back", "leave out"),
            ("%ff", "percent-encoded UTF-8", ""), (",", "empty", ""),
        ])
    func wrong(selector: String, reason: String, hint: String) async throws {
        try await TestHouse.open { house in
            let path = selector.hasPrefix("%") ? selector : selector.inURL
            let response = try await house.send("GET", "/gw/devices/\(path)")
            #expect(response.status == 400)
            #expect(response.reasons.contains(reason) && response.reasons.contains(hint), "\(response)")
        }
    }

    @Test("An expression that cannot be compiled names the column")
    func column() async throws {
        try await TestHouse.open { house in
            let response = try await house.send("GET", "/gw/devices/\("{name == \"a\" && }".inURL)")
            #expect(response.errors.first?["column"]?.integerValue ?? 0 > 10, "\(response)")
        }
    }
}

extension String {
    func replacingName(_ old: String, _ new: String) -> String {
        split(separator: "\"\(old)\"", maxSplits: 1, omittingEmptySubsequences: false).joined(separator: "\"\(new)\"")
    }
}
