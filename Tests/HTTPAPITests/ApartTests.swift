import HTTPAPI
import PrimaryStore
import Telemetry
import Testing

/// Messages that are acknowledged and kept apart: future, late and impossible ones.
@Suite("Messages kept apart")
struct ApartTests {
    static let path = "/gw/devices/1/messages/apart"
    /// The clock of the tests.
    static let now = 1_700_000_000

    /// A device with one message of the past, one too far ahead and two that have no possible timestamp.
    private func prepared(_ house: TestHouse) async throws -> TestResponse {
        _ = try await house.device("a")
        return try await house.send(
            "POST", "/gw/devices/1/messages",
            """
            [{"timestamp":1699990000,"din":1},{"timestamp":1700009999,"position.speed":5.5,"x":[1,{"a":null}]},\
            {"din":2,"x":"é"},{"timestamp":5,"y":true}]
            """)
    }

    @Test("What may not be taken is acknowledged, counted, listed in the errors, and read as it came")
    func listed() async throws {
        try await TestHouse.open { house in
            let stored = try await prepared(house)
            #expect(stored.status == 200)
            #expect(stored.result.map(\.text) == ["{\"accepted\":1,\"apart\":3,\"device_id\":1}"], "\(stored)")
            #expect(stored.errors.map { $0["index"]?.integerValue } == [2, 3, 1], "\(stored)")
            #expect(stored.errors.allSatisfy { $0["hint"]?.stringValue?.contains("messages/apart") == true })
            let read = try await house.send("GET", Self.path)
            #expect(
                read.result.map(\.text) == [
                    """
                    {"id":1,"device_id":1,"reason":"impossible","timestamp":null,"server.timestamp":1700000000,\
                    "message":{"din":2,"x":"é"}}
                    """,
                    """
                    {"id":2,"device_id":1,"reason":"impossible","timestamp":null,"server.timestamp":1700000000,\
                    "message":{"timestamp":5,"y":true}}
                    """,
                    """
                    {"id":3,"device_id":1,"reason":"future","timestamp":1700009999,"server.timestamp":1700000000,\
                    "message":{"timestamp":1700009999,"position.speed":5.5,"x":[1,{"a":null}]}}
                    """,
                ], "\(read)")
            let counts = read.json["counts"]?.arrayValue ?? []
            #expect(Set(counts.map { $0["reason"]?.stringValue }) == ["impossible", "future"], "\(read)")
            #expect(counts.compactMap { $0["count"]?.integerValue }.sorted() == [1, 2])
            #expect(try await house.send("GET", Self.path + "?reason=future").result.map { $0["id"] } == [.number(3)])
            #expect(try await house.send("GET", Self.path + "?count=1&after=1").result.map { $0["id"] } == [.number(2)])
            #expect(try await house.send("GET", "/gw/devices/1/messages").result.count == 1)
        }
    }

    @Test("Admitted messages are in the history, stamped with their arrival, and not apart any more")
    func admitted() async throws {
        try await TestHouse.open { house in
            _ = try await prepared(house)
            house.clock.advance(seconds: 50_000)
            let answer = try await house.send("POST", Self.path + "/all")
            #expect(answer.result.map(\.text) == ["{\"device_id\":1,\"admitted\":1,\"ids\":[3]}"], "\(answer)")
            #expect(answer.errors.map { $0["id"]?.integerValue } == [1, 2], "impossible ones stay: \(answer)")
            #expect(answer.reasons.contains("has no possible timestamp") && answer.reasons.contains("timestamp"))
            let one = try await house.send("POST", Self.path + "/1", "{\"timestamp\":1699995000.5}")
            #expect(one.result.map(\.text) == ["{\"device_id\":1,\"admitted\":1,\"ids\":[1]}"], "\(one)")
            let read = try await house.send(
                "GET", "/gw/devices/1/messages?fields=timestamp,server.timestamp,din,position.speed,x")
            #expect(
                read.result.map(\.text) == [
                    "{\"timestamp\":1699990000,\"server.timestamp\":1700000000,\"din\":1}",
                    "{\"timestamp\":1699995000.5,\"server.timestamp\":1700000000,\"din\":2,\"x\":\"é\"}",
                    """
                    {"timestamp":1700009999,"server.timestamp":1700000000,"position.speed":5.5,"x":[1,{"a":null}]}
                    """,
                ], "\(read)")
            #expect(try await house.send("GET", Self.path).result.map { $0["id"] } == [.number(2)])
            let again = try await house.send("POST", Self.path + "/1,3")
            #expect(again.status == 404 && again.errors.count == 2, "\(again)")
        }
    }

    @Test("A message older than the horizon is kept apart as late, and cannot be admitted")
    func late() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a", ",\"messages_ttl\":3600")
            try house.setHorizon(1_699_990_000)
            house.clock.advance(seconds: 6)
            let body = "[{\"timestamp\":1699989999.999999,\"din\":1},{\"timestamp\":1699990000,\"din\":2},{\"din\":3}]"
            for query in ["", "?history=true"] {
                let stored = try await house.send("POST", "/gw/devices/1/messages" + query, body)
                #expect(stored.body.contains("\"accepted\":1,\"apart\":2"), "\(stored)")
                #expect(stored.reasons.contains("older than the device's horizon"), "\(stored)")
            }
            let late = try await house.send("GET", Self.path + "?reason=late")
            #expect(
                late.result.map { $0["timestamp"] } == [.number(1_699_989_999.999999), .number(1_699_989_999.999999)])
            let id = try #require(late.result.first?["id"]?.integerValue)
            let refused = try await house.send("POST", Self.path + "/\(id)")
            #expect(refused.status == 409 && refused.reasons.contains("DELETE it"), "\(refused)")
            let impossible = try await house.send("GET", Self.path + "?reason=impossible").result.first?["id"]?
                .integerValue
            let early = try await house.send(
                "POST", Self.path + "/\(try #require(impossible))", "{\"timestamp\":1699980000}")
            #expect(early.status == 409, "\(early)")
            #expect(try await house.send("GET", "/gw/devices/1/messages").result.count == 1)
            let device = try await house.send("GET", "/gw/devices/1?fields=horizon")
            #expect(device.body == "{\"result\":[{\"horizon\":1699990000}]}")
            let set = try await house.send("PATCH", "/gw/devices/1", "{\"horizon\":5}")
            #expect(
                set.status == 200 && set.result.first?["horizon"] == .number(1_699_990_000), "it is read only: \(set)")
        }
    }

    @Test("Deleted ones are gone, those of a reason or by id, and the others stay")
    func deleted() async throws {
        try await TestHouse.open { house in
            _ = try await prepared(house)
            let future = try await house.send("DELETE", Self.path + "/all?reason=future")
            #expect(future.result.map(\.text) == ["{\"device_id\":1,\"deleted\":1,\"ids\":[3]}"], "\(future)")
            let part = try await house.send("DELETE", Self.path + "/2,77")
            #expect(part.status == 200 && part.result.first?["ids"]?.text == "[2]", "\(part)")
            #expect(part.reasons.contains("no message 77 is kept apart"))
            #expect(try await house.send("GET", Self.path).result.map { $0["id"] } == [.number(1)])
            #expect(try await house.send("DELETE", Self.path + "/all").result.count == 1)
            let nothing = try await house.send("DELETE", Self.path + "/all")
            #expect(nothing.status == 200 && nothing.result.isEmpty)
        }
    }

    @Test("More than one transaction holds are admitted, and deleted, all of them")
    func many() async throws {
        var limits = APILimits()
        limits.apartBatchMax = 7
        try await TestHouse.open(limits: limits) { house in
            _ = try await house.device("a")
            _ = try await house.device("b")
            let objects = (0..<100).map { index in
                "{\"timestamp\":\(Self.now + 1_000 + index),\"ident\":\"\(index % 2 == 0 ? "a" : "b")\"}"
            }
            let body = "[\(objects.joined(separator: ","))]"
            for _ in 0..<2 {
                let stored = try await house.send("POST", "/gw/devices/all/messages", body)
                #expect(stored.result.compactMap { $0["apart"]?.integerValue } == [50, 50], "\(stored)")
                #expect(stored.errors.compactMap { $0["ident"]?.stringValue } == ["a", "b"])
            }
            let all = "/gw/devices/all/messages/apart"
            let admitted = try await house.send("POST", all + "/all")
            #expect(admitted.result.compactMap { $0["admitted"]?.integerValue } == [100, 100], "\(admitted)")
            #expect(try await house.send("GET", "/gw/devices/all/messages").result.count == 100, "each once")
            _ = try await house.send("POST", "/gw/devices/all/messages", body)
            let deleted = try await house.send("DELETE", all + "/all")
            #expect(deleted.result.compactMap { $0["deleted"]?.integerValue } == [50, 50], "\(deleted)")
            #expect(try await house.send("GET", all).result.isEmpty)
        }
    }

    @Test(
        "A wrong request is refused and says why",
        arguments: [
            ("POST", "/x", "", 400, "names no messages"),
            ("POST", "/1", "{\"timestamp\":\"a\"}", 400, "must be a number"),
            ("POST", "/1", "{\"timestam\":5}", 400, "did you mean \"timestamp\"?"),
            ("POST", "/1,2", "{\"timestamp\":1699990000}", 400, "name a single id"),
            ("POST", "/all", "{\"timestamp\":1699990000}", 400, "name a single id"),
            ("POST", "/3", "{\"timestamp\":1699990000}", 400, "has a timestamp of its own"),
            ("POST", "/1", "{\"timestamp\":77}", 400, "outside the years"),
            ("POST", "/1", "", 400, "{\"timestamp\":…}"), ("POST", "/1?reason=late", "", 400, "goes with all"),
            ("POST", "/99", "", 404, "GET …/messages/apart"), ("GET", "?reason=old", "", 400, "must be one of"),
            ("GET", "?after=-1", "", 400, "whole number"), ("DELETE", "/all?reason=", "", 400, "must be one of"),
        ])
    func mistakes(method: String, rest: String, body: String, status: Int, reason: String) async throws {
        try await TestHouse.open { house in
            _ = try await prepared(house)
            let answer = try await house.send(method, Self.path + rest, body.isEmpty ? nil : body)
            #expect(answer.status == status && answer.reasons.contains(reason), "\(answer)")
            #expect(try await house.send("GET", Self.path).result.count == 3)
            #expect(try await house.send(method, "/gw/devices/9/messages/apart" + rest, "").status != 200)
        }
    }

    @Test("Messages of devices that are not there stay refused, and one bad message fails no other")
    func others() async throws {
        try await TestHouse.open { house in
            _ = try await house.device("a")
            let stored = try await house.send(
                "POST", "/gw/devices/1/messages",
                "[{\"ident\":\"b\"},5,{\"timestamp\":\"now\",\"ident\":\"a\"},{\"timestamp\":1699990000}]")
            #expect(stored.result.map(\.text) == ["{\"accepted\":1,\"apart\":1,\"device_id\":1}"], "\(stored)")
            #expect(stored.errors.map { $0["index"]?.integerValue } == [0, 1, 2])
            #expect(
                try await house.send("GET", Self.path).result.map { $0["message"]?.text }
                    == ["{\"timestamp\":\"now\",\"ident\":\"a\"}"])
        }
    }
}

extension TestHouse {
    /// Lets everything of device 1 before a moment expire, as the owner of its slot would.
    func setHorizon(_ seconds: Double) throws {
        let slot = Slot(device: DeviceID(1))
        let epoch = try store.slotLeases().first { $0.slot == slot }?.epoch ?? 0
        let expiry = Expiry(
            slot: slot, epoch: epoch, device: DeviceID(1), horizon: Timestamp(seconds: seconds), assignments: [],
            at: clock.now)
        for result in store.expire([expiry]) { _ = try result.get() }
    }
}
