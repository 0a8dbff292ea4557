import CalcProcess
import PrimaryStore
import Telemetry
import Testing

@Suite("Assets")
struct AssetTests {
    @Test("An asset is created, read, changed and deleted")
    func life() async throws {
        try await TestHouse.open { house in
            let created = try await house.send(
                "POST", "/gw/assets",
                "[{\"name\":\"Kim\",\"intervals_ttl\":86400},{\"name\":5},{\"name\":\"Trailer\"}]")
            #expect(
                created.result.first?.text == """
                    {"id":1,"name":"Kim","enabled":true,"priority":0,"intervals_ttl":86400,"metadata":{},"cid":0}
                    """)
            #expect(created.result.count == 2 && created.errors.first?["index"] == .number(1), "\(created)")
            let changed = try await house.send("PATCH", "/gw/assets/1", "{\"priority\":100,\"metadata\":{\"pin\":7}}")
            #expect(changed.result.first?["priority"] == .number(100), "\(changed)")
            #expect(try await house.send("GET", "/gw/assets/metadata.pin=7?fields=id").result.count == 1)
            let wrong = try await house.send("PUT", "/gw/assets/1", "{\"intervals_ttl\":-1}")
            #expect(wrong.status == 400 && wrong.errors.first?["path"] == .string("intervals_ttl"), "\(wrong)")
            #expect(try await house.send("DELETE", "/gw/assets/all").result.count == 2)
        }
    }

    @Test("Intervals of an asset lie over those before, and device 0 takes away")
    func overlay() async throws {
        try await TestHouse.open { house in
            try await house.driver()
            let path = "/gw/assets/1/intervals"
            let made = try await house.send(
                "POST", path,
                "[{\"begin\":100,\"end\":200,\"device_id\":1,\"meta\":{\"card\":5}},{\"begin\":200,\"device_id\":2}]")
            #expect(
                made.body == """
                    {"result":[{"begin":100,"end":200,"device_id":1,"meta":{"card":5},"timestamp":1700000000},\
                    {"begin":200,"end":0,"device_id":2,"meta":{},"timestamp":1700000000}]}
                    """)
            #expect(try await house.send("GET", path).body == made.body)
            house.clock.advance(seconds: 5)
            let cut = try await house.send("POST", path, "{\"begin\":150,\"end\":250}")
            #expect(cut.body == "{\"result\":[]}", "nothing is left of what it covers: \(cut)")
            let ends = { (response: TestResponse) in
                response.result.map { item in ["begin", "end", "device_id"].map { item[$0]?.integerValue } }
            }
            #expect(ends(try await house.send("GET", path)) == [[100, 150, 1], [250, 0, 2]])
            #expect(ends(try await house.send("GET", path + "?begin=150")) == [[250, 0, 2]])
            #expect(ends(try await house.send("GET", path + "?end=149&reverse=true")) == [[100, 150, 1]])
            #expect(ends(try await house.send("GET", path + "?reverse=true&count=1")) == [[250, 0, 2]])
            #expect(try house.store.registry().assetIntervals.map(\.begin.seconds) == [100, 250])
            try await house.entity("assets", "{\"name\":\"Lee\"}")
            let both = try await house.send(
                "POST", "/gw/assets/all/intervals", "{\"begin\":1,\"end\":2,\"device_id\":1}")
            #expect(both.result.compactMap { $0["asset_id"]?.integerValue } == [1, 2], "\(both)")
            _ = try await house.send("DELETE", "/gw/devices/1")
            #expect(ends(try await house.send("GET", "/gw/assets/1/intervals")) == [[250, 0, 2]])
            #expect(try house.store.registry().assetIntervals.map(\.device.rawValue) == [2])
        }
    }

    @Test(
        "A wrong interval is refused, and with it all that came with it",
        arguments: [
            ("{\"end\":5}", "begin", "is missing"), ("{\"begin\":5,\"end\":5}", "end", "must be after begin"),
            ("{\"begin\":5,\"device_id\":9}", "device_id", "there is no such device"),
            ("{\"begin\":5,\"device_id\":-1}", "device_id", "whole number"),
            ("{\"begin\":5,\"device_id\":1099511627777}", "device_id", "whole number"),
            ("{\"begin\":1700000000000}", "begin", "divide by 1000"),
            ("{\"begin\":5,\"meta\":[]}", "meta", "must be an object"),
            ("{\"begin\":5,\"meta\":{\"a\":\"\(String(repeating: "x", count: 8200))\"}}", "meta", "is over 8192 bytes"),
            ("{\"begin\":5,\"device_d\":1}", "device_d", "did you mean \"device_id\"?"), ("7", "", "must be an object"),
        ])
    func refused(item: String, path: String, reason: String) async throws {
        try await TestHouse.open { house in
            try await house.driver()
            let response = try await house.send(
                "POST", "/gw/assets/1/intervals", "[{\"begin\":1,\"end\":2,\"device_id\":1},\(item)]")
            #expect(response.status == 400 && response.reasons.contains(reason), "\(response)")
            #expect(response.errors.first?["path"] == .string(path.isEmpty ? "[1]" : "[1].\(path)"), "\(response)")
            #expect(try house.store.registry().assetIntervals.isEmpty)
        }
    }

    @Test("A calculator is assigned to an asset, and its intervals, jobs and recalculation are asked for alike")
    func assigned() async throws {
        try await TestHouse.open { house in
            try await house.driver()
            _ = try await house.calculator()
            let path = "/gw/calcs/1/assets/1"
            let key = AssignmentKey(calculator: CalculatorID(1), device: DeviceID(asset: 1))
            let missing = try await house.send("GET", path)
            #expect(missing.status == 404 && missing.reasons.contains("assign it with POST \(path)"), "\(missing)")
            let made = try await house.send("POST", path)
            #expect(
                made.body == """
                    {"result":[{"calc_id":1,"asset_id":1,"name":"Kim","enabled":true,"auto_created":false,\
                    "synced":true,"state":"synced","pending_since":null}]}
                    """)
            #expect(try await house.send("GET", "/gw/calcs/1/devices/all").result.isEmpty, "an asset is no device")
            #expect(try await house.send("GET", "/gw/calcs/1/assets/all?fields=asset_id").result.count == 1)
            #expect(try await house.send("GET", "/gw/calcs/assets.name=Kim?fields=id").result.count == 1)
            _ = try await house.send("PUT", path, "{\"enabled\":false}")
            #expect(try house.store.assignment(key)?.isEnabled == false)
            #expect(try await house.send("POST", path + "/recalculate", "{\"from\":1}").result.first == key.testJSON)
            #expect(house.calculation.asked.map(\.0) == [key])
            #expect(try await house.send("GET", path + "/jobs").body == "{\"result\":[]}")
            try await house.push(key)
            #expect(try await house.send("GET", path + "/intervals/last").result.first?["begin"] == .number(300))
            #expect(try await house.send("GET", path + "/jobs").result.first?["asset_id"] == .number(1))
            try await house.entity("assets", "{\"name\":\"Lee\"}")
            _ = try await house.send("POST", "/gw/calcs/1/assets/2")
            let tagged = try await house.send("GET", "/gw/calcs/1/assets/all/intervals/1")
            #expect(tagged.body.hasPrefix("{\"result\":[{\"calc_id\":1,\"asset_id\":1,\"begin\":100,"), "\(tagged)")
            let refused = try await house.send("DELETE", path)
            #expect(refused.status == 409 && refused.reasons.contains("intervals on asset 1"), "\(refused)")
            #expect(try await house.send("DELETE", "/gw/assets/1").status == 409)
            #expect(try await house.send("DELETE", "/gw/assets/1?confirm=intervals").status == 200)
            #expect(try house.store.assignment(key) == nil)
            #expect(try await house.send("GET", "/gw/calcs/1/assets/1").reasons.contains("there is no asset 1"))
        }
    }
}

extension TestHouse {
    /// Two devices and an asset that they may stand for.
    fileprivate func driver() async throws {
        _ = try await device("a")
        _ = try await device("b")
        try await entity("assets", "{\"name\":\"Kim\"}")
    }
}

extension AssignmentKey {
    fileprivate var testJSON: JSONValue {
        .object([.init("calc_id", .number(1)), .init("asset_id", .number(1))])
    }
}
