import PrimaryStore
import Telemetry
import Testing

@Suite("Custom fields of intervals")
struct IntervalFieldsTests {
    private static let path = "/gw/calcs/1/devices/1/intervals"

    @Test("Fields are set beside the counters, changed and taken away")
    func life() async throws {
        try await TestHouse.open { house in
            let key = try await house.assignmentWithIntervals()
            let set = try await house.send(
                "PUT", Self.path + "/2", "{\"purpose\":\"business\",\"approved\":{\"by\":\"Kim\"}}")
            #expect(set.result.count == 1 && set.result.first?["value"] == .number(2), "\(set)")
            #expect(set.result.first?["purpose"] == .string("business"))
            #expect(try await house.send("GET", Self.path + "/2").body == set.body)
            let taken = try await house.send("PUT", Self.path + "/2", "{\"purpose\":null,\"note\":1}")
            #expect(taken.result.first?["purpose"] == nil && taken.result.first?["note"] == .number(1), "\(taken)")
            #expect(taken.result.first?["approved"]?["by"] == .string("Kim"))
            let both = try await house.send("PUT", Self.path + "/3,1", "{\"seen\":true}")
            #expect(both.result.compactMap { $0["id"]?.integerValue } == [1, 3], "\(both)")
            #expect(try await house.send("PUT", Self.path + "/last", "{\"seen\":null}").result.count == 1)
            #expect(try house.store.intervalFields(key).map(\.id) == [1, 2])
        }
    }

    @Test("What is calculated cannot be set, and what is not there neither")
    func refused() async throws {
        try await TestHouse.open { house in
            _ = try await house.assignmentWithIntervals()
            let reserved = try await house.send("PUT", Self.path + "/1", "{\"a\":1,\"begin\":5}")
            #expect(reserved.status == 400 && reserved.errors.first?["path"] == .string("begin"), "\(reserved)")
            let counter = try await house.send("PUT", Self.path + "/1", "{\"value\":5}")
            #expect(counter.status == 400 && counter.reasons.contains("\"value\""), "\(counter)")
            #expect(counter.errors.first?["id"] == .number(1))
            #expect(try await house.send("PUT", Self.path + "/1", "[1]").status == 400)
            #expect(try await house.send("PUT", Self.path + "/1", "{}").status == 400)
            #expect(try await house.send("PUT", Self.path + "/1").status == 400)
            let missing = try await house.send("PUT", Self.path + "/9", "{\"a\":1}")
            #expect(missing.status == 404 && missing.reasons.contains("no interval 9 on device 1"), "\(missing)")
            let partly = try await house.send("PUT", Self.path + "/1,9", "{\"a\":1}")
            #expect(partly.status == 200 && partly.result.count == 1 && partly.errors.count == 1, "\(partly)")
            #expect(try await house.send("PUT", Self.path + "/all", "{\"a\":1}").reasons.contains("single intervals"))
            #expect(try await house.send("PUT", Self.path + "/x", "{\"a\":1}").status == 400)
            #expect(try await house.send("PUT", "/gw/calcs/1/devices/7/intervals/1", "{\"a\":1}").status == 404)
            let kept = try await house.send("GET", Self.path + "/all")
            #expect(kept.result.first?["value"] == .number(1) && kept.result.first?["a"] == .number(1), "\(kept)")
        }
    }

    @Test("Fields that several assignments get are answered with whose they are")
    func tagged() async throws {
        try await TestHouse.open { house in
            _ = try await house.assignmentWithIntervals()
            _ = try await house.device("b")
            _ = try await house.send("POST", "/gw/calcs/1/devices/2")
            try await house.push(AssignmentKey(calculator: CalculatorID(1), device: DeviceID(2)))
            let set = try await house.send("PUT", "/gw/calcs/1/devices/all/intervals/2", "{\"a\":1}")
            #expect(set.result.compactMap { $0["device_id"]?.integerValue } == [1, 2], "\(set)")
            #expect(set.result.allSatisfy { $0["a"] == .number(1) })
        }
    }
}
