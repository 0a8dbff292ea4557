import PrimaryStore
import Telemetry
import Testing

@testable import HTTPAPI

@Suite("Explanations")
struct ExplainAPITests {
    static let start = OnDemandTests.start
    static let path = "/gw/calcs/1/devices/1/intervals/"

    @Test("An interval is told with the message that began it, the one that ended it, and the revision that made it")
    func byID() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            let response = try await house.send("GET", Self.path + "2/explain")
            let item = try #require(response.result.first, "\(response)")
            #expect(response.result.count == 1 && response.headers["x-odograph-synced"] == "true")
            let expression = """
                "expression":"$position.speed>3","values":[{"text":"$position.speed>3","column":1,"value":
                """
            func message(_ row: Int, _ speed: Int) -> String {
                """
                "message":{"timestamp":\(Self.start + row * 60),"parameters":{"position.speed":\(speed)},\
                \(expression)\(speed > 3)},{"text":"$position.speed","column":1,"value":\(speed)}]}
                """
            }
            func cause(_ code: String, _ truth: Bool, _ message: String) -> String {
                """
                "code":"\(code)","text":"the expression is \(truth)","causes":[{"code":"\(code)",\
                "text":"the expression is \(truth)","selector":{"index":0,"type":"expression"},\(message)}],\
                "merge":{"code":"not_asked","text":"merge_message_\(truth ? "before" : "after") is not set"}}
                """
            }
            #expect(
                item.text == """
                    {"interval":{"begin":\(Self.start + 240),"end":\(Self.start + 360),"duration":120,"id":2,\
                    "timestamp":1700000000,"max":9},"revision":1,"is_stored":true,"is_current":true,\
                    "began":{"timestamp":\(Self.start + 240),\(cause("on", true, message(4, 7))),\
                    "ended":{"timestamp":\(Self.start + 360),\(cause("off", false, message(7, 0))),\
                    "messages":{"count":3,"on":3,"off_absorbed":0,"unknown":0,"unseen":0}}
                    """)
            let last = try await house.send("GET", Self.path + "last/explain").result
            #expect(last == response.result)
            #expect(try await house.send("GET", Self.path + "77/explain").result.isEmpty)
        }
    }

    @Test("Over a range all intervals are told, with the candidates that were refused and what hides messages")
    func all() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            let late = [0, 5, 0].enumerated().map {
                "{\"timestamp\":\(Self.start + 600 + $0.offset * 60),\"position.speed\":\($0.element)}"
            }
            _ = try await house.send("POST", "/gw/devices/1/messages", "[\(late.joined(separator: ","))]")
            let path = Self.path + "all/explain?begin=\(Self.start)"
            let items = try await house.send("GET", path).result
            #expect(items.map { $0["interval"]?["id"]?.integerValue } == [1, 2, nil], "\(items)")
            let refused = try #require(items.last?["refused"])
            #expect(refused["begin"]?.integerValue == Int64(Self.start + 660) && refused["is_final"] == .boolean(true))
            #expect(refused["reasons"]?.arrayValue?.map { $0["code"]?.stringValue } == ["single_message"])
            let plain = try await house.send("GET", path + "&refused=false").result
            #expect(plain == Array(items.prefix(2)))
            let early = try await house.send("GET", path + "&end=\(Self.start + 239)").result
            #expect(early == Array(items.prefix(1)))
            let asked = try await house.send("GET", Self.path + "1/explain?data=%7B%22refused%22%3Atrue%7D").result
            #expect(asked == early)
            _ = try await house.send("PATCH", "/gw/calcs/1", "{\"validate_message\":\"position.speed!=8\"}")
            let hidden = try await house.send("GET", path).result.last?["hidden"]
            #expect(hidden?["count"] == .number(1) && hidden?["validate_message"] == .number(1))
            let first = hidden?["first"]?.arrayValue?.first?["message"]
            #expect(first?["parameters"]?.text == "{\"position.speed\":8}")
        }
    }

    @Test("What the messages give now and what is stored are told apart")
    func apart() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            // Nothing calculates here, so what is stored stays as it was.
            let change = "{\(DryRunTests.selector("position.speed==5||position.speed>8"))}"
            _ = try await house.send("PATCH", "/gw/calcs/1", change)
            let late = [8, 8, 9].enumerated().map {
                "{\"timestamp\":\(Self.start + 600 + $0.offset * 60),\"position.speed\":\($0.element + 1)}"
            }
            _ = try await house.send("POST", "/gw/devices/1/messages", "[\(late.joined(separator: ","))]")
            let items = try await house.send("GET", Self.path + "all/explain?begin=\(Self.start)&refused=false").result
            #expect(items.map { $0["is_stored"]?.booleanValue } == [true, true, false], "\(items)")
            #expect(items.map { $0["is_current"]?.booleanValue } == [true, false, true])
            #expect(items[1]["text"]?.stringValue?.contains("no such interval") == true && items[1]["began"] == nil)
            #expect(items[2]["interval"]?["id"] == nil && items[2]["ended"]?["code"] == .string("end_of_data"))
        }
    }

    @Test("Of several devices each item says whose it is, and what is not assigned is an error")
    func several() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 2)
            _ = try await house.device("other")
            let response = try await house.send("GET", "/gw/calcs/1/devices/1,2,3/intervals/last/explain")
            #expect(response.result.map { $0["device_id"]?.integerValue } == [1, 2], "\(response)")
            #expect(response.result.map { $0["interval"]?["id"]?.integerValue } == [2, 2])
            #expect(response.reasons.contains("is not assigned to device 3"), "\(response)")
            let missing = try await house.send("GET", "/gw/calcs/1/devices/3/intervals/last/explain")
            #expect(missing.status == 404, "\(missing)")
        }
    }

    @Test(
        "A wrong request is refused with a way out",
        arguments: [
            ("all/explain", 400, "begin is missing"), ("x/explain", 400, "selects no intervals"),
            ("all/explain?begin=9&end=5", 400, "begin is after end"),
            ("all/explain?begin=1&end=4000000000", 413, "narrow begin and end"),
            ("all/explain?begin=1&count=5", 400, "there is no query parameter \"count\""),
            ("all/explain?begin=x", 400, "begin must be a number"),
            ("all/explain?data=%7B%22begn%22%3A1%7D", 400, "did you mean \"begin\"?"),
        ])
    func refused(path: String, status: Int, reason: String) async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            let response = try await house.send("GET", Self.path + path)
            #expect(response.status == status && response.reasons.contains(reason), "\(response)")
        }
    }
}
