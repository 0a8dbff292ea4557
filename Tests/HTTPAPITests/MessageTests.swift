import HTTPAPI
import Telemetry
import Testing

@Suite("Messages")
struct MessageTests {
    static let start = 1_699_990_000

    /// Messages a minute apart, each with its number as the speed.
    static func messages(_ count: Int, ident: String? = nil, from: Int = start) -> String {
        let objects = (0..<count).map { index in
            let name = ident.map { ",\"ident\":\"\($0)\"" } ?? ""
            return "{\"timestamp\":\(from + index * 60),\"position.speed\":\(index)\(name)}"
        }
        return "[\(objects.joined(separator: ","))]"
    }

    @Test("Messages that were accepted can be read, with the device's own parameters")
    func roundTrip() async throws {
        try await TestHouse.open { house in
            let id = try await house.device("a", ",\"name\":\"n\"")
            let stored = try await house.send("POST", "/gw/devices/\(id)/messages", Self.messages(2))
            #expect(stored.body == "{\"result\":[{\"accepted\":2,\"device_id\":1}]}")
            let read = try await house.send("GET", "/gw/devices/\(id)/messages")
            #expect(
                read.body == """
                    {"result":[{"timestamp":1699990000,"server.timestamp":1700000000,"ident":"a","device.id":1,\
                    "device.name":"n","device.type.id":0,"position.speed":0},{"timestamp":1699990060,\
                    "server.timestamp":1700000000,"ident":"a","device.id":1,"device.name":"n","device.type.id":0,\
                    "position.speed":1}]}
                    """)
            #expect(
                try await house.send("GET", "/gw/devices/1?fields=last_active").result.first?["last_active"]
                    == .number(1_700_000_000))
            let one = try await house.send(
                "POST", "/gw/devices/ident=a/messages", "{\"timestamp\":1699999999,\"din\":1}")
            #expect(one.status == 200, "one object is a message too: \(one)")
        }
    }

    @Test("from, to, count, reverse, fields and filter choose messages, as data, body or plainly")
    func queries() async throws {
        try await TestHouse.open { house in
            let id = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/\(id)/messages", Self.messages(10))
            let path = "/gw/devices/\(id)/messages"
            func speeds(_ query: String, body: String? = nil) async throws -> [Double] {
                let response = try await house.send("GET", path + query, body)
                #expect(response.status == 200, "\(response)")
                return response.result.compactMap { $0["position.speed"]?.numberValue }
            }
            #expect(try await speeds("?from=\(Self.start + 60)&to=\(Self.start + 180)") == [1, 2, 3])
            #expect(try await speeds("?count=2&reverse=true") == [9, 8])
            let data = "{\"from\":\(Self.start + 60),\"count\":2,\"fields\":\"position.speed\"}"
            #expect(try await speeds("?data=\(data.inURL)") == [1, 2])
            #expect(try await speeds("", body: data) == [1, 2])
            #expect(try await speeds("?data=\(data.inURL)&count=1") == [1])
            #expect(try await speeds("?filter=\("position.speed % 4 == 0".inURL)") == [0, 4, 8])
            #expect(try await speeds("?filter=\("position.speed > 2".inURL)&reverse=1&count=3") == [9, 8, 7])
            #expect(try await speeds("?filter=\("device.id == 1 && timestamp > \(Self.start + 500)".inURL)") == [9])
            let cut = try await house.send("GET", path + "?fields=timestamp,position.speed&count=1")
            #expect(cut.body == "{\"result\":[{\"timestamp\":\(Self.start),\"position.speed\":0}]}")
        }
    }

    @Test(
        "A wrong query is refused",
        arguments: [
            ("?form=5", "did you mean \"from\"?"), ("?data=\("{\"form\":5}".inURL)", "did you mean \"from\"?"),
            ("?data=\("{\"from\":}".inURL)", "data is not valid JSON"), ("?data=5", "data must be an object"),
            ("?count=0", "whole number from 1 to 100000"), ("?count=100001", "whole number from 1 to 100000"),
            ("?from=1699990000000", "milliseconds"), ("?from=noon", "must be a number, not \"noon\""),
            ("?from=10&to=5", "from is after to"), ("?filter=\("position.speed >".inURL)", "filter:"),
            ("?filter=\("#position.speed > 1".inURL)", "looks back"), ("?reverse=maybe", "true or false"),
        ])
    func wrongQuery(query: String, reason: String) async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let response = try await house.send("GET", "/gw/devices/1/messages" + query)
            #expect(response.status == 400 && response.reasons.contains(reason), "\(response)")
        }
    }

    @Test(
        "What is wrong with a message is listed with its index and parameter, and the rest is stored",
        arguments: [
            (
                "{\"timestamp\":1699990000,\"position.latitude\":91,\"position.longitude\":5}", "position.latitude",
                "-90 to 90", true
            ),
            ("{\"timestamp\":1699990000000}", "timestamp", "milliseconds", false),
            (
                "{\"timestamp\":1699990000,\"position.speed\":\"fast\"}", "position.speed",
                "must be a number, is a string", true
            ),
            ("{\"position.speed\":5}", "timestamp", "is missing", false),
        ])
    func wrongMessage(message: String, parameter: String, reason: String, isKept: Bool) async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let response = try await house.send(
                "POST", "/gw/devices/1/messages", "[{\"timestamp\":1699990001,\"din\":1},\(message)]")
            #expect(response.status == 200)
            #expect(response.result.first?["accepted"] == .number(isKept ? 2 : 1))
            let error = try #require(response.errors.first, "\(response)")
            #expect(error["index"] == .number(1) && error["parameter"] == .string(parameter), "\(response)")
            #expect(error["reason"]?.stringValue?.contains(reason) == true, "\(response)")
            let alone = try await house.send("POST", "/gw/devices/1/messages", "[\(message)]")
            #expect(alone.status == 200 && alone.result.first?["apart"] == (isKept ? nil : .number(1)), "\(alone)")
        }
    }

    @Test("Broken JSON is refused as a whole, with line and column")
    func brokenJSON() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let response = try await house.send(
                "POST", "/gw/devices/1/messages", "[{\"timestamp\":1699990000},\n {\"timestamp\" 5}]")
            #expect(response.status == 400)
            #expect(
                response.errors.first?["line"] == .number(2) && response.errors.first?["column"] == .number(15),
                "\(response)")
            #expect(try await house.send("GET", "/gw/devices/1/messages").result.isEmpty)
            #expect(try await house.send("POST", "/gw/devices/1/messages", "").status == 400)
        }
    }

    @Test("Messages of several devices go by their ident, and what names none is listed")
    func severalDevices() async throws {
        try await TestHouse.open { house in
            let a = try await house.device("a")
            let b = try await house.device("b")
            let body = """
                [{"timestamp":1699990000,"ident":"a"},{"timestamp":1699990001,"ident":"b"},\
                {"timestamp":1699990002,"ident":"a"},{"timestamp":1699990003},{"timestamp":1699990004,"ident":"c"}]
                """
            let response = try await house.send("POST", "/gw/devices/all/messages", body)
            #expect(
                response.result.map(\.text) == [
                    "{\"accepted\":2,\"device_id\":\(a)}", "{\"accepted\":1,\"device_id\":\(b)}",
                ])
            #expect(response.errors.count == 2)
            #expect(response.reasons.contains("no selected device has the ident \"c\""), "\(response)")
            #expect(response.reasons.contains("give each message its ident"))
            let counted = try await house.send("GET", "/gw/devices/all/messages?count=2")
            #expect(counted.result.count == 2, "count is over all devices")
            let other = try await house.send(
                "POST", "/gw/devices/\(b)/messages", "[{\"timestamp\":1699990000,\"ident\":\"a\"}]")
            #expect(other.status == 404 && other.reasons.contains("device 2 has the ident \"b\""), "\(other)")
        }
    }

    @Test(
        "A message more than 300 s ahead is kept apart, and said to be so, imported history too",
        arguments: ["", "?history=true"])
    func future(query: String) async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let response = try await house.send(
                "POST", "/gw/devices/1/messages" + query, "[{\"timestamp\":1700000300},{\"timestamp\":1700000301}]")
            #expect(
                response.body.hasPrefix("{\"result\":[{\"accepted\":1,\"apart\":1,\"device_id\":1}]"), "\(response)")
            #expect(response.reasons.contains("were kept apart") && response.reasons.contains("/messages/apart/all"))
            #expect(response.errors.first?["count"] == .number(1) && response.errors.first?["id"] == .number(1))
            #expect(try await house.send("GET", "/gw/devices/1/messages").result.count == 1)
        }
    }

    @Test("Imported history counts as accepted at its own timestamps")
    func history() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/1/messages?history=true", "[{\"timestamp\":1500000000}]")
            let read = try await house.send("GET", "/gw/devices/1/messages?fields=server.timestamp")
            #expect(read.body == "{\"result\":[{\"server.timestamp\":1500000000}]}")
        }
    }

    @Test("Messages of an unknown device are refused, and deleting messages is not in this version")
    func unknown() async throws {
        try await TestHouse.open { house in
            let response = try await house.send("POST", "/gw/devices/5/messages", Self.messages(1))
            #expect(response.status == 404 && response.reasons.contains("there is no device 5"))
            let byIdent = try await house.send("POST", "/gw/devices/configuration.ident=x/messages", Self.messages(1))
            #expect(byIdent.status == 404 && byIdent.reasons.contains("matches no device"), "\(byIdent)")
            #expect(try await house.send("DELETE", "/gw/devices/5/messages").status == 501)
        }
    }

    @Test("Where the client gave no count, an answer that was cut says so")
    func truncated() async throws {
        var limits = APILimits()
        limits.messagesDefault = 3
        try await TestHouse.open(limits: limits) { house in
            _ = try await house.device("a")
            _ = try await house.send("POST", "/gw/devices/1/messages", Self.messages(4))
            #expect(try await house.send("GET", "/gw/devices/1/messages").json["truncated"] == .boolean(true))
            #expect(try await house.send("GET", "/gw/devices/1/messages?count=3").json["truncated"] == nil)
            #expect(
                try await house.send("GET", "/gw/devices/1/messages?from=\(Self.start + 60)").json["truncated"] == nil)
        }
    }

    @Test("Many clients at once lose nothing")
    func concurrent() async throws {
        try await TestHouse.open { house in
            for ident in ["a", "b", "c", "d"] { _ = try await house.device(ident) }
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<40 {
                    let body = Self.messages(25, from: Self.start - 100_000 * (index / 4))
                    group.addTask { try await house.send("POST", "/gw/devices/\(index % 4 + 1)/messages", body).status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.count == 40 && statuses.allSatisfy { $0 == 200 })
            let read = try await house.send("GET", "/gw/devices/all/messages?fields=timestamp&count=2000")
            #expect(read.result.count == 1_000)
        }
    }

    @Test("Telemetry is the latest value of each parameter with its time")
    func telemetry() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            _ = try await house.send(
                "POST", "/gw/devices/1/messages",
                "[{\"timestamp\":1699990000,\"din\":1,\"position.speed\":5},{\"timestamp\":1699990060,\"position.speed\":7}]"
            )
            #expect(
                try await house.send("GET", "/gw/devices/1/telemetry/all").body == """
                    {"result":[{"id":1,"telemetry":{"din":{"ts":1699990000,"value":1},\
                    "position.speed":{"ts":1699990060,"value":7}}}]}
                    """)
            let one = try await house.send("GET", "/gw/devices/1/telemetry/din,nothing")
            #expect(one.result.first?["telemetry"]?.members?.map(\.key) == ["din"])
            let pattern = try await house.send("GET", "/gw/devices/1/telemetry/\("position.*".inURL)")
            #expect(pattern.result.first?["telemetry"]?.members?.map(\.key) == ["position.speed"])
        }
    }

    @Test("A body of 9 MB is refused with 413, announced or not, and nothing of it is stored")
    func tooLarge() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let body = "[{\"timestamp\":1699990000,\"x\":\"" + String(repeating: "y", count: 9_000_000) + "\"}]"
            let response = try await house.send("POST", "/gw/devices/1/messages", body)
            #expect(response.status == 413 && response.errors.first?["code"] == .number(7), "\(response)")
            var request = "POST /gw/devices/1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            request += "Authorization: Bearer \(house.master)\r\nTransfer-Encoding: chunked\r\n\r\n"
            request += "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
            let chunked = try await house.client.exchange(Array(request.utf8))
            #expect(chunked.status == 413, "\(chunked)")
            #expect(try await house.send("POST", "/gw/devices/1/messages", body, token: "wrong").status == 401)
            #expect(try await house.send("POST", "/gw/device/1/messages", body).status == 404)
            #expect(try await house.send("GET", "/gw/devices/1/messages").result.isEmpty)
        }
    }
}
