import Calculators
import PrimaryStore
import Recalculation
import Telemetry
import Testing

@testable import HTTPAPI

@Suite("Dry runs")
struct DryRunTests {
    static let path = "/gw/calcs/1/dry-run"
    static let start = OnDemandTests.start

    static func selector(_ expression: String) -> String {
        "\"selectors\":[{\"type\":\"expression\",\"expression\":\"\(expression)\"}]"
    }

    @Test("A change that changes nothing says so")
    func unchanged() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 2)
            let report = try #require(try await house.send("POST", Self.path, "{}").result.first)
            #expect(
                report.text == """
                    {"calc_id":1,"devices":2,"intervals":{"before":4,"after":4},"created":0,"updated":0,"deleted":0,\
                    "unchanged":4,"duration":{"before":360,"after":360,"difference":0},\
                    "counters":[{"name":"max","before":28,"after":28,"difference":0}],\
                    "samples":{"created":[],"updated":[],"deleted":[]},"is_partial":false}
                    """)
        }
    }

    @Test("Created, updated and deleted intervals are counted and shown, and nothing is changed")
    func changes() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            let before = try await house.send("GET", "/gw/calcs/1").body
            let stored = try await house.send("GET", "/gw/calcs/1/devices/1/intervals/all").body
            // The first trip goes, the second loses its first message and keeps its id.
            let response = try await house.send("POST", Self.path, "{\(Self.selector("position.speed>7"))}")
            let report = try #require(response.result.first, "\(response)")
            #expect(report["deleted"] == .number(1) && report["updated"] == .number(1), "\(report.text)")
            #expect(report["created"] == .number(0) && report["unchanged"] == .number(0))
            #expect(report["intervals"]?.text == "{\"before\":2,\"after\":1}")
            #expect(report["duration"]?.text == "{\"before\":180,\"after\":60,\"difference\":-120}")
            #expect(
                report["counters"]?.text == "[{\"name\":\"max\",\"before\":14,\"after\":9,\"difference\":-5}]")
            let samples = try #require(report["samples"])
            #expect(
                samples["deleted"]?.text == """
                    [{"device_id":1,"before":{"begin":\(Self.start + 60),"end":\(Self.start + 120),"duration":60,\
                    "id":1,"timestamp":1700000000,"max":5}}]
                    """)
            #expect(
                samples["updated"]?.text == """
                    [{"device_id":1,"before":{"begin":\(Self.start + 240),"end":\(Self.start + 360),"duration":120,\
                    "id":2,"timestamp":1700000000,"max":9},"after":{"begin":\(Self.start + 300),\
                    "end":\(Self.start + 360),"duration":60,"id":2,"max":9}}]
                    """)
            #expect(try await house.send("GET", "/gw/calcs/1").body == before)
            #expect(try await house.send("GET", "/gw/calcs/1/devices/1/intervals/all").body == stored)
            let wide = "{\(Self.selector("position.speed==0")),\"counters\":[]}"
            let created = try #require(try await house.send("POST", Self.path, wide).result.first)
            #expect(created["created"] == .number(0) && created["deleted"] == .number(2), "single messages are dropped")
        }
    }

    @Test("A new counter is totalled after, a counter that goes is totalled before")
    func counters() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            let body = """
                {"counters":[{"name":"sum","type":"parameter","parameter":"position.speed","method":"summary"},\
                {"name":"text","type":"specified","value":"x"}],"samples":1}
                """
            let report = try #require(try await house.send("POST", Self.path, body).result.first)
            #expect(
                report["counters"]?.text == """
                    [{"name":"sum","before":null,"after":34,"difference":34},\
                    {"name":"max","before":14,"after":null,"difference":-14}]
                    """)
            #expect(report["updated"] == .number(2) && report["samples"]?["updated"]?.arrayValue?.count == 1)
        }
    }

    @Test("Fields that people have added are no counters that would go, and previous() finds them")
    func customFields() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            let key = AssignmentKey(calculator: CalculatorID(1), device: DeviceID(1))
            let slot = Slot(device: key.device)
            let epoch = try #require(try house.store.slotLeases().first { $0.slot == slot }?.epoch)
            _ = try house.store.setIntervalFields(
                slot: slot, epoch: epoch, key: key, id: 1, fields: [.init("note", .number(7))], at: house.clock.now)
            let plain = try #require(try await house.send("POST", Self.path, "{}").result.first)
            #expect(plain["unchanged"] == .number(2) && plain["counters"]?.arrayValue?.count == 1, "\(plain.text)")
            let body = """
                {"counters":[{"name":"before","type":"interval","expression":"previous('note')"}]}
                """
            let report = try #require(try await house.send("POST", Self.path, body).result.first)
            let named = report["counters"]?.arrayValue?.first { $0["name"] == .string("before") }
            #expect(named?["after"] == .number(7), "\(report.text)")
        }
    }

    @Test("A device that is not assigned, or disabled, is left out; devices may be selected")
    func devices() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 3)
            _ = try await house.device("other")
            func devices(_ body: String) async throws -> JSONValue? {
                try await house.send("POST", Self.path, body).result.first?["devices"]
            }
            #expect(try await devices("{}") == .number(3))
            #expect(try await devices("{\"devices\":\"1,2,4\"}") == .number(2))
            #expect(try await devices("{\"devices\":3}") == .number(1))
            #expect(try await devices("{\"devices\":\"ident=car*\"}") == .number(3))
            _ = try await house.send("PUT", "/gw/calcs/1/devices/2", "{\"enabled\":false}")
            #expect(try await devices("{}") == .number(2))
            let missing = try await house.send("POST", Self.path, "{\"devices\":\"1,77\"}")
            #expect(missing.result.count == 1 && missing.errors.first?["id"] == .number(77), "\(missing)")
        }
    }

    @Test(
        "A wrong change is refused as a real one is",
        arguments: [
            (
                "{\"selectors\":[{\"type\":\"expression\",\"expression\":\"position.speed>\"}]}",
                "selectors[0].expression"
            ),
            ("{\"selectrs\":[]}", "did you mean \"selectors\"?"), ("{\"samples\":-1}", "samples"),
            ("{\"samples\":101}", "samples"), ("{\"devices\":[1]}", "must be a selector"),
            ("{\"devices\":\"x\"}", "selects no device"), ("{\"timezone\":\"Nowhere\"}", "timezone"),
            ("{\"name\":\"\"}", "name"), ("", "the body is empty"),
        ])
    func refused(body: String, reason: String) async throws {
        try await TestHouse.open { house in
            _ = try await house.calculator()
            let response = try await house.send("POST", Self.path, body)
            #expect(response.status == 400 && response.reasons.contains(reason), "\(response)")
        }
    }

    @Test("A calculator that is not there is not found; of several each has its own report")
    func several() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 1)
            _ = try await house.calculator()
            let response = try await house.send("POST", "/gw/calcs/1,2,9/dry-run", "{}")
            #expect(response.result.map { $0["calc_id"]?.integerValue } == [1, 2], "\(response)")
            #expect(response.result.map { $0["devices"]?.integerValue } == [1, 0])
            #expect(response.errors.first?["id"] == .number(9))
            #expect(response.headers["x-odograph-synced"] == "true")
            #expect(try await house.send("POST", "/gw/calcs/9/dry-run", "{}").status == 404)
        }
    }

    @Test("At a limit the report covers whole devices, and says that it is partial")
    func partial() async throws {
        try await TestHouse.open { house in
            try await house.calculated(devices: 3)
            let calculator = try Calculator(try JSONValue(parsing: TestHouse.trips))
            let definition = OnDemandDefinition(id: CalculatorID(1), calculator: calculator, timeZone: .utc)
            for (name, covered) in [("messages", 2), ("intervals", 2), ("seconds", 0), ("none", 3)] {
                var limits = OnDemandLimits()
                if name == "messages" { limits.messagesMax = 8 * 2 + 7 }
                if name == "intervals" { limits.intervalsMax = 2 * 2 + 1 }
                if name == "seconds" { limits.secondsMax = -1 }
                let devices = (1...3).map { id in
                    DeviceEntity(
                        DeviceRecord(id: DeviceID(Int64(id)), ident: "car\(id)", name: "", json: "{}", revision: 1))
                }
                let run = DryRun(
                    definition: definition, devices: devices, samplesMax: 0, now: house.clock.now, limits: limits)
                var (report, budget) = (DryRunReport(definition, samplesMax: 0), OnDemandBudget(limits))
                for device in devices where budget.excess == nil {
                    try run.compare(device, from: house.store, &report, &budget)
                }
                let json = report.json(assignedCount: 3)
                #expect(json["devices"] == .number(Double(covered)), "\(name): \(json.text)")
                #expect(json["intervals"]?["before"] == .number(Double(covered * 2)))
                #expect(json["is_partial"] == .boolean(covered < 3), "\(name)")
            }
        }
    }
}

extension TestHouse {
    /// Devices with the messages of `OnDemandTests`, and calculator 1 assigned, calculated and stored.
    func calculated(devices count: Int) async throws {
        let id = CalculatorID(try await calculator())
        let definition = OnDemandDefinition(
            id: id, calculator: try Calculator(try JSONValue(parsing: Self.trips)), timeZone: .utc)
        let epochs = try store.claimAllSlots(owner: "test", at: clock.now)
        for index in 1...count {
            let device = DeviceID(try await device("car\(index)"))
            _ = try await send("POST", "/gw/devices/\(device)/messages", OnDemandTests.messages())
            _ = try await send("POST", "/gw/calcs/\(id)/devices/\(device)")
            let record = try #require(try store.registry().devices.first { $0.id == device })
            let calculation = OnDemandCalculation(
                device: DeviceEntity(record), definition: definition, range: .all, isAssigned: true, now: clock.now)
            var budget = OnDemandBudget(OnDemandLimits())
            let intervals = try calculation.intervals(from: store, &budget).map(RenderedInterval.init)
            try await push(intervals, AssignmentKey(calculator: id, device: device), epochs)
        }
    }

    private func push(
        _ intervals: [RenderedInterval], _ key: AssignmentKey, _ epochs: [Slot: Int64]
    ) async throws {
        let slot = Slot(device: key.device)
        let writes = intervals.map { rendered in
            IntervalWrite(
                id: nil, firstOn: rendered.interval.firstOn, begin: rendered.interval.begin,
                end: rendered.interval.end, isActive: rendered.interval.isActive, head: rendered.head,
                tail: rendered.tail, digest: rendered.digest)
        }
        let job = JobRecord(
            key: key, cause: "assigned", rangeAsked: .all, rangeRun: .all, messageCount: 8, started: clock.now,
            milliseconds: 1)
        let push = Push(
            slot: slot, epoch: epochs[slot] ?? 0, key: key, calculatorRevision: 1, upserts: writes,
            marks: AssignmentMarks(logPosition: 1, calculatorRevision: 1), timestamp: clock.now, job: job)
        for result in await store.push([push]) { _ = try result.get() }
    }
}
